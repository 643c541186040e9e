//! The primary's side: an offer of one seat, which exactly one device can take.
//!
//! The code is on a screen that anybody may photograph, so it changes every few
//! seconds, and whoever proves first takes all of them at once: claiming is one
//! assignment behind `&mut self`. A claim that is not confirmed lapses, and the
//! next code has a new secret. A second valid proof from another key is not an
//! error to be swallowed but the most important thing that can happen here: a
//! person sees it on both screens. Rejected: letting the last scan win (the
//! accomplice is always later than the examinee), and telling strangers why they
//! were refused.
//!
//! After every call look at [`Offer::ticket`] and [`Offer::deadline`]: the code
//! to show may have changed.

use crate::address::Addresses;
use crate::fault::{CloseCode, Fault, Got};
use crate::identity::{Fingerprint, Label, PublicKey};
use crate::limits;
use crate::pairing::caller::{Admitted, Caller, expect_hello};
use crate::pairing::claim::{Claim, Returned};
use crate::pairing::keys::Ends;
use crate::pairing::slots::{Slot, Slots};
use crate::pairing::terms::{PairingAlarm, Refusal, Terms, epoch_after};
use crate::pairing::{Connection, Paired, Standing};
use crate::secret::{Entropy, PairingSecret};
use crate::ticket::Ticket;
use crate::time::{Instant, Primary};
use crate::wire::{Accept, Control, Frame, Hello};

/// An offer of one seat.
#[derive(Debug)]
pub struct Offer {
    terms: Terms,
    opened: Instant<Primary>,
    next_epoch: u16,
    slots: Slots,
    failures: u8,
    state: State,
}

#[derive(Debug)]
enum State {
    /// A code is shown; the next one follows then.
    Open { rotate: Instant<Primary> },
    /// After too many wrong proofs: nothing is shown until then.
    Paused { until: Instant<Primary> },
    /// A device has proven itself and has to confirm.
    Claimed(Box<Claim>),
    /// A device has confirmed. Who scanned a code of this offer besides is recognised
    /// until then, when no code of it would be honoured any more.
    Fulfilled { peer: Fingerprint, until: Instant<Primary> },
}

impl Offer {
    /// Opens an offer and makes its first code. `[PAIRING-17]`
    #[must_use]
    pub fn open(now: Instant<Primary>, terms: Terms, entropy: &mut Entropy) -> Self {
        let next_epoch = terms.first_epoch;
        let state = State::Open { rotate: now };
        let mut offer =
            Self { terms, opened: now, next_epoch, slots: Slots::default(), failures: 0, state };
        offer.rotate(now, entropy);
        offer
    }

    /// What was offered.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The code to show; `None` while the offer is claimed, fulfilled or paused.
    #[must_use]
    pub fn ticket(&self) -> Option<&Ticket> {
        self.slots.newest().map(|slot| &slot.ticket)
    }

    /// The name to announce in local discovery, while a code is shown.
    #[must_use]
    pub fn discovery(&self) -> Option<&str> {
        self.slots.newest().map(|slot| slot.keys.discovery())
    }

    /// The device that has claimed the seat and not confirmed yet.
    #[must_use]
    pub fn claimed_by(&self) -> Option<(&PublicKey, Label)> {
        match &self.state {
            State::Claimed(claim) => Some((&claim.peer, claim.label)),
            State::Open { .. } | State::Paused { .. } | State::Fulfilled { .. } => None,
        }
    }

    /// When to call [`Offer::wake`] next.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant<Primary>> {
        match &self.state {
            State::Open { rotate } => Some(*rotate),
            State::Paused { until } => Some(*until),
            State::Claimed(claim) => Some(claim.deadline),
            State::Fulfilled { until, .. } => Some(*until),
        }
    }

    /// Whether a device has the seat.
    #[must_use]
    pub const fn is_fulfilled(&self) -> bool {
        matches!(self.state, State::Fulfilled { .. })
    }

    /// Whether nobody can come any more who scanned a code of it in time: then it need
    /// not be kept, and strangers need not be let in for it. `[PAIRING-2]`
    #[must_use]
    pub fn is_spent(&self, now: Instant<Primary>) -> bool {
        matches!(self.state, State::Fulfilled { until, .. } if now >= until)
    }

    /// Lets time pass: codes change, claims lapse, pauses end. Harmless early.
    pub fn wake(&mut self, now: Instant<Primary>, entropy: &mut Entropy) {
        self.slots.expire(now);
        if !self.is_fulfilled() && self.deadline().is_some_and(|deadline| now >= deadline) {
            self.rotate(now, entropy);
        }
    }

    /// Moves to other addresses: a new code at once, if one is shown.
    pub fn readdress(
        &mut self,
        now: Instant<Primary>,
        addresses: Addresses,
        entropy: &mut Entropy,
    ) {
        self.terms.addresses = addresses;
        if matches!(self.state, State::Open { .. }) {
            self.rotate(now, entropy);
        }
    }

    /// Answers HELLO: with ACCEPT, or not at all. The checks come in the order of
    /// their cost and of what they may reveal. `[PAIRING-16]`
    ///
    /// # Errors
    /// [`Refusal`]. Whoever has not proven a code that this offer made learns
    /// nothing but [`CloseCode::AuthFailed`]. `[PAIRING-9]`
    pub fn hello(
        &mut self,
        now: Instant<Primary>,
        connection: &Connection,
        frame: &Frame,
        entropy: &mut Entropy,
    ) -> Result<Frame, Box<Refusal>> {
        self.wake(now, entropy);
        let hello = expect_hello(frame)?;
        if let State::Paused { .. } = self.state {
            let expected = "a pause after too many wrong proofs";
            return Err(fault(CloseCode::RateLimited, expected, "another HELLO").into());
        }
        let caller = Caller { connection, ends: connection.seen_by_primary(&self.terms.own) };
        match self.judge(&caller, &hello, frame.body()) {
            Ok(Admitted::New) => self.claim(now, caller, &hello, frame.body(), entropy),
            Ok(Admitted::Again) => self.repeat(caller, &hello, frame.body()),
            Err(refusal) if refusal.fault.code == CloseCode::AuthFailed => {
                Err(self.failed(now, hello.epoch, refusal.fault, entropy))
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// Takes CONFIRM: the seat is taken and every secret of the offer is wiped.
    ///
    /// # Errors
    /// [`CloseCode::OutOfOrder`] if no claim of this connection waits for it,
    /// [`CloseCode::AuthFailed`] if the MAC is another. The claim stands.
    pub fn confirm(
        &mut self,
        now: Instant<Primary>,
        connection: &Connection,
        frame: &Frame,
        entropy: &mut Entropy,
    ) -> Result<Paired, Fault> {
        self.wake(now, entropy);
        let State::Claimed(claim) = &self.state else {
            return Err(fault(CloseCode::OutOfOrder, "HELLO", frame.kind().name()));
        };
        let paired = claim.confirm(&self.terms, connection, frame)?;
        self.fulfil(now, connection);
        Ok(paired)
    }

    /// Takes RESUME of the claimant for its CONFIRM, which may be lost.
    /// `[PAIRING-27]`
    ///
    /// # Errors
    /// [`CloseCode::Expired`] if the caller has no claim that stands, and those of
    /// [`Membership::examine`](crate::pairing::Membership::examine). The claim stands.
    pub fn resume(
        &mut self,
        now: Instant<Primary>,
        connection: &Connection,
        frame: &Frame,
        standing: Standing,
        entropy: &mut Entropy,
    ) -> Result<Returned, Fault> {
        self.wake(now, entropy);
        let claim = match &self.state {
            State::Claimed(claim) if claim.peer == connection.peer => claim,
            State::Claimed(_)
            | State::Open { .. }
            | State::Paused { .. }
            | State::Fulfilled { .. } => {
                return Err(fault(CloseCode::Expired, "a claim that stands", "none"));
            }
        };
        let returned = claim.resume(&self.terms, connection, frame, standing)?;
        self.fulfil(now, connection);
        Ok(returned)
    }

    fn fulfil(&mut self, now: Instant<Primary>, connection: &Connection) {
        let (peer, until) = (connection.peer.fingerprint(), now + limits::SLOT_LIFETIME);
        self.state = State::Fulfilled { peer, until };
    }

    /// Whether this HELLO may have the seat, or has it already.
    fn judge(
        &self,
        caller: &Caller<'_>,
        hello: &Hello,
        body: &[u8],
    ) -> Result<Admitted, Box<Refusal>> {
        // [PAIRING-15]
        if caller.connection.peer == self.terms.own {
            return Err(fault(CloseCode::AuthFailed, "another device", "this device").into());
        }
        if let Some(slot) = self.slots.live(hello.epoch) {
            caller.verify(slot.keys.assistant(), hello, body)?;
            return Ok(Admitted::New);
        }
        let unknown = || fault(CloseCode::AuthFailed, "a code of this offer", "another epoch");
        let proof = self.slots.retired(hello.epoch).ok_or_else(unknown)?;
        caller.verify(proof, hello, body)?;
        // From here on the caller has proven to have seen one of our codes.
        let holder = match &self.state {
            State::Claimed(claim) => Some(claim.peer.fingerprint()),
            State::Fulfilled { peer, .. } => Some(*peer),
            State::Open { .. } | State::Paused { .. } => None,
        };
        if holder.is_some_and(|holder| holder != hello.key) {
            // [PAIRING-21]
            let expected = "the device that claimed the code first";
            let fault = fault(CloseCode::AlreadyClaimed, expected, "another device");
            let alarm = PairingAlarm::SecondScan { label: hello.label, key: hello.key };
            return Err(Box::new(Refusal { fault, alarm: Some(alarm) }));
        }
        match &self.state {
            State::Claimed(claim) if claim.slot.ticket.epoch == hello.epoch => Ok(Admitted::Again),
            State::Claimed(_)
            | State::Open { .. }
            | State::Paused { .. }
            | State::Fulfilled { .. } => {
                Err(fault(CloseCode::Expired, "a code younger than 60 s", "an older one").into())
            }
        }
    }

    /// Takes every code back and gives the seat to the caller, until the
    /// deadline. `[PAIRING-22]`
    fn claim(
        &mut self,
        now: Instant<Primary>,
        caller: Caller<'_>,
        hello: &Hello,
        body: &[u8],
        entropy: &mut Entropy,
    ) -> Result<Frame, Box<Refusal>> {
        let gone = || fault(CloseCode::AuthFailed, "a code of this offer", "another epoch");
        let slot = self.slots.take(hello.epoch).ok_or_else(gone)?;
        self.slots.retire_all();
        let nonce = entropy.draw();
        let frame = self.accept(&slot, &nonce, &caller.ends, body);
        self.state = State::Claimed(Box::new(Claim {
            peer: caller.connection.peer,
            slot,
            nonce,
            deadline: now + limits::CLAIM_DEADLINE,
            ends: caller.ends,
            hello: body.to_vec(),
            accept: frame.body().to_vec(),
            label: hello.label,
        }));
        Ok(frame)
    }

    /// Answers the claimant again: the same bytes on the same connection, the
    /// same session, seat and nonce on a new one. `[PAIRING-18]`
    fn repeat(
        &mut self,
        caller: Caller<'_>,
        hello: &Hello,
        body: &[u8],
    ) -> Result<Frame, Box<Refusal>> {
        let State::Claimed(claim) = &self.state else {
            return Err(fault(CloseCode::OutOfOrder, "a claim", "none").into());
        };
        let frame = self.accept(&claim.slot, &claim.nonce, &caller.ends, body);
        if let State::Claimed(claim) = &mut self.state {
            claim.ends = caller.ends;
            claim.hello = body.to_vec();
            claim.accept = frame.body().to_vec();
            claim.label = hello.label;
        }
        Ok(frame)
    }

    /// ACCEPT, with its proof. `[PAIRING-7]`
    fn accept(&self, slot: &Slot, nonce: &[u8; 16], ends: &Ends, hello: &[u8]) -> Frame {
        let mut accept = Accept {
            session: self.terms.session,
            role: self.terms.role,
            device: self.terms.device,
            check_code: self.terms.check(),
            nonce: *nonce,
            label: self.terms.label,
            key: self.terms.own.fingerprint(),
            proof: [0; 32],
        };
        let unproven = Control::Accept(accept).frame();
        accept.proof = slot.keys.accept_proof(ends, hello, unproven.body());
        Control::Accept(accept).frame()
    }

    /// Counts a wrong proof. `[PAIRING-19]`
    fn failed(
        &mut self,
        now: Instant<Primary>,
        epoch: u16,
        fault: Fault,
        entropy: &mut Entropy,
    ) -> Box<Refusal> {
        self.slots.fail(epoch);
        self.failures = self.failures.saturating_add(1);
        let mut alarm = None;
        if self.failures >= limits::FAILURES_PER_OFFER {
            self.failures = 0;
            alarm = Some(PairingAlarm::Guessing);
            if matches!(self.state, State::Open { .. }) {
                self.slots.retire_all();
                self.state = State::Paused { until: now + limits::OFFER_PAUSE };
            }
        }
        // The code on the screen may have been the one that was guessed at.
        let on_screen = self.ticket().map(|ticket| epoch_after(ticket.epoch));
        if matches!(self.state, State::Open { .. }) && on_screen != Some(self.next_epoch) {
            self.rotate(now, entropy);
        }
        Box::new(Refusal { fault, alarm })
    }

    /// Shows a new code with a new secret. `[PAIRING-17]`
    fn rotate(&mut self, now: Instant<Primary>, entropy: &mut Entropy) {
        let age_s = (now - self.opened).nanos() / 1_000_000_000;
        let ticket = Ticket {
            flags: self.terms.flags,
            epoch: self.next_epoch,
            issued_at: self.terms.unix_s.saturating_add(u32::try_from(age_s).unwrap_or(0)),
            lifetime_s: limits::SLOT_LIFETIME_S,
            exam: self.terms.exam,
            issuer: Some(self.terms.issuer),
            secret: PairingSecret::new(entropy.draw()),
            pin: self.terms.own.fingerprint(),
            addresses: self.terms.addresses.clone(),
        };
        self.next_epoch = epoch_after(self.next_epoch);
        self.slots.show(now, ticket);
        self.state = State::Open { rotate: now + limits::SLOT_ROTATION };
    }
}

const fn fault(code: CloseCode, expected: &'static str, got: &'static str) -> Fault {
    Fault::new(code, expected, Got::Named(got))
}
