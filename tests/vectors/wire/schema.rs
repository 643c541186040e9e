//! The second codec: the tables of `spec/wire.md`, written by hand.
//!
//! It shares no code and no type with the implementation, so what both agree on
//! is what the page says. A message is a list of fields; a field is a layout and
//! the numbers that its row allows.

use crate::vector::hex;

/// What a field looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Layout {
    /// A little-endian integer of so many bytes, and whether it is signed.
    Number(usize, Sign),
    Bytes(usize),
    Label,
    Tail,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sign {
    Unsigned,
    Signed,
}

/// One column of a table.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) layout: Layout,
    allowed: fn(i128) -> bool,
}

/// One row.
#[derive(Clone, Copy)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [&'static [Field]],
    /// What concerns more than one field.
    together: fn(&Values) -> bool,
}

/// A value as the vectors write it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    Number(i128),
    Bytes(Vec<u8>),
    Text(String),
}

/// The fields of one message, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Values(pub(crate) Vec<(&'static str, Value)>);

const U8: Layout = Layout::Number(1, Sign::Unsigned);
const U16: Layout = Layout::Number(2, Sign::Unsigned);
const U32: Layout = Layout::Number(4, Sign::Unsigned);
const U64: Layout = Layout::Number(8, Sign::Unsigned);
const U40: Layout = Layout::Number(5, Sign::Unsigned);
const U48: Layout = Layout::Number(6, Sign::Unsigned);
const I64: Layout = Layout::Number(8, Sign::Signed);
const ID: Layout = Layout::Bytes(16);
const HASH: Layout = Layout::Bytes(32);

const fn any(name: &'static str, layout: Layout) -> Field {
    Field { name, layout, allowed: |_| true }
}

const fn only(name: &'static str, layout: Layout, allowed: fn(i128) -> bool) -> Field {
    Field { name, layout, allowed }
}

fn is_close_code(number: i128) -> bool {
    const CODES: [i128; 24] = [
        0x00, 0x101, 0x102, 0x103, 0x104, 0x105, 0x110, 0x111, 0x112, 0x113, 0x114, 0x115, 0x116,
        0x117, 0x120, 0x121, 0x130, 0x131, 0x132, 0x133, 0x134, 0x135, 0x140, 0x141,
    ];
    CODES.contains(&number)
}

const SEAT: Field = only("role", U8, |n| (1..=8).contains(&n));
const CHARGE: Field = only("battery_percent", U8, |n| n <= 100 || n == 255);
const HEAT: Field = only("heat", U8, |n| n <= 4);
const PERMISSIONS: Field = only("permissions", U16, |n| n < 32);

const STAMP: &[Field] = &[
    only("seq", U32, |n| n > 0),
    any("sent", I64),
    any("epoch", U32),
    any("echo_seq", U32),
    any("echo_clock", U16),
    any("echo_received", I64),
];
const SHORT_STAMP: &[Field] =
    &[any("seq", U16), any("sent", U48), any("echo_seq", U16), any("echo_received", U40)];
const DEVICE: &[Field] = &[
    CHARGE,
    only("charging", U8, |n| n <= 1 || n == 255),
    only("power_save", U8, |n| n <= 1 || n == 255),
    HEAT,
    any("free_bytes", U64),
    PERMISSIONS,
];
const RESUME: &[Field] = &[
    any("session", ID),
    SEAT,
    any("epoch", U32),
    any("boot", ID),
    any("head", HASH),
    any("sequence", U64),
    any("peer_sequence", U64),
    any("mac", HASH),
];
const HELLO: &[Field] = &[
    only("version", U8, |n| n == 1),
    any("epoch", U16),
    only("suite", U8, |n| n == 1),
    any("capabilities", U16),
    any("nonce", ID),
    any("label", Layout::Label),
    any("key", HASH),
    any("proof", HASH),
];
const ACCEPT: &[Field] = &[
    any("session", ID),
    SEAT,
    only("device", U8, |n| n > 0),
    only("check_code", U8, |n| n <= 1),
    any("nonce", ID),
    any("label", Layout::Label),
    any("key", HASH),
    any("proof", HASH),
];
const PLAN: &[Field] = &[
    any("exam", Layout::Bytes(8)),
    only("mode", U8, |n| n <= 1),
    any("issuer", Layout::Label),
    only("assistants", U8, |n| (1..=8).contains(&n)),
    any("wait_open", I64),
    any("wait_close", I64),
    any("answer_start", I64),
    any("answer_end", I64),
    only("battery_percent", U8, |n| n <= 100),
    only("charger", U8, |n| n <= 1),
    any("bytes_per_second", U32),
    HEAT,
    PERMISSIONS,
    any("policy", Layout::Bytes(96)),
];
const PULSE: &[Field] = &[
    only("recording", U8, |n| n <= 5),
    only("conditions", U8, |n| n < 8),
    any("last_committed", I64),
];
const SHORT_PULSE: &[Field] = &[
    only("recording", U8, |n| n <= 5),
    only("conditions", U8, |n| n < 8),
    any("last_committed", U48),
];
const HEARTBEAT: &[Field] = &[
    any("frames", U64),
    any("journal_sequence", U64),
    any("journal_head", HASH),
    any("clock_digest", U64),
];

const fn row(kind: u8, name: &'static str, fields: &'static [&'static [Field]]) -> Message {
    Message { kind, name, fields, together: |_| true }
}

const fn checked(
    kind: u8,
    name: &'static str,
    fields: &'static [&'static [Field]],
    together: fn(&Values) -> bool,
) -> Message {
    Message { kind, name, fields, together }
}

/// Every message.
pub(crate) const MESSAGES: &[Message] = &[
    row(0x01, "HELLO", &[HELLO]),
    row(0x02, "ACCEPT", &[ACCEPT]),
    row(0x03, "CONFIRM", &[&[any("mac", HASH)]]),
    row(0x04, "RESUME", &[RESUME]),
    row(0x05, "RESUMED", &[RESUME]),
    row(0x07, "ALARM", &[&[only("code", U32, is_close_code), only("role", U8, |n| n <= 8)]]),
    row(0x08, "CHECK_CODE_CONFIRMED", &[]),
    checked(0x10, "PLAN", &[PLAN], is_possible),
    row(0x11, "PHASE", &[&[only("phase", U8, |n| n <= 4), any("at", I64)]]),
    row(0x12, "BEGIN", &[&[any("take", U32)]]),
    row(0x14, "FINISH", &[&[only("reason", U8, |n| n <= 4), any("at", I64)]]),
    row(0x15, "FINISHED", &[&[any("head", HASH), any("sequence", U64)]]),
    row(0x16, "DEVICE", &[DEVICE, &[only("camera", U8, |n| n <= 4), any("boot", ID)]]),
    checked(
        0x20,
        "JOURNAL",
        &[&[
            any("from_sequence", U64),
            only("count", U16, |n| (1..=512).contains(&n)),
            any("records", Layout::Tail),
        ]],
        |values| (1..=15 * 1024).contains(&values.tail().len()),
    ),
    row(0x21, "JOURNAL_ASK", &[&[any("from_sequence", U64)]]),
    row(0x22, "JOURNAL_HAVE", &[&[any("sequence", U64), any("head", HASH)]]),
    checked(
        0x30,
        "ADDRESSES",
        &[&[
            only("count", U8, |n| (1..=6).contains(&n)),
            only("port", U16, |n| n > 0),
            any("addresses", Layout::Tail),
        ]],
        are_addresses,
    ),
    checked(0x80, "HEARTBEAT", &[STAMP, PULSE, HEARTBEAT], echoes_or_nothing),
    checked(0x81, "PROBE", &[STAMP], echoes_or_nothing),
    checked(0x82, "PULSE", &[STAMP, PULSE], echoes_or_nothing),
    row(0x83, "SHORT_PROBE", &[SHORT_STAMP]),
    row(0x84, "SHORT_PULSE", &[SHORT_STAMP, SHORT_PULSE]),
];

fn is_possible(plan: &Values) -> bool {
    let [open, close, start, end] =
        ["wait_open", "wait_close", "answer_start", "answer_end"].map(|name| plan.number(name));
    open < close && close <= start && start < end && end - open <= 12 * 3_600 * 1_000_000_000
}

fn echoes_or_nothing(stamp: &Values) -> bool {
    let zero = |name| stamp.number(name) == 0;
    !zero("echo_seq") || (zero("echo_clock") && zero("echo_received"))
}

/// As many different addresses as announced, each in its only form.
fn are_addresses(update: &Values) -> bool {
    let mut rest = update.tail();
    let mut seen = Vec::new();
    for _ in 0..update.number("count") {
        let Some((kind, after)) = rest.split_first() else { return false };
        let length = match kind {
            4 | 7 => 4,
            5 | 9 => 8,
            6 | 8 => 16,
            _ => return false,
        };
        let Some((ip, after)) = after.split_at_checked(length) else { return false };
        let (port, after) = match (kind, after) {
            (7..=9, [low, high, after @ ..]) => {
                (i128::from(u16::from_le_bytes([*low, *high])), after)
            }
            (7..=9, _) => return false,
            _ => (update.number("port"), after),
        };
        let group = match length {
            4 => ip[0] == 0 || (224..240).contains(&ip[0]) || ip == [255; 4],
            16 => {
                let link_local = ip[..8] == [0xfe, 0x80, 0, 0, 0, 0, 0, 0];
                let mapped = ip[..12] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
                link_local || mapped || ip == [0; 16] || ip[0] == 0xff
            }
            _ => false,
        };
        let place = (length, ip, port);
        if group || port == 0 || seen.contains(&place) {
            return false;
        }
        seen.push(place);
        rest = after;
    }
    rest.is_empty()
}

impl Message {
    /// The row of this kind.
    pub(crate) fn of(kind: u8) -> Option<&'static Self> {
        MESSAGES.iter().find(|message| message.kind == kind)
    }

    pub(crate) fn columns(&self) -> impl Iterator<Item = &'static Field> {
        self.fields.iter().copied().flatten()
    }

    /// Whether the row ends in a raw tail.
    pub(crate) fn has_tail(&self) -> bool {
        self.columns().any(|field| field.layout == Layout::Tail)
    }

    /// The values of a body, if it is one.
    pub(crate) fn read(&self, mut body: &[u8]) -> Option<Values> {
        let mut values = Values(Vec::new());
        for field in self.columns() {
            let length = match field.layout {
                Layout::Number(length, _) | Layout::Bytes(length) => length,
                Layout::Label => 33,
                Layout::Tail => body.len(),
            };
            let (bytes, rest) = body.split_at_checked(length)?;
            values.0.push((field.name, field.value(bytes)?));
            body = rest;
        }
        (body.is_empty() && (self.together)(&values)).then_some(values)
    }

    /// The body with these values.
    pub(crate) fn write(&self, values: &Values) -> Vec<u8> {
        let mut body = Vec::new();
        for (field, (name, value)) in self.columns().zip(&values.0) {
            assert_eq!(field.name, *name);
            match (field.layout, value) {
                (Layout::Number(length, _), Value::Number(number)) => {
                    body.extend(&number.to_le_bytes()[..length]);
                }
                (Layout::Bytes(_) | Layout::Tail, Value::Bytes(bytes)) => body.extend(bytes),
                (Layout::Label, Value::Text(text)) => {
                    body.push(u8::try_from(text.len()).expect("at most 32"));
                    body.extend(text.as_bytes());
                    body.resize(body.len() + 32 - text.len(), 0);
                }
                (layout, value) => panic!("{layout:?} cannot hold {value:?}"),
            }
        }
        body
    }
}

impl Field {
    /// Whether the row allows this number.
    pub(crate) fn allows(&self, number: u64) -> bool {
        (self.allowed)(number.into())
    }

    fn value(&self, bytes: &[u8]) -> Option<Value> {
        Some(match self.layout {
            Layout::Number(length, sign) => {
                let negative = sign == Sign::Signed && bytes.last()? & 0x80 != 0;
                let mut wide = if negative { [0xff; 16] } else { [0; 16] };
                wide[..length].copy_from_slice(bytes);
                let number = i128::from_le_bytes(wide);
                (self.allowed)(number).then_some(Value::Number(number))?
            }
            Layout::Bytes(_) | Layout::Tail => Value::Bytes(bytes.to_vec()),
            Layout::Label => Value::Text(label(bytes)?),
        })
    }
}

fn label(bytes: &[u8]) -> Option<String> {
    let (length, bytes) = bytes.split_first()?;
    let (text, padding) = bytes.split_at_checked((*length).into())?;
    let text = std::str::from_utf8(text).ok()?;
    let deceptive = |c: char| {
        let code = u32::from(c);
        c.is_control()
            || [0x061C, 0x200E, 0x200F].contains(&code)
            || (0x202A..=0x202E).contains(&code)
            || (0x2066..=0x2069).contains(&code)
    };
    let fine = !text.is_empty() && !text.chars().any(deceptive);
    (fine && padding.iter().all(|byte| *byte == 0)).then(|| text.to_owned())
}

impl Values {
    fn number(&self, name: &str) -> i128 {
        match self.0.iter().find(|(of, _)| *of == name) {
            Some((_, Value::Number(number))) => *number,
            other => panic!("{name}: {other:?}"),
        }
    }

    fn tail(&self) -> &[u8] {
        match self.0.last() {
            Some((_, Value::Bytes(bytes))) => bytes,
            other => panic!("no tail but {other:?}"),
        }
    }

    /// The values as a vector lists them.
    pub(crate) fn shown(&self) -> Vec<(String, String)> {
        let shown = |(name, value): &(&str, Value)| {
            let value = match value {
                Value::Number(number) => number.to_string(),
                Value::Bytes(bytes) => hex(bytes),
                Value::Text(text) => text.clone(),
            };
            ((*name).to_owned(), value)
        };
        self.0.iter().map(shown).collect()
    }
}
