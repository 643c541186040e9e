//! What an app sees of an embedded machine, with nothing of the world faked.

use std::time::Duration;

use diptych_protocol::device::{Heat, Permissions, Requirements, Switch};
use diptych_protocol::identity::{ExamTag, Label, Role as Seat, SessionId};
use diptych_protocol::journal::{Fact, Header, Writer};
use diptych_protocol::machine::JournalName;
use diptych_protocol::plan::{Mode, Plan, Windows};
use diptych_protocol::policy::Policy;
use diptych_protocol::primary::{self, CheckCode, PrimaryMachine};
use diptych_protocol::secondary::{SecondaryMachine, Setup};
use diptych_protocol::session::StartError;
use diptych_protocol::time::{Primary, Secondary, Span};

use tokio::runtime::Builder;

use super::*;
use crate::disk::Folder;

fn folder(name: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("diptych-embed-{}-{name}", std::process::id()));
    _ = std::fs::remove_dir_all(&path);
    path
}

fn assistant(supply: Supply<Secondary>) -> Result<Embedded<SecondaryMachine>, Failure> {
    Embedded::start(supply, |ground| {
        let setup = Setup {
            label: Label::new("behind").unwrap(),
            signer: ground.signer,
            boot: ground.boot,
            wall_ms: ground.wall_ms,
            last_exit: ground.last_exit,
            entropy: ground.entropy,
            past: ground.past,
        };
        Ok(SecondaryMachine::new(setup, ground.now)?)
    })
}

fn primary(supply: Supply<Primary>) -> Result<Embedded<PrimaryMachine>, Failure> {
    Embedded::start(supply, |ground| {
        let at = |minutes: i64| ground.now + Span::from_secs(60 * minutes);
        let windows =
            Windows { wait_open: at(1), wait_close: at(2), answer_start: at(2), answer_end: at(3) };
        let requirements = Requirements {
            battery_percent: 20,
            charger: Switch::Off,
            bytes_per_second: 0,
            heat: Heat::Hot,
            permissions: Permissions(0),
        };
        let issuer = Label::new("Academy").unwrap();
        let setup = primary::Setup {
            plan: Plan::new(Mode::Mock, issuer, 1, windows, requirements).unwrap(),
            policy: Policy::preset("xyb-seed").unwrap(),
            proctors: Vec::new(),
            exam: ExamTag([3; 8]),
            label: Label::new("front").unwrap(),
            addresses: None,
            check_code: CheckCode::Skipped,
            signer: ground.signer,
            boot: ground.boot,
            wall_ms: ground.wall_ms,
            last_exit: ground.last_exit,
            entropy: ground.entropy,
            past: ground.past,
        };
        Ok(PrimaryMachine::new(setup, ground.now)?)
    })
}

fn supply<C: Clock>(path: &std::path::Path) -> Supply<C> {
    Supply { discovery: Discovery::Off, ..Supply::folder(path) }
}

#[test]
fn blocking_calls_work_inside_a_foreign_runtime_and_after_the_end() {
    let path = folder("foreign");
    let foreign = Builder::new_current_thread().build().unwrap();
    foreign.block_on(async {
        let assistant = assistant(supply(&path)).unwrap();
        assert!(assistant.look(|machine| machine.snapshot(Instant::from_nanos(0)).role).is_ok());
        assert_eq!(assistant.next(Duration::ZERO), None);
        assistant.stop().unwrap();
        assert_eq!(assistant.next(Duration::from_secs(20)), Some(Told::Ended));
        assert_eq!(assistant.network_changed(), Err(Failure::Stopped));
        drop(assistant);
    });
    std::fs::remove_dir_all(path).unwrap();
}

#[test]
fn a_start_that_fails_inside_a_foreign_runtime_is_a_failure() {
    let path = folder("foreign-taken");
    let taken = std::net::UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let sockets = crate::quic::Sockets::Address(taken.local_addr().unwrap());
    let foreign = Builder::new_current_thread().build().unwrap();
    let failure =
        foreign.block_on(async { assistant(Supply { sockets, ..supply(&path) }).unwrap_err() });
    assert_eq!(failure.code(), "PORT_TAKEN");
    std::fs::remove_dir_all(path).unwrap();
}

#[test]
fn a_device_without_a_network_is_told_from_one_that_nobody_can_dial() {
    // [SESSION-34]
    let here: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let path = folder("reach");
    let reach = |advertise| Reach::new(advertise, &supply::<Secondary>(&path));
    assert_eq!(reach(Vec::new()).addresses(47_000, &[]), Ok(None));
    assert!(reach(Vec::new()).addresses(47_000, &["192.0.2.7:47000".parse().unwrap()]).is_ok());
    assert_eq!(reach(vec![here]).addresses(47_000, &[]).unwrap_err().code(), "NO_ADDRESS");
}

#[test]
fn a_folder_in_use_and_a_taken_port_are_told_apart() {
    let path = folder("in-use");
    let first = assistant(supply(&path)).unwrap();
    assert_eq!(assistant(supply(&path)).unwrap_err().code(), "FOLDER_IN_USE");
    let other = folder("port");
    let taken = Supply { sockets: crate::quic::Sockets::Port(first.port()), ..supply(&other) };
    let failure = assistant(taken).unwrap_err();
    assert_eq!(failure.code(), "PORT_TAKEN");
    assert!(failure.advice().ends_with('.'));
    drop(first);
    std::fs::remove_dir_all(path).unwrap();
    std::fs::remove_dir_all(other).unwrap();
}

#[test]
fn what_was_begun_and_never_stored_is_begun_anew_and_what_was_sealed_is_not() {
    // [SESSION-37]
    let (mut disk, mut signer) = {
        let path = folder("begun");
        let mut disk = Folder::open(&path).unwrap();
        let signer = Identity::load_or_generate(&mut disk).unwrap().signer();
        (disk, signer)
    };
    let name = JournalName { role: Seat::PRIMARY, device: 1 };
    let (session, role) = (SessionId([7; 16]), Seat::PRIMARY);
    let (mut writer, header) =
        Writer::create(Header { session, role, device: 1, key: signer.public_key() });
    let at: Instant<Secondary> = Instant::from_nanos(1);
    let first = Fact::ProcessStarted { boot: BootId([1; 16]), wall_ms: 0, cause: 0, raw: 0 };
    // A crash between two writes, wherever it cuts them.
    let begun = [header, writer.append(at, &first).unwrap()].concat();
    for length in [0, 40, 104, begun.len() - 1, begun.len()] {
        disk.truncate(name, 0).unwrap();
        disk.append(name, &begun[..length]).unwrap();
        past(&mut disk).unwrap();
        assert!(disk.journals().unwrap()[&name].is_empty(), "{length}");
    }
    let sealed = [begun, writer.seal(at, &mut signer).unwrap()].concat();
    disk.append(name, &sealed).unwrap();
    let refused = Failure::Damaged { problem: StartError::Foreign };
    assert_eq!(past(&mut disk).unwrap_err(), refused);
    assert_eq!(disk.journals().unwrap()[&name], sealed);
    std::fs::remove_dir_all(disk.path()).unwrap();
}

#[test]
fn a_damaged_journal_is_refused_and_left_as_it_is() {
    let path = folder("damaged");
    let name = JournalName { role: Seat::PRIMARY, device: 1 };
    let file = {
        let mut disk = Folder::open(&path).unwrap();
        disk.append(name, b"this is no journal at all, and never was one").unwrap();
        disk.journal_path(name)
    };
    let before = std::fs::read(&file).unwrap();
    assert_eq!(assistant(supply(&path)).unwrap_err().code(), "FOLDER_DAMAGED");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    std::fs::remove_dir_all(path).unwrap();
}

#[test]
fn a_damaged_copy_of_a_phone_that_was_put_out_keeps_no_primary_from_starting() {
    // [SESSION-45]
    let path = folder("put-out");
    let first = primary(supply(&path)).unwrap();
    let session = first.look(PrimaryMachine::session).unwrap();
    first.stop().unwrap();
    drop(first);
    let name = JournalName { role: Seat::new(1).unwrap(), device: 1 };
    let (copy, file) = {
        let mut disk = Folder::open(&path).unwrap();
        let mut signer = Identity::generate().unwrap().signer();
        let header = Header { session, role: name.role, device: 1, key: signer.public_key() };
        let (mut writer, begun) = Writer::create(header);
        let at: Instant<Primary> = Instant::from_nanos(1);
        let fact = Fact::ProcessStarted { boot: BootId([1; 16]), wall_ms: 0, cause: 0, raw: 0 };
        let record = writer.append(at, &fact).unwrap();
        let mut copy = [begun, record, writer.seal(at, &mut signer).unwrap()].concat();
        copy[130] ^= 1;
        disk.append(name, &copy).unwrap();
        (copy, disk.journal_path(name))
    };
    let again = primary(supply(&path)).unwrap();
    assert_eq!(again.look(PrimaryMachine::session), Ok(session));
    drop(again);
    assert_eq!(std::fs::read(file).unwrap(), copy, "what is left of it is evidence");
    std::fs::remove_dir_all(path).unwrap();
}

#[test]
fn a_journal_whose_header_was_torn_was_never_begun() {
    let path = folder("torn");
    let name = JournalName { role: Seat::new(1).unwrap(), device: 1 };
    let file = {
        let mut disk = Folder::open(&path).unwrap();
        disk.append(name, b"DIPTYCHJ\x01\0\x01\x01").unwrap();
        disk.journal_path(name)
    };
    drop(assistant(supply(&path)).unwrap());
    assert_eq!(std::fs::read(&file).unwrap(), b"", "what follows begins at its start");
    std::fs::remove_dir_all(path).unwrap();
}
