//! A whole pairing and a resumption, every byte as an independent script has it.

use diptych_protocol::address::{Address, Addresses, Loopback};
use diptych_protocol::identity::{BootId, ExamTag, Label, PublicKey, Role, SessionId};
use diptych_protocol::pairing::{Connection, Consent, Offer, Paired, Scanned, Standing, Terms};
use diptych_protocol::secret::{ChannelBinding, Entropy};
use diptych_protocol::ticket::{Flags, Ticket};
use diptych_protocol::time::Instant;
use diptych_protocol::wire::{Frame, Kind};

use crate::vector::{self, Vector, hex};

struct Exchange {
    vector: Vector,
    primary: PublicKey,
    assistant: PublicKey,
}

impl Exchange {
    fn read() -> Self {
        let vector = vector::all("pairing").pop().expect("spec/vectors/pairing/exchange.txt");
        let key = |name| PublicKey::from_sec1(&vector.bytes(name)).expect("a point");
        let (primary, assistant) = (key("primary_point"), key("assistant_point"));
        Self { vector, primary, assistant }
    }

    /// The connection with this exporter value: as the primary, and as the
    /// assistant sees it.
    fn connection(&self, binding: &str) -> (Connection, Connection) {
        let binding = ChannelBinding::new(self.vector.array(binding));
        (
            Connection { binding: binding.clone(), peer: self.assistant },
            Connection { binding, peer: self.primary },
        )
    }

    fn terms(&self) -> Terms {
        let ip = Address::new("192.168.1.23".parse().expect("an address"));
        Terms {
            session: SessionId(std::array::from_fn(|i| 0x50 + u8::try_from(i).unwrap_or(0))),
            role: Role::new(1).expect("a seat"),
            device: 1,
            exam: ExamTag::of("exam-session-42"),
            issuer: Label::new("Academy").expect("an issuer"),
            own: self.primary,
            label: Label::new("front").expect("a label"),
            flags: Flags::CHECK_CODE,
            addresses: Addresses::new(&[ip], 47_123, Loopback::Refused).expect("an address"),
            unix_s: 1_767_225_600,
            first_epoch: 1,
        }
    }

    #[track_caller]
    fn is(&self, key: &str, got: &[u8]) {
        assert_eq!(hex(got), self.vector.get(key), "{key}");
    }

    /// Both sides as they are after the exchange: the primary's, the assistant's.
    fn pair(&self) -> (Paired, Paired) {
        let Accepted { mut offer, mut entropy, assistant, confirm } = self.accepted();
        let (at_primary, _) = self.connection("binding");
        let now = Instant::from_nanos(0);
        let primary = offer.confirm(now, &at_primary, &confirm, &mut entropy).expect("paired");
        (primary, assistant)
    }

    /// Both sides when CONFIRM has not come yet.
    fn accepted(&self) -> Accepted {
        let now = Instant::from_nanos(0);
        let mut entropy = Entropy::new(self.vector.array("primary_seed"));
        let mut offer = Offer::open(now, self.terms(), &mut entropy);
        let ticket = offer.ticket().expect("an open offer shows a code").clone();
        self.is("ticket", &ticket.bytes());
        self.is("digest", &ticket.digest());
        self.is("secret", ticket.secret.expose());
        assert_eq!(offer.discovery(), Some(self.vector.get("discovery")));

        let (at_primary, at_assistant) = self.connection("binding");
        let ticket = Ticket::parse(&ticket.to_text(), Loopback::Refused).expect("our own code");
        let consent = Consent::given_to(ExamTag::of("exam-session-42"), Label::new("Academy").ok());
        let send = Scanned::new(ticket).consent(consent).expect("the same exam");
        let mut seed = Entropy::new(self.vector.array("assistant_seed"));
        let label = Label::new("back").expect("a label");
        let (hello, expect) =
            send.send(&at_assistant, &self.assistant, label, &mut seed).expect("HELLO");
        self.is("hello", hello.body());
        let accept = offer.hello(now, &at_primary, &hello, &mut entropy).expect("ACCEPT");
        self.is("accept", accept.body());
        let (assistant, confirm) = expect.accept(&accept).expect("CONFIRM");
        self.is("confirm", confirm.body());
        Accepted { offer, entropy, assistant, confirm }
    }
}

/// The primary's offer and entropy, the assistant's side, and CONFIRM.
struct Accepted {
    offer: Offer,
    entropy: Entropy,
    assistant: Paired,
    confirm: Frame,
}

fn standing(boot: u8, sequence: u64, peer_sequence: u64) -> Standing {
    Standing { boot: BootId([boot; 16]), head: [boot + 1; 32], sequence, peer_sequence }
}

/// [PAIRING-3] [PAIRING-4] [PAIRING-5] [PAIRING-6] [PAIRING-7] [PAIRING-8] [PAIRING-11]
#[test]
fn a_pairing_byte_for_byte() {
    let exchange = Exchange::read();
    exchange.is("primary_key", &exchange.primary.fingerprint().0);
    exchange.is("assistant_key", &exchange.assistant.fingerprint().0);
    let (primary, assistant) = exchange.pair();
    for paired in [primary, assistant] {
        exchange.is("transcript", paired.transcript());
        exchange.is("resume_secret", paired.resume().expose());
        let digits = format!("{:06}", paired.check_code());
        assert_eq!(digits, exchange.vector.get("check_code"));
        let name = paired.membership().discovery();
        assert_eq!(name, exchange.vector.get("session_discovery"));
    }
}

/// [PAIRING-20] [WIRE-5]
#[test]
fn a_resumption_byte_for_byte() {
    let exchange = Exchange::read();
    let (primary, assistant) = exchange.pair();
    let (mut primary, mut assistant) = (primary.membership(), assistant.membership());
    let (at_primary, at_assistant) = exchange.connection("later_binding");
    let asked = standing(0xB1, 20, 3);
    let (frame, expect) =
        assistant.request(&at_assistant, &exchange.assistant, asked).expect("RESUME");
    exchange.is("resume", frame.body());
    let answered = standing(0xA1, 10, 7);
    let examined = primary.examine(&at_primary, &exchange.primary, &frame).expect("RESUME");
    let frame = primary.answer(&examined, answered);
    exchange.is("resumed", frame.body());
    let received = Frame::new(Kind::Resumed, exchange.vector.bytes("resumed"));
    assert_eq!(expect.accept(&received).expect("resumed").sequence, 10);
}

/// [PAIRING-27]
#[test]
fn a_resumption_in_place_of_confirm_byte_for_byte() {
    let exchange = Exchange::read();
    let Accepted { mut offer, mut entropy, assistant, .. } = exchange.accepted();
    let (at_primary, _) = exchange.connection("later_binding");
    let frame = Frame::new(Kind::Resume, exchange.vector.bytes("resume"));
    let (now, answered) = (Instant::from_nanos(0), standing(0xA1, 10, 7));
    let returned = offer.resume(now, &at_primary, &frame, answered, &mut entropy).expect("RESUMED");
    exchange.is("resumed", returned.answer.body());
    exchange.is("transcript", returned.paired.transcript());
    assert_eq!(returned.paired.check_code(), assistant.check_code());
    assert_eq!(returned.membership.resume, *assistant.resume());
}
