#!/usr/bin/env python3
"""Computes the vectors of spec/ticket.md and spec/pairing.md independently.

Nothing but the standard library, and nothing from the Rust code: what both
agree on is what the specification says. Run it in any folder:

    python3 spec/vectors/ticket/make.py          check the files against it
    python3 spec/vectors/ticket/make.py --write  write them anew

It first recomputes a vector that was published for the same layout under other
labels, which shows that the functions below are right before they are used.
"""

import base64
import hashlib
import hmac
import ipaddress
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
GROUPS = {1: 3, 2: 5, 3: 8, 4: 10, 5: 13, 6: 15, 7: 17}


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def extract(salt, secret):
    return mac(salt, secret)


def expand(root, info, length):
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = mac(root, block, info, bytes([counter]))
        out, counter = out + block, counter + 1
    return out[:length]


def base32(data):
    return base64.b32encode(data).decode().rstrip("=")


def digits(data):
    chunks = [data[i : i + 7] for i in range(0, len(data), 7)]
    return "".join(str(int.from_bytes(c, "little")).zfill(GROUPS[len(c)]) for c in chunks)


def address(text, port=None):
    ip = ipaddress.ip_address(text)
    own = b"" if port is None else struct.pack("<H", port)
    if ip.version == 4:
        return bytes([4 if port is None else 7]) + ip.packed + own
    if ip.packed[:8] == b"\xfe\x80" + bytes(6):
        return bytes([5 if port is None else 9]) + ip.packed[8:] + own
    return bytes([6 if port is None else 8]) + ip.packed + own


def ticket(addresses, *, check, head=0x10, flags=0, count=None, epoch=1, issued=1767225600,
           lifetime=60, exam="exam-session-42", secret=bytes(range(16)), pin=sha256(b"spki A"),
           port=47123, tail=b"", issuer=None):
    count = len(addresses) if count is None else count
    if issuer is not None:
        head, tail = 0x11, bytes([len(issuer)]) + issuer + tail
    body = bytes([head, count << 4 | flags])
    body += struct.pack("<HIB", epoch, issued, lifetime)
    body += sha256(exam.encode())[:8] + secret + pin + struct.pack("<H", port)
    body += b"".join(addresses) + tail
    return body + sha256(check, body)[:4]


CHECK = b"diptych qr check v1"
SALT = b"diptych-pair-v1"
HOME = [address("192.168.1.23")]


def prove_the_functions():
    old = ticket(HOME, check=b"dcam qr check v1")
    assert old.hex() == (
        "1010010000b955693ca4f1549822d18b81000102030405060708090a0b0c0d0e0f165fa8f049c54e927b"
        "4b40a5368a4e488f49cf12dba374b5cafd27c6c7bdcd3813b804c0a80117111779ca"
    )
    assert sha256(old).hex() == (
        "278ae251102c6ada76e24cc6f1a42a00cb48821001a8dd8796fe1b5fac51ecb7"
    )
    root = extract(b"dcam-pair-v1", bytes(range(16)))
    assert root.hex() == "827e74f7bb2996f76f6aa4f3833c2a1fa9bd19f66d78eaa8af266495c89e8327"
    assert base32(expand(root, b"mdns label", 8)) == "YJGOYJZD6YDXS"


def vector(expect, clause, comment, **fields):
    lines = [f"expect: {expect}", f"clause: {clause}", f"comment: {comment}"]
    return "\n".join(lines + [f"{key}: {value}" for key, value in fields.items()]) + "\n"


def readable(clause, comment, data, addresses, *, epoch=1, issued_at=1767225600, lifetime_s=60,
             flags=0, issuer=""):
    root = extract(SALT, bytes(range(16)))
    return vector(
        "ok", clause, comment, text="diptych:" + digits(data), bytes=data.hex(), epoch=epoch,
        issued_at=issued_at, lifetime_s=lifetime_s, flags=flags,
        exam=sha256(b"exam-session-42")[:8].hex(), issuer=issuer, secret=bytes(range(16)).hex(),
        pin=sha256(b"spki A").hex(), port=47123, addresses=addresses,
        digest=sha256(data).hex(), root=root.hex(),
        discovery=base32(expand(root, b"mdns label", 8)),
    )


def ticket_vectors():
    good = ticket(HOME, check=CHECK)
    text = "diptych:" + digits(good)
    files = {
        "ok-one-address": readable(
            "TICKET-4", "the worked example of spec/ticket.md", good, "192.168.1.23:47123",
        )
    }

    def add(name, expect, clause, comment, data=None, text=None, **fields):
        shown = text if text is not None else "diptych:" + digits(data)
        files[name] = vector(expect, clause, comment, text=shown, **fields)

    six = [address("10.0.0.2"), address("fe80::1:2:3:4"), address("fd00::7"),
           address("10.0.2.2", 5001), address("fd00::8", 5002), address("fe80::9", 5003)]
    every = ticket(six, check=CHECK, flags=15, epoch=65535, issued=4294967295, lifetime=120)
    files["ok-six-types"] = readable(
        "TICKET-5", "every address type, every flag, the largest numbers", every,
        "10.0.0.2:47123 [fe80::1:2:3:4]:47123 [fd00::7]:47123 10.0.2.2:5001 "
        "[fd00::8]:5002 [fe80::9]:5003",
        epoch=65535, issued_at=4294967295, lifetime_s=120, flags=15,
    )
    name = "\u4e2d\u592e\u7f8e\u672f\u5b66\u9662"
    named = ticket(HOME, check=CHECK, issuer=name.encode())
    files["ok-issuer"] = readable(
        "TICKET-12", "a code that names the issuer", named, "192.168.1.23:47123", issuer=name,
    )
    bad_names = {
        "missing": ("type 1 with nothing after the addresses", {"head": 0x11}),
        "empty": ("a name of no bytes", {"issuer": b""}),
        "long": ("a name of 33 bytes", {"issuer": b"a" * 33}),
        "torn": ("a length beyond the end", {"head": 0x11, "tail": b"\x02a"}),
        "utf8": ("half a character", {"issuer": name.encode()[:-1]}),
        "control": ("a line break", {"issuer": b"a\nb"}),
        "bidi": ("a mark that turns the text around", {"issuer": "a\u202eb".encode()}),
    }
    for bad, (comment, fields) in bad_names.items():
        add(f"issuer-{bad}", "issuer", "TICKET-12", comment, ticket(HOME, check=CHECK, **fields))
    add("issuer-trailing", "trailing", "TICKET-4", "a byte after the issuer",
        ticket(HOME, check=CHECK, issuer=b"Academy", tail=b"!"))
    add("issuer-of-type-0", "trailing", "TICKET-12", "a name in a code that has none",
        ticket(HOME, check=CHECK, tail=b"\x07Academy"))
    add("foreign-empty", "foreign", "TICKET-1", "an empty text", text="")
    add("foreign-scheme", "foreign", "TICKET-1", "upper case is another scheme",
        text="DIPTYCH:" + digits(good))
    add("foreign-wifi", "foreign", "TICKET-1", "the code of a network", text="WIFI:S:home;;")
    add("foreign-link", "foreign", "TICKET-1", "a link without /p#",
        text="https://exam.example/q#" + digits(good))
    add("foreign-http", "foreign", "TICKET-1", "a link that is not https",
        text="http://exam.example/p#" + digits(good))
    add("not-a-digit-space", "not-a-digit", "TICKET-3", "a space", text=text + " ")
    add("not-a-digit-arabic", "not-a-digit", "TICKET-3", "a digit of another script",
        text=text[:-1] + "\u0663")
    add("group-length", "group", "TICKET-3", "a last group of sixteen digits", text=text + "0")
    add("overflow-last", "overflow", "TICKET-3", "a last group above its bytes",
        text=text[:-15] + "9" * 15)
    add("overflow-first", "overflow", "TICKET-3", "2^56 does not fit seven bytes",
        text="diptych:" + str(1 << 56) + text[25:])
    add("too-long", "too-long", "TICKET-3", "421 digits", text="diptych:" + "0" * 421)
    add("truncated-empty", "truncated", "TICKET-4", "no digits", text="diptych:")
    add("truncated-head", "truncated", "TICKET-4", "half a ticket", good[:40])
    add("version-2", "version", "TICKET-4", "another version",
        ticket(HOME, check=CHECK, head=0x20))
    add("type-2", "version", "TICKET-4", "another type", ticket(HOME, check=CHECK, head=0x12))
    add("check", "check", "TICKET-10", "one bit of the secret changed",
        good[:20] + bytes([good[20] ^ 1]) + good[21:])
    add("check-label", "check", "TICKET-10", "another check label",
        ticket(HOME, check=b"dcam qr check v1"))
    for lifetime in (0, 121):
        add(f"lifetime-{lifetime}", "lifetime", "TICKET-4", f"a lifetime of {lifetime} s",
            ticket(HOME, check=CHECK, lifetime=lifetime))
    add("zero-secret", "zero-secret", "TICKET-6", "a secret of zeros",
        ticket(HOME, check=CHECK, secret=bytes(16)))
    add("zero-pin", "zero-pin", "TICKET-6", "a pin of zeros",
        ticket(HOME, check=CHECK, pin=bytes(32)))
    add("count-0", "address-count", "TICKET-5", "no address announced",
        ticket(HOME, check=CHECK, count=0))
    add("count-7", "address-count", "TICKET-5", "seven addresses announced",
        ticket(HOME, check=CHECK, count=7))
    add("count-2-of-1", "address-truncated", "TICKET-5", "two announced, one there",
        ticket(HOME, check=CHECK, count=2))
    add("address-type", "address-type", "TICKET-5", "type 3 is unknown",
        ticket([b"\x03" + HOME[0][1:]], check=CHECK))
    add("trailing", "trailing", "TICKET-4", "a byte after the last address",
        ticket(HOME, check=CHECK, tail=b"\x00"))
    add("port-0", "port", "TICKET-7", "port 0", ticket(HOME, check=CHECK, port=0))
    add("own-port-0", "port", "TICKET-7", "an override to port 0",
        ticket([address("10.0.2.2", 0)], check=CHECK))
    bad = {
        "unspecified": ["0.0.0.0", "0.9.9.9", "::"],
        "multicast": ["224.0.0.251", "255.255.255.255", "ff02::fb"],
        "loopback": ["127.0.0.1", "::1"],
    }
    for expect, ips in bad.items():
        for ip in ips:
            name = f"{expect}-{ip.replace(':', '_').replace('.', '_')}"
            add(name, expect, "TICKET-7", ip, ticket([address(ip)], check=CHECK))
    add("duplicate", "duplicate", "TICKET-7", "one address twice",
        ticket(HOME * 2, check=CHECK))
    add("duplicate-by-port", "duplicate", "TICKET-7", "an override that overrides nothing",
        ticket(HOME + [address("192.168.1.23", 47123)], check=CHECK))
    add("long-form-link-local", "long-form", "TICKET-7", "type 6 for a link-local address",
        ticket([b"\x06\xfe\x80" + bytes(13) + b"\x01"], check=CHECK))
    add("long-form-mapped", "long-form", "TICKET-7", "type 6 for an IPv4 address",
        ticket([address("::ffff:10.0.0.1")], check=CHECK))
    return files


def field(text):
    raw = text.encode()
    return bytes([len(raw)]) + raw.ljust(32, b"\0")


P256 = 2**256 - 2**224 + 2**192 + 2**96 - 1
GENERATOR = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")


def doubled(point):
    x, y = point
    slope = (3 * x * x - 3) * pow(2 * y, -1, P256) % P256
    third = (slope * slope - 2 * x) % P256
    return third, (slope * (x - third) - y) % P256


def sec1(point):
    return b"\x04" + b"".join(c.to_bytes(32, "big") for c in point)


def draw(seed, number, length):
    return expand(extract(b"diptych entropy v1", seed), struct.pack("<Q", number), length)


def check_code(shared, transcript):
    for turn in range(256):
        drawn = expand(shared, b"check code" + transcript + bytes([turn]), 4)
        drawn = int.from_bytes(drawn, "little")
        if drawn < 4_294_000_000:
            return f"{drawn % 1_000_000:06}"
    raise AssertionError("256 unfair draws")


def pairing_vectors():
    points = sec1(GENERATOR), sec1(doubled(GENERATOR))
    primary, assistant = (sha256(SPKI, point) for point in points)
    seeds = bytes(range(0xC0, 0xE0)), bytes(range(0xE0, 0x100))
    secret = draw(seeds[0], 0, 16)
    shown = ticket(HOME, check=CHECK, flags=2, secret=secret, pin=primary,
                   issuer=b"Academy")
    digest = sha256(shown)
    binding = bytes(range(0x40, 0x60))
    ends = (digest, binding, primary, assistant)
    root = extract(SALT, secret)
    keys = [expand(root, label, 32) for label in (b"proof assistant", b"proof primary")]

    hello = struct.pack("<BHBH", 1, 1, 1, 0) + draw(seeds[1], 0, 16) + field("back") + assistant
    hello += mac(keys[0], *ends, sha256(hello))
    session = bytes(range(0x50, 0x60))
    accept = session + bytes([1, 1, 1]) + draw(seeds[0], 1, 16) + field("front") + primary
    accept += mac(keys[1], *ends, sha256(hello), sha256(accept))
    transcript = sha256(digest, hello, accept)
    shared = extract(binding, secret)
    confirm = mac(expand(shared, b"confirm" + transcript, 32), *ends, transcript)
    resume = expand(shared, b"resume" + transcript, 32)

    later = bytes(range(0x80, 0xA0))
    ends = (later, primary, assistant)

    def standing(boot, head, sequence, held):
        return (session + bytes([1]) + struct.pack("<I", 1) + bytes([boot] * 16)
                + bytes([head] * 32) + struct.pack("<QQ", sequence, held))

    asked = standing(0xB1, 0xB2, 20, 3)
    asked += mac(expand(resume, b"resume assistant", 32), *ends, sha256(asked))
    answered = standing(0xA1, 0xA2, 10, 7)
    answered += mac(expand(resume, b"resume primary", 32), *ends, sha256(asked), sha256(answered))
    exchange = vector(
        "ok", "PAIRING-8", "a pairing and a resumption; the private keys are 1 and 2",
        primary_point=points[0].hex(), assistant_point=points[1].hex(), primary_key=primary.hex(),
        assistant_key=assistant.hex(), primary_seed=seeds[0].hex(), assistant_seed=seeds[1].hex(),
        secret=secret.hex(), ticket=shown.hex(), digest=digest.hex(), binding=binding.hex(),
        root=root.hex(), proof_assistant_key=keys[0].hex(), proof_primary_key=keys[1].hex(),
        discovery=base32(expand(root, b"mdns label", 8)), hello=hello.hex(), accept=accept.hex(),
        transcript=transcript.hex(), shared=shared.hex(), confirm=confirm.hex(),
        resume_secret=resume.hex(), check_code=check_code(shared, transcript),
        session_discovery=base32(expand(resume, b"mdns label", 8)), later_binding=later.hex(),
        resume=asked.hex(), resumed=answered.hex(),
    )
    return {"exchange": exchange}


def main():
    prove_the_functions()
    topics = {"ticket": ticket_vectors(), "pairing": pairing_vectors()}
    different = []
    for topic, files in topics.items():
        folder = HERE.parent / topic
        for name, text in files.items():
            path = folder / f"{name}.txt"
            if "--write" in sys.argv:
                path.write_text(text, encoding="utf-8")
            elif not path.exists() or path.read_text(encoding="utf-8") != text:
                different.append(str(path))
        known = {f"{name}.txt" for name in files}
        different += [str(p) for p in folder.glob("*.txt") if p.name not in known]
    if different:
        sys.exit("not what this script computes: " + ", ".join(different))


main()
