//! Membership after the first connection: resumed without another scan.
//!
//! Links die: phones roam, sleep, crash and restart. TLS already pins both keys
//! on a new connection; RESUME adds that its sender still has the *state* of the
//! session, and how far its journal goes. Each resumption has a number that is
//! used once. A number that comes again, with a MAC that is right, means that
//! the state exists twice: somebody copied a phone. Rejected: TLS tickets (they
//! were seen to let a revoked key back in), and time stamps against replay (the
//! clocks are what is in question).

use crate::fault::{CloseCode, Fault, Got};
use crate::identity::{BootId, Fingerprint, PublicKey, Role, SessionId, sha256};
use crate::pairing::Connection;
use crate::pairing::keys::{self, Ends, MacVerified};
use crate::secret::ResumeSecret;
use crate::wire::{Control, Frame, Kind, Resume};

/// A seat in a session, as each side stores it. Whoever stores it keeps it
/// where only this app can read it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Membership {
    /// The session.
    pub session: SessionId,
    /// The assistant's seat.
    pub role: Role,
    /// The other side's key.
    pub peer: PublicKey,
    /// What both sides share.
    pub resume: ResumeSecret,
    /// The last number that was used: sent by the assistant, accepted by the
    /// primary.
    pub epoch: u32,
    /// The boot in which the peer used that number, once it has.
    pub peer_boot: Option<BootId>,
}

/// How far a side is, for the other to know what to send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// This device's boot.
    pub boot: BootId,
    /// The head of its journal.
    pub head: [u8; 32],
    /// How many records its journal has.
    pub sequence: u64,
    /// How many of the peer's records it holds.
    pub peer_sequence: u64,
}

/// RESUME is sent; only RESUMED or a refusal may follow.
#[derive(Debug)]
pub struct ExpectResumed {
    session: SessionId,
    role: Role,
    epoch: u32,
    resume: ResumeSecret,
    peer: PublicKey,
    ends: Ends,
    request: Vec<u8>,
}

/// A RESUME with a right MAC and a number that is free. Nothing is used up by it.
#[derive(Debug)]
pub struct Examined {
    request: Resume,
    ends: Ends,
    /// SHA-256 of the whole body.
    whole: [u8; 32],
    mac: MacVerified,
}

impl Examined {
    /// What the assistant says of itself.
    #[must_use]
    pub const fn request(&self) -> &Resume {
        &self.request
    }

    /// The proof that its MAC was verified.
    pub(super) fn verified(self) -> MacVerified {
        self.mac
    }
}

impl Membership {
    /// The primary's name in local discovery while the session lasts.
    /// `[PAIRING-5]`
    #[must_use]
    pub fn discovery(&self) -> String {
        keys::resume_discovery(&self.resume)
    }

    /// The assistant asks to go on. Uses the next number, so store this
    /// membership before the frame leaves. `[PAIRING-23]`
    ///
    /// # Errors
    /// [`CloseCode::AuthFailed`] if the connection leads to another key, and
    /// [`CloseCode::Internal`] after 2^32 resumptions.
    pub fn request(
        &mut self,
        connection: &Connection,
        own: &PublicKey,
        standing: Standing,
    ) -> Result<(Frame, ExpectResumed), Fault> {
        keys::verify_key(&connection.peer, &[self.peer.fingerprint()])?;
        let next = self.epoch.checked_add(1);
        let used_up = || fault(CloseCode::Internal, "an unused number", "none left");
        self.epoch = next.ok_or_else(used_up)?;
        let ends = connection.seen_by_assistant(own);
        let key = keys::resume_key(&self.resume, ASSISTANT);
        let frame =
            self.seal(standing, |body| (Kind::Resume, ends.resume_mac(&key, &[&sha256(body)])));
        let expect = ExpectResumed {
            session: self.session,
            role: self.role,
            epoch: self.epoch,
            resume: self.resume.clone(),
            peer: self.peer,
            ends,
            request: frame.body().to_vec(),
        };
        Ok((frame, expect))
    }

    /// The primary judges RESUME. A number is taken only by [`Membership::answer`]: what
    /// else speaks against it must not cost the device that it was copied from.
    ///
    /// # Errors
    /// [`CloseCode::UnknownSession`] for another session, seat or key;
    /// [`CloseCode::AuthFailed`] for a wrong MAC; and with a right one,
    /// [`CloseCode::StaleEpoch`] for a late attempt of the same boot or
    /// [`CloseCode::CloneSuspected`] for a number that came before. `[PAIRING-24]`
    pub fn examine(
        &self,
        connection: &Connection,
        own: &PublicKey,
        frame: &Frame,
    ) -> Result<Examined, Fault> {
        let request = expect(Kind::Resume, frame)?;
        let known = request.session == self.session && request.role == self.role;
        if !known || connection.peer != self.peer {
            let expected = "a session that this device holds";
            return Err(fault(CloseCode::UnknownSession, expected, "another"));
        }
        let ends = connection.seen_by_primary(own);
        let asked = sha256(keys::without_mac(frame.body()));
        let key = keys::resume_key(&self.resume, ASSISTANT);
        let mac = keys::verify(&ends.resume_mac(&key, &[&asked]), &request.mac)?;
        self.check_number(&request)?;
        Ok(Examined { request, ends, whole: sha256(frame.body()), mac })
    }

    /// RESUMED. Takes the number of what was [examined](Membership::examine), so store
    /// this membership before the frame leaves.
    pub fn answer(&mut self, examined: &Examined, standing: Standing) -> Frame {
        let Examined { request, ends, whole, .. } = examined;
        self.epoch = request.epoch;
        self.peer_boot = Some(request.boot);
        let key = keys::resume_key(&self.resume, PRIMARY);
        self.seal(standing, |body| (Kind::Resumed, ends.resume_mac(&key, &[whole, &sha256(body)])))
    }

    /// A number is used once. `[PAIRING-24]`
    fn check_number(&self, request: &Resume) -> Result<(), Fault> {
        if request.epoch > self.epoch {
            return Ok(());
        }
        let late = request.epoch < self.epoch && self.peer_boot == Some(request.boot);
        let code = if late { CloseCode::StaleEpoch } else { CloseCode::CloneSuspected };
        let got = Got::Number(request.epoch.into());
        Err(Fault::new(code, "a number above the last one", got))
    }

    fn seal(&self, standing: Standing, mac: impl FnOnce(&[u8]) -> (Kind, [u8; 32])) -> Frame {
        let Standing { boot, head, sequence, peer_sequence } = standing;
        let mut resume = Resume {
            session: self.session,
            role: self.role,
            epoch: self.epoch,
            boot,
            head,
            sequence,
            peer_sequence,
            mac: [0; 32],
        };
        let unproven = Control::Resume(resume).frame();
        let (kind, mac) = mac(keys::without_mac(unproven.body()));
        resume.mac = mac;
        Frame::new(kind, Control::Resume(resume).frame().body().to_vec())
    }
}

impl ExpectResumed {
    /// The key that was pinned for this attempt.
    #[must_use]
    pub fn peer(&self) -> Fingerprint {
        self.peer.fingerprint()
    }

    /// Verifies the primary's answer and says how far it is. `[PAIRING-33]`
    ///
    /// # Errors
    /// [`CloseCode::OutOfOrder`] for another message, [`CloseCode::AuthFailed`]
    /// if its MAC or its session, seat or number is another.
    pub fn accept(self, frame: &Frame) -> Result<Resume, Fault> {
        let answer = expect(Kind::Resumed, frame)?;
        let whole = sha256(&self.request);
        let answered = sha256(keys::without_mac(frame.body()));
        let key = keys::resume_key(&self.resume, PRIMARY);
        keys::verify(&self.ends.resume_mac(&key, &[&whole, &answered]), &answer.mac)?;
        let asked = (self.session, self.role, self.epoch);
        if (answer.session, answer.role, answer.epoch) != asked {
            return Err(fault(CloseCode::AuthFailed, "what was asked for", "another session"));
        }
        Ok(answer)
    }
}

const ASSISTANT: &[u8] = b"resume assistant";
const PRIMARY: &[u8] = b"resume primary";

fn expect(kind: Kind, frame: &Frame) -> Result<Resume, Fault> {
    if frame.kind() == kind
        && let Control::Resume(resume) | Control::Resumed(resume) =
            Control::decode(frame.kind(), frame.body())?
    {
        return Ok(resume);
    }
    Err(fault(CloseCode::OutOfOrder, kind.name(), frame.kind().name()))
}

const fn fault(code: CloseCode, expected: &'static str, got: &'static str) -> Fault {
    Fault::new(code, expected, Got::Named(got))
}
