//! The assistant's side: `Scanned → SendHello → ExpectAccept → Paired`.
//!
//! A code may be a trap: who tapes one over the primary's screen owns the
//! bystander's camera. So nothing can be proven, and nothing sent, before the
//! person who holds the assistant has agreed to this very exam. Rejected: a
//! dialog that the app promises to show, without which the protocol would go on.

use crate::fault::{CloseCode, Fault, Got};
use crate::identity::{ExamTag, Fingerprint, Label, PublicKey};
use crate::pairing::keys::{self, Ends, TicketKeys};
use crate::pairing::{Connection, Paired, Seat};
use crate::secret::Entropy;
use crate::ticket::Ticket;
use crate::wire::{Accept, Capabilities, Confirm, Control, Frame, Hello, Kind, Suite, Version};

/// A code was read, and its reader has not been asked yet.
#[derive(Clone, Debug)]
pub struct Scanned {
    ticket: Ticket,
}

/// The person at the assistant agreed to lend its camera and microphone to this exam,
/// held by this issuer. The app makes one only after it has shown both; the plan that
/// follows is held against it. `[PAIRING-35]`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Consent {
    pub(crate) exam: ExamTag,
    /// `None` if the code named nobody.
    pub(crate) issuer: Option<Label>,
}

/// Consent is given; HELLO can be sent on a connection. Kept by the caller for
/// another try: a connection may die before ACCEPT, or CONFIRM may be lost, and
/// HELLO is then repeated on a new one. `[PAIRING-18]`
#[derive(Clone, Debug)]
pub struct SendHello {
    ticket: Ticket,
    keys: TicketKeys,
}

/// HELLO is sent; only ACCEPT or a refusal may follow.
#[derive(Debug)]
pub struct ExpectAccept {
    keys: TicketKeys,
    ends: Ends,
    peer: PublicKey,
    pinned: Fingerprint,
    hello: Vec<u8>,
}

impl Consent {
    /// Consent to what the app showed: the exam and who holds it, if the code said so.
    #[must_use]
    pub const fn given_to(exam: ExamTag, issuer: Option<Label>) -> Self {
        Self { exam, issuer }
    }

    /// Whether a session of this exam and issuer is what was agreed to. `[PAIRING-35]`
    ///
    /// # Errors
    /// [`CloseCode::WrongExam`].
    pub fn covers(&self, exam: ExamTag, issuer: Label) -> Result<(), Fault> {
        if exam != self.exam {
            return Err(wrong("another exam"));
        }
        match self.issuer {
            Some(agreed) if agreed != issuer => Err(wrong("another issuer")),
            Some(_) | None => Ok(()),
        }
    }
}

impl Scanned {
    /// A code that was read.
    #[must_use]
    pub const fn new(ticket: Ticket) -> Self {
        Self { ticket }
    }

    /// What the code says, to be shown with the question.
    #[must_use]
    pub const fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    /// Goes on with the person's consent. `[PAIRING-14]`
    ///
    /// # Errors
    /// [`CloseCode::WrongExam`] if the consent is to another exam or issuer than the
    /// code's.
    pub fn consent(self, consent: Consent) -> Result<SendHello, Fault> {
        if consent.exam != self.ticket.exam {
            return Err(wrong("another exam"));
        }
        if consent.issuer != self.ticket.issuer {
            return Err(wrong("another issuer"));
        }
        Ok(SendHello { keys: TicketKeys::new(&self.ticket), ticket: self.ticket })
    }
}

impl SendHello {
    /// The code that this will prove to have seen.
    #[must_use]
    pub const fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    /// What the person agreed to: what the code says.
    #[must_use]
    pub const fn consent(&self) -> Consent {
        Consent::given_to(self.ticket.exam, self.ticket.issuer)
    }

    /// The primary's name in local discovery. `[PAIRING-5]`
    #[must_use]
    pub fn discovery(&self) -> &str {
        self.keys.discovery()
    }

    /// Proves on this connection that the code was scanned. `[PAIRING-6]`
    ///
    /// # Errors
    /// [`CloseCode::AuthFailed`] if the connection leads to another key than the
    /// code's, or to this device itself; nothing was proven then.
    pub fn send(
        self,
        connection: &Connection,
        own: &PublicKey,
        label: Label,
        entropy: &mut Entropy,
    ) -> Result<(Frame, ExpectAccept), Fault> {
        let pinned = self.ticket.pin;
        keys::verify_key(&connection.peer, &[pinned])?;
        // [PAIRING-15]
        if connection.peer == *own {
            let expected = "another device than this one";
            return Err(Fault::new(CloseCode::AuthFailed, expected, Got::Named("this device")));
        }
        let ends = connection.seen_by_assistant(own);
        let mut hello = Hello {
            version: Version,
            epoch: self.ticket.epoch,
            suite: Suite,
            capabilities: Capabilities::default(),
            nonce: entropy.draw(),
            label,
            key: own.fingerprint(),
            proof: [0; 32],
        };
        let unproven = Control::Hello(hello).frame();
        hello.proof = self.keys.assistant().hello_proof(&ends, unproven.body());
        let frame = Control::Hello(hello).frame();
        let hello = frame.body().to_vec();
        let next = ExpectAccept { keys: self.keys, ends, peer: connection.peer, pinned, hello };
        Ok((frame, next))
    }
}

impl ExpectAccept {
    /// Verifies the primary's answer; the frame is CONFIRM. `[PAIRING-7]`
    ///
    /// # Errors
    /// [`CloseCode::OutOfOrder`] for another message, [`CloseCode::BadFrame`] for
    /// none, [`CloseCode::AuthFailed`] if the proof or the key is another.
    pub fn accept(self, answer: &Frame) -> Result<(Paired, Frame), Fault> {
        let accept = expect_accept(answer)?;
        let expected = self.keys.accept_proof(&self.ends, &self.hello, answer.body());
        let mac = keys::verify(&expected, &accept.proof)?;
        let key = keys::verify_key(&self.peer, &[self.pinned, accept.key])?;
        let session = self.keys.session(&self.ends, &self.hello, answer.body());
        let confirm = Control::Confirm(Confirm { mac: session.confirm }).frame();
        let seat = Seat {
            session: accept.session,
            role: accept.role,
            device: accept.device,
            peer: self.peer,
            peer_label: accept.label,
            check: accept.check_code,
        };
        Ok((Paired::new(seat, session, key, mac), confirm))
    }
}

const fn wrong(got: &'static str) -> Fault {
    Fault::new(CloseCode::WrongExam, "the exam and the issuer that were agreed to", Got::Named(got))
}

/// Only ACCEPT is expected here. `[PAIRING-16]`
fn expect_accept(answer: &Frame) -> Result<Accept, Fault> {
    if answer.kind() == Kind::Accept
        && let Control::Accept(accept) = Control::decode(answer.kind(), answer.body())?
    {
        return Ok(accept);
    }
    Err(Fault::new(CloseCode::OutOfOrder, "ACCEPT", Got::Named(answer.kind().name())))
}
