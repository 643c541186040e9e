//! What survives a restart besides the journals: who belongs to the session.
//!
//! Journals are evidence and are shown to others; resume secrets are neither.
//! So the secrets live in a small private file of their own, replaced whole
//! after every change. Rejected: keeping them in the journal encrypted, which
//! would make evidence depend on a key that is deleted.
//!
//! The layout is fixed, little-endian and private to this crate: a file of
//! another version is refused, never guessed at.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::fault::{CloseCode, Fault, Got};
use crate::identity::{BootId, ExamTag, Fingerprint, Label, PublicKey, Role, SessionId};
use crate::journal::{Fact, Header};
use crate::limits;
use crate::machine::JournalName;
use crate::pairing::{Consent, Membership};
use crate::secret::{Secret, SecretBytes};
use crate::wire::Announce;

const MAGIC: [u8; 8] = *b"DIPTYCHS";
const VERSION: u8 = 5;
/// What a state without anybody in it takes.
const EMPTY_BYTES: usize = 8 + 1 + 16 + 2 + 3 + CONSENT_BYTES + 32;
/// What a person agreed to takes: how much of it there is, the exam, the issuer.
const CONSENT_BYTES: usize = 1 + 8 + 1 + limits::LABEL_BYTES;
/// What a member takes at most.
const MEMBER_BYTES: usize =
    2 + 1 + 65 + 32 + 4 + 17 + 32 + 5 + 1 + limits::LABEL_BYTES + 1 + 19 * limits::ADDRESSES;

/// Everything private that outlives the process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct State {
    pub(crate) session: SessionId,
    pub(crate) own: JournalName,
    /// The peers of this session; for an assistant, the primary alone.
    pub(crate) members: Vec<Member>,
    /// Keys that were put out and are refused until the session ends, and why.
    pub(crate) refused: Vec<(Fingerprint, PutOut)>,
    /// Keys that were sent ACCEPT and have not confirmed. `[PAIRING-26]`
    pub(crate) claimants: Vec<Fingerprint>,
    /// What the person at this device agreed to lend it to: an assistant's. `[PAIRING-35]`
    pub(crate) consent: Option<Consent>,
}

/// Why a device does not belong to the session any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PutOut {
    /// It was put out.
    Removed,
    /// Another device took its seat.
    Replaced,
}

impl PutOut {
    /// What it is told when it comes back. `[SESSION-23]` `[SESSION-24]`
    pub(crate) const fn fault(self) -> Fault {
        match self {
            Self::Removed => Fault::new(CloseCode::Revoked, PRESENT, Got::Named("a removed one")),
            Self::Replaced => {
                Fault::new(CloseCode::Replaced, PRESENT, Got::Named("a replaced one"))
            }
        }
    }
}

const PRESENT: &str = "a device of this session";

/// A device that was paired.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Member {
    /// Its journal.
    pub(crate) name: JournalName,
    /// What it calls itself.
    pub(crate) label: Label,
    pub(crate) membership: Membership,
    /// The hash of the exchange that paired it.
    pub(crate) transcript: [u8; 32],
    /// Where it is reached, most promising first.
    pub(crate) addresses: Vec<SocketAddr>,
    /// The six digits, until people have compared them.
    pub(crate) check_code: Option<u32>,
}

/// The stored state cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "expected this device's stored session, version {VERSION}, got other or damaged bytes; pair the devices again"
)]
pub struct StateDamaged;

impl State {
    /// A state with nobody in it.
    pub(crate) const fn new(session: SessionId, own: JournalName) -> Self {
        Self {
            session,
            own,
            members: Vec::new(),
            refused: Vec::new(),
            claimants: Vec::new(),
            consent: None,
        }
    }

    /// Whether the session goes on with this journal: its own, or the copy of one
    /// that belongs to it.
    pub(crate) fn needs(&self, journal: JournalName) -> bool {
        self.own == journal || self.members.iter().any(|member| member.name == journal)
    }

    /// What [`State::encode`] takes at most.
    fn room(&self) -> usize {
        let members = self.members.len().saturating_mul(MEMBER_BYTES);
        let refused = self.refused.len().saturating_mul(33);
        let claimants = self.claimants.len().saturating_mul(32);
        EMPTY_BYTES.saturating_add(members).saturating_add(refused).saturating_add(claimants)
    }

    pub(crate) fn encode(&self) -> SecretBytes {
        let mut out = Vec::with_capacity(self.room());
        out.extend_from_slice(&MAGIC);
        out.push(VERSION);
        out.extend_from_slice(&self.session.0);
        out.extend_from_slice(&[self.own.role.number(), self.own.device]);
        out.push(bounded(self.members.len()));
        for member in &self.members {
            member.encode(&mut out);
        }
        out.push(bounded(self.refused.len()));
        for (key, why) in &self.refused {
            out.extend_from_slice(&key.0);
            out.push(u8::from(*why == PutOut::Replaced));
        }
        out.push(bounded(self.claimants.len()));
        for key in &self.claimants {
            out.extend_from_slice(&key.0);
        }
        encode_consent(self.consent, &mut out);
        let check = crate::identity::sha256(&out);
        out.extend_from_slice(&check);
        SecretBytes::new(out)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StateDamaged> {
        let (body, check) =
            bytes.split_at_checked(bytes.len().wrapping_sub(32)).ok_or(StateDamaged)?;
        if crate::identity::sha256(body).as_slice() != check {
            return Err(StateDamaged);
        }
        let mut rest = Rest(body);
        if rest.array()? != MAGIC || rest.byte()? != VERSION {
            return Err(StateDamaged);
        }
        let session = SessionId(rest.array()?);
        let own = rest.name()?;
        let members = (0..rest.byte()?)
            .map(|_| Member::decode(session, &mut rest))
            .collect::<Result<_, _>>()?;
        let refused =
            (0..rest.byte()?).map(|_| rest.refused()).collect::<Result<_, StateDamaged>>()?;
        let claimants = (0..rest.byte()?)
            .map(|_| rest.array().map(Fingerprint))
            .collect::<Result<_, StateDamaged>>()?;
        let consent = rest.consent()?;
        if rest.0.is_empty() {
            Ok(Self { session, own, members, refused, claimants, consent })
        } else {
            Err(StateDamaged)
        }
    }

    /// Puts `key` out for good; the oldest make room beyond the limit.
    pub(crate) fn refuse(&mut self, key: Fingerprint, why: PutOut) {
        if self.why_refused(key).is_none() {
            self.refused.push((key, why));
        }
        if self.refused.len() > limits::REFUSED_KEYS {
            self.refused.remove(0);
        }
    }

    /// Remembers a claimant until it is [`State::seat`]ed; the oldest make room
    /// beyond the limit.
    pub(crate) fn claim(&mut self, key: Fingerprint) {
        self.claimants.retain(|claimant| *claimant != key);
        self.claimants.push(key);
        if self.claimants.len() > limits::CLAIMANTS {
            self.claimants.remove(0);
        }
    }

    /// A claimant has confirmed.
    pub(crate) fn seat(&mut self, member: Member) {
        let key = member.membership.peer.fingerprint();
        self.claimants.retain(|claimant| *claimant != key);
        self.members.push(member);
    }

    /// Whether this is the session that the person at this device agreed to.
    /// `[PAIRING-35]`
    pub(crate) fn covers(&self, announce: &Announce) -> Result<(), Fault> {
        let covers = |consent: Consent| consent.covers(announce.exam, announce.plan.issuer());
        self.consent.map_or(Ok(()), covers)
    }

    /// The digits that the one peer of an assistant was paired with, until compared.
    pub(crate) fn check_code(&self) -> Option<u32> {
        self.members.first().and_then(|member| member.check_code)
    }

    /// Whether and why this key is refused.
    pub(crate) fn why_refused(&self, key: Fingerprint) -> Option<PutOut> {
        self.refused.iter().find(|(refused, _)| *refused == key).map(|(_, why)| *why)
    }
}

impl Member {
    /// What the journal of the other side says of this pairing.
    pub(crate) fn fact(&self) -> Fact {
        let Membership { session, peer, .. } = &self.membership;
        let (key, session) = (Box::new(*peer), *session);
        Fact::Paired { peer: self.name.role, key, session, transcript: self.transcript }
    }

    /// How its own journal begins.
    pub(crate) const fn header(&self) -> Header {
        let Membership { session, peer, .. } = &self.membership;
        let JournalName { role, device } = self.name;
        Header { session: *session, role, device, key: *peer }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.name.role.number(), self.name.device]);
        let Membership { session: _, role, peer, resume, epoch, peer_boot } = &self.membership;
        out.push(role.number());
        out.extend_from_slice(peer.sec1());
        out.extend_from_slice(resume.expose());
        out.extend_from_slice(&epoch.to_le_bytes());
        out.push(u8::from(peer_boot.is_some()));
        out.extend_from_slice(&peer_boot.map_or([0; 16], |boot| boot.0));
        out.extend_from_slice(&self.transcript);
        out.push(u8::from(self.check_code.is_some()));
        out.extend_from_slice(&self.check_code.unwrap_or(0).to_le_bytes());
        let (len, label) = self.label.to_wire();
        out.push(len);
        out.extend_from_slice(&label);
        let count = self.addresses.len().min(limits::ADDRESSES);
        out.push(bounded(count));
        for address in self.addresses.iter().take(count) {
            let (family, ip) = match address.ip() {
                IpAddr::V4(ip) => (4, ip.to_ipv6_mapped().octets()),
                IpAddr::V6(ip) => (6, ip.octets()),
            };
            out.push(family);
            out.extend_from_slice(&ip);
            out.extend_from_slice(&address.port().to_le_bytes());
        }
    }

    fn decode(session: SessionId, rest: &mut Rest<'_>) -> Result<Self, StateDamaged> {
        let name = rest.name()?;
        let role = rest.role()?;
        let peer = PublicKey::from_sec1(&rest.array::<65>()?).map_err(|_| StateDamaged)?;
        let resume = Secret::new(rest.array()?);
        let epoch = u32::from_le_bytes(rest.array()?);
        let (known, boot) = (rest.byte()?, BootId(rest.array()?));
        let peer_boot = (known == 1).then_some(boot);
        let membership = Membership { session, role, peer, resume, epoch, peer_boot };
        let transcript = rest.array()?;
        let (shown, digits) = (rest.byte()?, u32::from_le_bytes(rest.array()?));
        let check_code = (shown == 1).then_some(digits);
        let len = rest.byte()?;
        let label = Label::from_wire(len, &rest.array()?).map_err(|_| StateDamaged)?;
        let addresses = (0..rest.byte()?).map(|_| rest.address()).collect::<Result<_, _>>()?;
        Ok(Self { name, label, membership, transcript, addresses, check_code })
    }
}

/// What a person agreed to, always of the same length.
fn encode_consent(consent: Option<Consent>, out: &mut Vec<u8>) {
    let (known, exam) = consent
        .map_or((0, [0; 8]), |consent| (1 + u8::from(consent.issuer.is_some()), consent.exam.0));
    let issuer = consent.and_then(|consent| consent.issuer);
    let (len, label) = issuer.map_or((0, [0; limits::LABEL_BYTES]), Label::to_wire);
    out.push(known);
    out.extend_from_slice(&exam);
    out.push(len);
    out.extend_from_slice(&label);
}

fn bounded(len: usize) -> u8 {
    u8::try_from(len).unwrap_or(u8::MAX)
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], StateDamaged> {
        let (array, rest) = self.0.split_first_chunk::<N>().ok_or(StateDamaged)?;
        self.0 = rest;
        Ok(*array)
    }

    fn byte(&mut self) -> Result<u8, StateDamaged> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn refused(&mut self) -> Result<(Fingerprint, PutOut), StateDamaged> {
        let key = Fingerprint(self.array()?);
        let why = match self.byte()? {
            0 => PutOut::Removed,
            1 => PutOut::Replaced,
            _ => return Err(StateDamaged),
        };
        Ok((key, why))
    }

    fn consent(&mut self) -> Result<Option<Consent>, StateDamaged> {
        let (known, exam) = (self.byte()?, ExamTag(self.array()?));
        let (len, label) = (self.byte()?, self.array()?);
        let issuer = || Label::from_wire(len, &label).map_err(|_| StateDamaged);
        match known {
            0 => Ok(None),
            1 => Ok(Some(Consent::given_to(exam, None))),
            2 => Ok(Some(Consent::given_to(exam, Some(issuer()?)))),
            _ => Err(StateDamaged),
        }
    }

    fn name(&mut self) -> Result<JournalName, StateDamaged> {
        Ok(JournalName { role: self.role()?, device: self.byte()? })
    }

    fn role(&mut self) -> Result<Role, StateDamaged> {
        Role::new(self.byte()?).map_err(|_| StateDamaged)
    }

    fn address(&mut self) -> Result<SocketAddr, StateDamaged> {
        let family = self.byte()?;
        let ip = Ipv6Addr::from(self.array::<16>()?);
        let port = u16::from_le_bytes(self.array()?);
        let ip = match (family, ip.to_ipv4_mapped()) {
            (4, Some(ip)) => IpAddr::V4(Ipv4Addr::from(ip.octets())),
            (6, _) => IpAddr::V6(ip),
            _ => return Err(StateDamaged),
        };
        Ok(SocketAddr::new(ip, port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        let point = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
        let point = point.verifying_key().to_sec1_point(false);
        let role = Role::new(1).unwrap();
        let membership = Membership {
            session: SessionId([1; 16]),
            role,
            peer: PublicKey::from_sec1(point.as_bytes()).unwrap(),
            resume: Secret::new([9; 32]),
            epoch: 77,
            peer_boot: Some(BootId([5; 16])),
        };
        let member = Member {
            name: JournalName { role, device: 2 },
            label: Label::new("behind").unwrap(),
            membership,
            transcript: [4; 32],
            addresses: vec!["192.168.1.2:47000".parse().unwrap(), "[fd00::1]:5".parse().unwrap()],
            check_code: Some(123_456),
        };
        State {
            session: SessionId([1; 16]),
            own: JournalName { role: Role::PRIMARY, device: 1 },
            members: vec![member],
            refused: vec![(Fingerprint([3; 32]), PutOut::Replaced)],
            claimants: vec![Fingerprint([6; 32])],
            consent: Some(Consent::given_to(ExamTag([8; 8]), Label::new("Academy").ok())),
        }
    }

    #[test]
    fn state_survives_and_every_damage_is_refused() {
        let kept = state().encode();
        let bytes = kept.expose().to_vec();
        assert_eq!(State::decode(&bytes), Ok(state()));
        for cut in 0..bytes.len() {
            assert_eq!(State::decode(&bytes[..cut]), Err(StateDamaged), "cut at {cut}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_eq!(State::decode(&damaged), Err(StateDamaged), "flipped at {at}");
        }
    }

    #[test]
    fn what_was_agreed_to_survives_whole_or_not_at_all() {
        // [PAIRING-35]
        let longest = Label::new(&"a".repeat(limits::LABEL_BYTES)).ok();
        for issuer in [None, longest] {
            let consent = Some(Consent::given_to(ExamTag([8; 8]), issuer));
            let agreed = State { consent, ..state() };
            assert_eq!(State::decode(agreed.encode().expose()), Ok(agreed));
        }
        let never = State { consent: None, ..state() };
        assert_eq!(State::decode(never.encode().expose()), Ok(never));
    }

    #[test]
    fn the_lists_of_keys_stay_bounded() {
        let mut state = state();
        for n in 0..=255 {
            state.refuse(Fingerprint([n; 32]), PutOut::Removed);
            state.claim(Fingerprint([n; 32]));
        }
        assert_eq!(state.refused.len(), limits::REFUSED_KEYS);
        assert_eq!(state.claimants.len(), limits::CLAIMANTS);
        assert_eq!(State::decode(state.encode().expose()), Ok(state));
    }

    #[test]
    fn secrets_are_written_to_one_place() {
        let mut state = state();
        let [member] = state.members.as_mut_slice() else { panic!("one member") };
        let address = "[fd00::1]:5".parse().unwrap();
        (member.label, member.addresses) =
            (Label::new(&"b".repeat(limits::LABEL_BYTES)).unwrap(), vec![address; 99]);
        assert_eq!(state.encode().expose().len(), state.room());
        assert!(!format!("{state:?}").contains("9, 9, 9"), "{state:?}");
    }
}
