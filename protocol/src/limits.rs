//! Every number of the specification, in one place, with its clause.
//!
//! Everything that a peer, a file or a user can make grow is bounded here, and
//! the relations that the rest of the protocol relies on are asserted at compile
//! time below. `spec/limits.md` holds the same table; `tests/tidy` compares the
//! two. Rejected: limits beside the code they guard, where no reader can see
//! whether they fit together.

use crate::time::Span;

// ── identity ──────────────────────────────────────────────────────────────────

/// Assistants in one session at most. `[LIMITS-1]`
pub const ASSISTANTS: u8 = 8;
/// Bytes of a [`Label`](crate::identity::Label). `[LIMITS-2]`
pub const LABEL_BYTES: usize = 32;

// ── ticket ────────────────────────────────────────────────────────────────────

/// Addresses in a ticket, or in an address update. `[LIMITS-10]`
pub const ADDRESSES: usize = 6;
/// Bytes of a ticket that is shown: behind `diptych:` it is still a QR code of
/// version 8 at level M, behind a link of 37 characters one of version 9. `[LIMITS-11]`
pub const TICKET_BYTES: usize = 140;
/// Decimal digits of a ticket that is read. `[LIMITS-12]`
pub const TICKET_DIGITS: usize = 420;
/// Characters before the digits that are read. `[LIMITS-13]`
pub const TICKET_PREFIX: usize = 200;
/// The longest lifetime that a ticket may state, in seconds. `[LIMITS-14]`
pub const TICKET_LIFETIME_S: u8 = 120;

// ── pairing ───────────────────────────────────────────────────────────────────

/// Between two codes of an offer. `[LIMITS-40]`
pub const SLOT_ROTATION: Span = Span::from_secs(15);
/// For how long a code is honoured, by the primary's clock. `[LIMITS-41]`
pub const SLOT_LIFETIME: Span = Span::from_secs(60);
/// The same, in seconds, as the code states it. `[LIMITS-41]`
pub const SLOT_LIFETIME_S: u8 = 60;
/// Codes that are honoured at the same time. `[LIMITS-42]`
pub const SLOTS_LIVE: usize = 4;
/// Codes that are recognised after they were taken back. `[LIMITS-43]`
pub const SLOTS_RETIRED: usize = 16;
/// Wrong proofs after which a code is taken back. `[LIMITS-44]`
pub const FAILURES_PER_SLOT: u8 = 5;
/// Wrong proofs after which an offer pauses. `[LIMITS-45]`
pub const FAILURES_PER_OFFER: u8 = 20;
/// How long it pauses. `[LIMITS-46]`
pub const OFFER_PAUSE: Span = Span::from_secs(30);
/// For how long a claim waits for CONFIRM. `[LIMITS-47]`
pub const CLAIM_DEADLINE: Span = Span::from_secs(10);
/// Different check codes: six digits. `[LIMITS-48]`
pub const CHECK_CODES: u32 = 1_000_000;

// ── wire ──────────────────────────────────────────────────────────────────────

/// Encoded journal records in one JOURNAL message, in bytes. `[LIMITS-30]`
pub const JOURNAL_TAIL_BYTES: usize = 15 * 1024;
/// Journal records in one JOURNAL message. `[LIMITS-31]`
pub const JOURNAL_TAIL_RECORDS: u16 = 512;

/// Body of one control frame before the peer is paired. `[LIMITS-3]`
pub const FRAME_BYTES_UNPAIRED: usize = 512;
/// Body of one control frame after pairing. `[LIMITS-4]`
pub const FRAME_BYTES: usize = 16 * 1024;
/// One datagram, header included. `[LIMITS-5]`
pub const DATAGRAM_BYTES: usize = 512;

// ── clock ─────────────────────────────────────────────────────────────────────

/// Vertices of one hull, about three hours of a Wi-Fi link: 16 bytes each, two
/// hulls a peer. `[LIMITS-20]`
pub const CLOCK_HULL_VERTICES: usize = 512;
/// Vertices of one hull of the point estimate, two hulls for each of four
/// wander limits. `[LIMITS-27]`
pub const CLOCK_FLOOR_VERTICES: usize = 128;
/// Messages of both directions in which a change of path is looked for: two
/// minutes of bursts and heartbeats.
/// `[LIMITS-28]`
pub const CLOCK_RECENT_MESSAGES: usize = 640;
/// Forecasts that wait to be judged. `[LIMITS-29]`
pub const CLOCK_FORECASTS: usize = 32;
/// Averages of 16 s each, where no message touches a floor: nine minutes, a little
/// more than a line goes through. `[LIMITS-68]`
pub const CLOCK_CROWD_WINDOWS: usize = 32;
/// Observations held while a clock epoch is suspected. `[LIMITS-21]`
pub const CLOCK_TENTATIVE_OBSERVATIONS: usize = 64;
/// Own messages whose times are kept for their echo: more than are sent before a
/// silent link is down. `[LIMITS-22]`
pub const CLOCK_STAMPS_REMEMBERED: usize = 160;
/// Exchanges that wait to be agreed upon. `[LIMITS-23]`
pub const CLOCK_EXCHANGES_WAITING: usize = 8;
/// Vertices of one hull after the session. `[LIMITS-24]`
pub const CLOCK_SMOOTH_VERTICES: usize = 1 << 20;
/// Knots of one stretch of a map. Eight hours then have one every 14 s, between
/// which an offset bends by 1.3 µs at most. `[LIMITS-25]`
pub const CLOCK_MAP_KNOTS: i64 = 1 << 11;
/// Instants at which one model is asked about a finished session: 36 hours of steps.
/// `[LIMITS-69]`
pub const CLOCK_GRID_STEPS: i64 = 1 << 13;
/// Clock epochs of one boot that are kept apart after the session; what comes later
/// is of the last. `[LIMITS-70]`
pub const CLOCK_EPOCHS: usize = 1 << 12;
/// Logged frames that one media map goes through. `[LIMITS-26]`
pub const CLOCK_MEDIA_FACTS: usize = 1 << 16;

// ── journal ───────────────────────────────────────────────────────────────────

/// One journal file: 8 hours with eight assistants take about a third of it.
/// `[JOURNAL-14]`
pub const JOURNAL_BYTES: u64 = 128 * 1024 * 1024;
/// The end of a journal that is kept for what its device says of itself: a camera, a
/// screen and seals write less than 380 bytes a second. `[JOURNAL-26]`
pub const JOURNAL_OWN_BYTES: u64 = 16 * 1024 * 1024;
/// The end of it that is kept for the last record and the last seals. `[JOURNAL-26]`
pub const JOURNAL_LAST_BYTES: u64 = 4 * 1024;
/// Body of one record. `[JOURNAL-2]`
pub const JOURNAL_BODY_BYTES: usize = 4 * 1024;
/// Bytes that a record keeps without reading them. `[JOURNAL-13]`
pub const JOURNAL_BLOB_BYTES: usize = 1024;
/// Messages in one record of clock stamps. `[JOURNAL-9]`
pub const JOURNAL_HEARD: usize = 64;
/// From the first fact that is not sealed to its seal. `[JOURNAL-7]`
pub const JOURNAL_SEAL_INTERVAL: Span = Span::from_secs(5);
/// Signatures that one search for a seal in a damaged file may cost.
/// `[JOURNAL-5]`
pub const JOURNAL_RESYNC_TRIES: u32 = 64;
/// Heads of a peer that are kept to be compared. `[JOURNAL-18]`
pub const JOURNAL_RECENT_HEADS: usize = 1024;
/// Findings that one verification names. `[JOURNAL-20]`
pub const JOURNAL_FINDINGS: usize = 256;
/// From a camera's last frame to the primary's last record at most, if both
/// belong to the orderly end of a session. `[REPORT-6]`
pub const FINISH_GRACE: Span = Span::from_secs(15);
/// How far an instant may be off that only a wall clock places. `[TIMELINE-4]`
pub const WALL_UNCERTAINTY: Span = Span::from_secs(30);
/// How far a clock may be off after a sleep, or after a time in which its process did not
/// run, if no message shows how far. `[TIMELINE-9]`
pub const SLEEP_UNCERTAINTY: Span = Span::from_secs(1);
/// Moved by so much against the device's own clock, a wall clock was set. `[TIME-8]`
pub const WALL_STEP: Span = Span::from_secs(1);

// ── policy and ledger ─────────────────────────────────────────────────────────

/// The highest `max_count` a policy may set. `[POLICY-2]`
pub const POLICY_COUNT_MAX: u32 = 1_000_000;
/// The longest span a policy may set. `[POLICY-2]`
pub const POLICY_SPAN_MAX: Span = Span::from_secs(7 * 24 * 3_600);
/// The shortest frame gap a policy may set: three frames at 30 Hz. `[POLICY-2]`
pub const FRAME_GAP_MIN: Span = Span::from_millis(100);
/// The longest frame gap a policy may set. `[POLICY-2]`
pub const FRAME_GAP_MAX: Span = Span::from_secs(60);
/// The longest fragment that a recording may commit at once. `[RECORDING-2]`
pub const FRAGMENT_MAX: Span = Span::from_secs(10);
/// How often a host should commit, and what a crash can take. `[RECORDING-6]`
pub const FRAGMENT_TYPICAL: Span = Span::from_secs(2);
/// Separate stretches of one recording at most. `[RECORDING-5]`
pub const RECORDED_STRETCHES: usize = 32_768;
/// How long a fragment may take to become durable before its recorder takes the
/// silence for a loss. `[LEDGER-8]`
pub const COMMIT_GRACE: Span = Span::from_secs(1);
/// One frame at 25 Hz: how far the end of a loss may be from its capture time.
/// `[LEDGER-16]`
pub const FRAME_UNCERTAINTY: Span = Span::from_millis(40);
/// A loss of this length may be mistimed by 1: 100 parts per million, more than
/// any phone's oscillator is off. `[LEDGER-16]`
pub const RATE_UNCERTAINTY: i64 = 10_000;
/// Unknown stretches of which every combination is judged. `[POLICY-13]`
pub const UNKNOWN_TRIED: usize = 10;

// ── session ───────────────────────────────────────────────────────────────────

/// Frames older than this prove no camera that records now. `[SESSION-7]`
pub const READY_AGE: Span = Span::from_secs(4);
/// Connections of a primary at once. `[LIMITS-60]`
pub const CONNECTIONS: usize = 32;
/// From a connection to its first message. `[LIMITS-61]`
pub const INTRODUCTION_TIME: Span = Span::from_secs(3);
/// From consent to pairing, on the assistant. `[LIMITS-62]`
pub const JOINING_TIME: Span = Span::from_secs(60);
/// Before the first attempt to reach the primary again. `[SESSION-18]`
pub const REDIAL_FIRST: Span = Span::from_millis(100);
/// Between later attempts. `[SESSION-18]`
pub const REDIAL_LAST: Span = Span::from_secs(1);
/// Silence on a connection after which an assistant dials beside it. `[SESSION-27]`
pub const REDIAL_SILENCE: Span = Span::from_millis(1_500);
/// From a dial without an answer to the next one. `[SESSION-28]`
pub const DIAL_PATIENCE: Span = Span::from_millis(2_500);
/// From the order to finish to the end without what is missing. `[SESSION-9]`
pub const CLOSING_TIME: Span = Span::from_secs(10);
/// From the end of a session to the end of its connections. `[LIMITS-63]`
pub const PARTING_TIME: Span = Span::from_secs(3);
/// An assistant without its primary records on for this long after the plan's end.
/// `[SESSION-35]`
pub const ALONE_TIME: Span = Span::from_secs(60);
/// An assistant that has stopped keeps trying this long to hand its journal
/// over. `[LIMITS-64]`
pub const HANDOVER_TIME: Span = Span::from_secs(600);
/// A device that comes back while its session is ended is told to finish this much later
/// at most, for want of its clock. `[SESSION-42]`
pub const FINISH_CLOCK_TIME: Span = Span::from_secs(2);
/// Keys that a session refuses. `[LIMITS-65]`
pub const REFUSED_KEYS: usize = 64;
/// Keys that were sent ACCEPT and did not confirm. `[LIMITS-67]`
pub const CLAIMANTS: usize = 64;
/// Signed statements that are taken in one session. `[SESSION-31]`
pub const STATEMENTS: usize = 256;
/// Failures of the gate `face_compare` in a row. `[SESSION-11]`
pub const FACE_FAILURES: u8 = 3;
/// Bytes of a recording's file name. `[LIMITS-66]`
pub const FILE_NAME_BYTES: usize = 255;
/// JOURNAL frames under way to one peer. `[SESSION-16]`
pub const JOURNAL_WINDOW: usize = 4;
/// From the opening of the waiting window to the end of answering. `[SESSION-3]`
pub const SESSION_LENGTH: Span = Span::from_secs(12 * 3_600);
/// Between two heartbeats. `[LIMITS-6]`
pub const HEARTBEAT_INTERVAL: Span = Span::from_secs(1);
/// Every so many of them is a whole one; the others are pulses. `[SESSION-33]`
pub const HEARTBEAT_WHOLE: u32 = 8;
/// How long an assistant waits for a heartbeat that it could answer. `[SESSION-32]`
pub const HEARTBEAT_PATIENCE: Span = Span::from_millis(1_250);
/// Datagrams of one peer that are heeded come this far apart on average: 16 a second.
/// `[SESSION-49]`
pub const DATAGRAM_INTERVAL: Span = Span::from_micros(62_500);
/// So many may be ahead of that. `[SESSION-49]`
pub const DATAGRAM_BURST: i64 = 640;
/// Silence after which a link is LATE. `[LIMITS-7]`
pub const LINK_LATE: Span = Span::from_secs(3);
/// Silence after which a link is DOWN. `[LIMITS-8]`
pub const LINK_DOWN: Span = Span::from_secs(10);

// ── transport ─────────────────────────────────────────────────────────────────

/// Between two keep-alive packets of a silent connection. `[TRANSPORT-12]`
pub const KEEP_ALIVE: Span = Span::from_secs(2);
/// Silence after which a connection is given up. `[TRANSPORT-12]`
pub const CONNECTION_IDLE: Span = Span::from_secs(8);
/// Round trip assumed before the first is measured: a LAN, not the Internet, so
/// that a lost first packet costs a quarter of a second. `[TRANSPORT-12]`
pub const ROUND_TRIP_ASSUMED: Span = Span::from_millis(75);
/// From the first packet of a handshake to its end. `[TRANSPORT-14]`
pub const HANDSHAKE_DEADLINE: Span = Span::from_secs(3);
/// Handshakes at once whose client is not yet authenticated. `[TRANSPORT-14]`
pub const HANDSHAKES: usize = 8;
/// The same, from one source: an IPv4 address or an IPv6 /64. `[TRANSPORT-14]`
pub const HANDSHAKES_PER_SOURCE: usize = 2;
/// Handshakes from unproven addresses before new ones must prove theirs by a
/// Retry round trip. `[TRANSPORT-15]`
pub const HANDSHAKES_UNPROVEN: usize = 2;
/// Handshakes per second from one source. `[TRANSPORT-15]`
pub const SOURCE_RATE: u32 = 4;
/// Handshakes that one source may open at once. `[TRANSPORT-15]`
pub const SOURCE_BURST: u32 = 8;
/// Sources remembered by the rate limit; the oldest is forgotten first. `[TRANSPORT-15]`
pub const SOURCES: usize = 256;
/// Handshakes per second from all sources of unproven address. `[TRANSPORT-15]`
pub const UNPROVEN_RATE: u32 = 20;
/// Connection attempts that wait to be looked at. `[TRANSPORT-14]`
pub const INCOMING: usize = 32;
/// Bytes buffered for one waiting attempt. `[TRANSPORT-14]`
pub const INCOMING_BYTES: u64 = 8 * 1024;
/// Bytes buffered for all waiting attempts. `[TRANSPORT-14]`
pub const INCOMING_BYTES_TOTAL: u64 = 256 * 1024;
/// Stream bytes that a peer may send ahead of the reader. `[TRANSPORT-13]`
pub const STREAM_WINDOW: u32 = 64 * 1024;
/// The same for all streams of a connection. `[TRANSPORT-13]`
pub const CONNECTION_WINDOW: u32 = 256 * 1024;
/// Bytes of datagrams that wait for the reader, and for the socket. `[TRANSPORT-13]`
pub const DATAGRAM_BUFFER: usize = 16 * 1024;
/// Control frames that wait for the socket before the link is given up. `[TRANSPORT-9]`
pub const CONTROL_QUEUE: usize = 256;
/// Between the starts of two raced connection attempts. `[TRANSPORT-17]`
pub const DIAL_STAGGER: Span = Span::from_millis(250);
/// Connection attempts of one dial. `[TRANSPORT-17]`
pub const DIAL_ATTEMPTS: usize = 16;
/// Addresses taken from local discovery for one dial. `[TRANSPORT-18]`
pub const DISCOVERED: usize = 32;
/// How long a dial waits for local discovery once its own addresses are spent. `[TRANSPORT-18]`
pub const DISCOVERY_WINDOW: Span = Span::from_secs(2);
/// Arrivals that wait for the machine. `[TRANSPORT-13]`
pub const ARRIVALS: usize = 256;
/// The longest the driver sleeps without looking at its clock. `[TIME-6]`
pub const NAP: Span = Span::from_secs(1);
/// Events that wait for a slow app before new ones are dropped. `[TRANSPORT-19]`
pub const EVENTS: usize = 256;
/// Commands that wait for the machine. `[TRANSPORT-19]`
pub const COMMANDS: usize = 32;
/// One journal file that is read back; beyond this it is refused. `[TRANSPORT-20]`
pub const JOURNAL_FILE_BYTES: u64 = 256 * 1024 * 1024;
/// One private file that is read back. `[TRANSPORT-20]`
pub const PRIVATE_FILE_BYTES: u64 = 1024 * 1024;

// ── relations ─────────────────────────────────────────────────────────────────

const _: () = {
    // Rotation alone never takes back a code that is still honoured.
    assert!(SLOT_ROTATION.times(SLOTS_LIVE as i64).nanos() == SLOT_LIFETIME.nanos());
    assert!(SLOT_LIFETIME.nanos() == Span::from_secs(SLOT_LIFETIME_S as i64).nanos());
    assert!(SLOT_LIFETIME_S <= TICKET_LIFETIME_S);
    assert!(FAILURES_PER_SLOT < FAILURES_PER_OFFER);
    // Every ticket that is shown can be read: 140 bytes are 340 digits.
    assert!(TICKET_BYTES.div_ceil(7) * 17 <= TICKET_DIGITS);
    // Head and tail of a JOURNAL message fit one frame.
    assert!(JOURNAL_TAIL_BYTES + 10 <= FRAME_BYTES);
    assert!(FRAME_BYTES_UNPAIRED < FRAME_BYTES && FRAME_BYTES <= u16::MAX as usize);
    // A QUIC packet carries at least 1,200 bytes (RFC 9000 section 14.1).
    assert!(DATAGRAM_BYTES < 1_162);
    // The longest record holds two blobs or a full batch of stamps.
    assert!(2 * JOURNAL_BLOB_BYTES + 64 <= JOURNAL_BODY_BYTES);
    assert!(JOURNAL_HEARD * 20 + 2 <= JOURNAL_BODY_BYTES && JOURNAL_HEARD <= u8::MAX as usize);
    // What is kept back is a small part, and the last records fit it many times.
    assert!(JOURNAL_LAST_BYTES < JOURNAL_OWN_BYTES && 4 * JOURNAL_OWN_BYTES < JOURNAL_BYTES);
    assert!(SESSION_LENGTH.nanos() / 1_000_000_000 * 380 <= JOURNAL_OWN_BYTES as i64);
    // A record with its frame must fit into one control message.
    assert!(JOURNAL_BODY_BYTES + 256 < FRAME_BYTES);
    // One lost heartbeat must not look like a lost link.
    assert!(LINK_LATE.nanos() > 2 * HEARTBEAT_PATIENCE.nanos());
    assert!(LINK_DOWN.nanos() > LINK_LATE.nanos());
    // A heartbeat may be late by half an interval, and a primary that moved be
    // found, before anybody calls the link LATE.
    assert!(REDIAL_SILENCE.nanos() > HEARTBEAT_INTERVAL.nanos());
    assert!(REDIAL_SILENCE.nanos() < LINK_LATE.nanos());
    // The last address of a code has its turn before the dial begins anew.
    assert!(ADDRESSES as i64 * DIAL_STAGGER.nanos() < DIAL_PATIENCE.nanos());
    // Every combination must fit the bits of a mask, and be judged in an instant.
    assert!(UNKNOWN_TRIED <= 16);
    assert!(FRAME_GAP_MIN.nanos() < FRAME_GAP_MAX.nanos());
    // Two keep-alives may be lost before a connection is given up, and a link
    // that QUIC gave up is DOWN soon after.
    assert!(CONNECTION_IDLE.nanos() > 3 * KEEP_ALIVE.nanos());
    assert!(CONNECTION_IDLE.nanos() < LINK_DOWN.nanos());
    // A waiting frame always fits the window of its stream.
    assert!(FRAME_BYTES < STREAM_WINDOW as usize && STREAM_WINDOW <= CONNECTION_WINDOW);
    // One source cannot take every place, nor can unproven addresses.
    assert!(HANDSHAKES_PER_SOURCE < HANDSHAKES && HANDSHAKES_UNPROVEN < HANDSHAKES);
};
