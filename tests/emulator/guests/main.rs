//! Two machines that are really two: the program on emulated devices.
//!
//! Each guest has its own kernel, clocks, disk and network stack, and every fault
//! comes from outside the program: a pulled plug, a suspended machine, a killed
//! emulator, a wall clock set back. Each fault is measured before it is believed,
//! so that a green run cannot come from a fault that did nothing. Scenarios run
//! one after the other, because an emulated processor is worth one core.
//!
//! Rejected: `libtest`, which hides that something was skipped.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "the host never sleeps; a scenario that cannot go on must stop where it is, and says what it measured"
)]

mod bed;
mod faults;
mod guest;
mod scenarios;
mod truth;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use scenarios::{ALL, Scenario};

/// Why the bed cannot be had here, if it cannot.
fn missing() -> Option<String> {
    for tool in ["qemu-system-x86_64", "busybox", "cpio", "lz4", "mkfs.ext4", "gcc"] {
        if Command::new(tool).arg("--version").output().is_err() {
            return Some(format!(
                "{tool} is not installed (tests/emulator/install-guests gets it)"
            ));
        }
    }
    if !guest::image().join("kernel/boot").is_dir() {
        return Some(
            "there is no kernel for the guests (tests/emulator/install-guests gets it)".into(),
        );
    }
    if truth::cores() < 2 {
        return Some("the clocks' truth needs two cores".into());
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/emulator/image");
    let mut make = Command::new(script);
    // What cargo tells a test of its own crate would make every build script of
    // the image's build run again.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_")) {
            make.env_remove(&name);
        }
    }
    match make.stdin(Stdio::null()).output() {
        Ok(made) if made.status.success() => None,
        Ok(made) => Some(format!("no image: {}", String::from_utf8_lossy(&made.stderr))),
        Err(error) => Some(format!("no image: {error}")),
    }
}

fn main() -> ExitCode {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let whole = std::env::var_os("DIPTYCH_BEDS").is_some_and(|which| which == "full");
    let asked = |one: &&Scenario| {
        let named = words.iter().any(|word| one.name.contains(word.as_str()));
        if words.is_empty() { whole } else { named }
    };
    let chosen: Vec<&Scenario> = ALL.iter().filter(asked).collect();
    if std::env::args().any(|word| word == "--list") {
        for one in &ALL {
            println!("{}: test", one.name);
        }
        return ExitCode::SUCCESS;
    }
    println!("\nrunning {} tests", chosen.len());
    if let (Some(why), false) = (missing(), chosen.is_empty()) {
        for one in &chosen {
            println!("test {} ... SKIPPED", one.name);
        }
        println!("SKIPPED: the emulator bed: {why}");
        println!("\ntest result: ok. 0 passed; 0 failed; {} ignored", chosen.len());
        return ExitCode::SUCCESS;
    }
    let mut failed = 0;
    for one in &chosen {
        let began = Instant::now();
        // The scenario's own message says what it was; the next one still runs.
        let ran = catch_unwind(AssertUnwindSafe(|| (one.run)()));
        let seconds = began.elapsed().as_secs();
        match ran {
            Ok(shown) => println!("test {} ... ok\n    {shown} ({seconds} s in all)", one.name),
            Err(_) => {
                failed += 1;
                println!("test {} ... FAILED ({seconds} s)", one.name);
            }
        }
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    let (passed, left) = (chosen.len() - failed, ALL.len() - chosen.len());
    println!("\ntest result: {word}. {passed} passed; {failed} failed; {left} ignored");
    if left > 0 {
        println!("(all of them: DIPTYCH_BEDS=full cargo test -p diptych-tests --test guests)");
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
