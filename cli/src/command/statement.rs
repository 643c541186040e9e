//! `diptych excuse` and `diptych override`: what a proctor signs; and what `judge`,
//! `report` and `primary` do with it.
//!
//! A statement is a file beside the journals, or a record that a running primary
//! adds to its own; nothing that is there is changed, so the verdict without it
//! stays what it was.

use std::fs::File;
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};

use diptych_driver::clock::wall_clock_millis;
use diptych_driver::keys::{Identity, fresh_pkcs8};
use diptych_protocol::identity::{Fingerprint, Role, SessionId};
use diptych_protocol::journal::Replayed;
use diptych_protocol::policy::{
    Decision, Excuse, Override, Proven, STATEMENT_BYTES, SignedStatement, Statement,
};
use diptych_protocol::report::{evaluate, statements};
use diptych_protocol::secret::SecretBytes;
use diptych_protocol::time::Span;

use super::written::write_whole;
use crate::args::{Decided, ExcuseArgs, OverrideArgs};
use crate::exit::Exit;
use crate::fail::Fail;
use crate::folder::SessionFolder;

/// Bytes of the longest key file that is read.
const KEY: u64 = 4_096;

pub(crate) fn excuse(args: &ExcuseArgs, out: &mut dyn Write) -> Result<Exit, Fail> {
    let from = args.from.as_deref().map(|text| after(text, "--from")).transpose()?;
    let to = args.to.as_deref().map(|text| after(text, "--to")).transpose()?;
    let journals = SessionFolder::open(&args.dir)?.replayed()?;
    let origin = evaluate(&journals, None)?.window.start;
    let (statement, told) = match (from, to) {
        (Some(from), Some(to)) if from < to => {
            let excuse = Excuse { start: origin + from, end: origin + to };
            (Statement::Excuse(excuse), "time that does not count")
        }
        (Some(_), Some(_)) => {
            let told = args.from.as_deref().unwrap_or_default();
            let problem = format!("expected a time after --from {told}");
            return Err(Fail::Value { option: "--to", problem });
        }
        (Some(from), None) => (Statement::Pause(origin + from), "a pause that is not ended yet"),
        (None, Some(to)) => (Statement::Resume(origin + to), "the end of a pause"),
        (None, None) => {
            let problem = "expected --from, --to or both".to_owned();
            return Err(Fail::Value { option: "--from", problem });
        }
    };
    sign(&journals, statement, told, (&args.key, &args.out), out)
}

pub(crate) fn decide(args: &OverrideArgs, out: &mut dyn Write) -> Result<Exit, Fail> {
    let (decision, told) = match args.verdict {
        Decided::Pass => (Decision::Pass, "a decision that it passes"),
        Decided::Fail => (Decision::Fail, "a decision that it fails"),
    };
    let journals = SessionFolder::open(&args.dir)?.replayed()?;
    let decided = Override { wall_ms: wall_clock_millis(), decision };
    sign(&journals, Statement::Override(decided), told, (&args.key, &args.out), out)
}

/// Signs a statement about this session into a new file.
fn sign(
    journals: &[Replayed],
    statement: Statement,
    told: &str,
    (key_file, file): (&Path, &Path),
    out: &mut dyn Write,
) -> Result<Exit, Fail> {
    if file.exists() {
        return Err(Fail::Exists { path: file.to_owned() });
    }
    let bytes = key(key_file)?;
    let wrong = |problem: String| Fail::Value { option: "--key", problem };
    let identity =
        Identity::from_pkcs8(bytes.expose()).map_err(|error| wrong(error.to_string()))?;
    let signed = SignedStatement::sign(session(journals), statement, &mut identity.signer())
        .map_err(|_| wrong("the key did not sign".to_owned()))?;
    write_whole(file, &signed.to_bytes())?;
    writeln!(out, "{}: {told}", file.display())?;
    writeln!(out, "whoever trusts this key judges with")?;
    let by = identity.fingerprint();
    writeln!(out, "  --statement {} --proctor {by}", file.display())?;
    Ok(Exit::Done)
}

/// The key in a file, made if the file is not there.
fn key(path: &Path) -> Result<SecretBytes, Fail> {
    // What grows leaves copies of secrets behind.
    let mut bytes = Vec::with_capacity(usize::try_from(KEY).unwrap_or(0));
    match File::open(path).and_then(|file| file.take(KEY).read_to_end(&mut bytes)) {
        Ok(_) => Ok(SecretBytes::new(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let made = fresh_pkcs8()
                .map_err(|error| Fail::Value { option: "--key", problem: error.to_string() })?;
            write_secret(path, made.expose())?;
            Ok(made)
        }
        Err(source) => Err(Fail::Read { path: path.to_owned(), source }),
    }
}

/// Writes a new file that nobody else may read.
fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), Fail> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = File::options().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(bytes))
        .map_err(|source| Fail::Write { path: path.to_owned(), source })
}

/// What was said of a session.
pub(super) struct Said {
    /// What is proven, from files and from the primary's journal.
    pub(super) proven: Vec<Proven>,
    /// Statements in the journal that no trusted key signed.
    pub(super) unproven: usize,
}

/// Reads statements, each of which has to be signed by one of the `proctors`, and
/// takes from the primary's journal those that are.
pub(super) fn said(
    files: &[PathBuf],
    proctors: &[String],
    journals: &[Replayed],
) -> Result<Said, Fail> {
    let trusted = fingerprints(proctors)?;
    let kept = statements(journals, &trusted);
    let unproven = kept.iter().filter(|statement| statement.is_err()).count();
    let mut proven: Vec<Proven> = kept.into_iter().flatten().collect();
    for path in files {
        let signed = SignedStatement::from_bytes(&read(path)?);
        let found = signed.and_then(|signed| signed.proven(session(journals), &trusted));
        let found = found.map_err(|error| Fail::Statement { path: path.clone(), error })?;
        if !proven.contains(&found) {
            proven.push(found);
        }
    }
    Ok(Said { proven, unproven })
}

/// The bytes of a statement's file, and at most one more.
fn read(path: &Path) -> Result<Vec<u8>, Fail> {
    let mut bytes = Vec::new();
    let longest = STATEMENT_BYTES as u64 + 1;
    let read = File::open(path).and_then(|file| file.take(longest).read_to_end(&mut bytes));
    read.map_err(|source| Fail::Read { path: path.to_owned(), source })?;
    Ok(bytes)
}

/// The keys that whoever judges trusts.
pub(super) fn fingerprints(proctors: &[String]) -> Result<Vec<Fingerprint>, Fail> {
    proctors.iter().map(|text| fingerprint(text)).collect()
}

fn session(journals: &[Replayed]) -> SessionId {
    let primary = journals.iter().find(|journal| journal.header().role == Role::PRIMARY);
    primary.or(journals.first()).map_or(SessionId([0; 16]), |journal| journal.header().session)
}

/// 64 hexadecimal digits.
fn fingerprint(text: &str) -> Result<Fingerprint, Fail> {
    let wrong = || Fail::Value {
        option: "--proctor",
        problem: format!("expected the 64 digits that `diptych excuse` prints, got {text:?}"),
    };
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        let digits = text.get(at..at + 2).unwrap_or_default();
        *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
    }
    Ok(Fingerprint(bytes))
}

/// `1:20:03.25`, `20:03` or `3.25`: after the start of answering.
fn after(text: &str, option: &'static str) -> Result<Span, Fail> {
    let wrong = || Fail::Value {
        option,
        problem: format!("expected a time as in the report, such as 1:20:03.250, got {text:?}"),
    };
    let plain = text.strip_prefix('+').unwrap_or(text);
    let (whole, part) = plain.split_once('.').unwrap_or((plain, "0"));
    let number = |text: &str| -> Option<i64> {
        let digits = text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| digits)
    };
    let mut seconds = 0_i64;
    let fields: Vec<&str> = whole.split(':').collect();
    if fields.len() > 3 {
        return Err(wrong());
    }
    for field in fields {
        seconds = seconds.saturating_mul(60).saturating_add(number(field).ok_or_else(wrong)?);
    }
    let nanos = number(&format!("{part:0<9}")).ok_or_else(wrong)?;
    Ok(Span::from_nanos(seconds.saturating_mul(1_000_000_000).saturating_add(nanos)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_reports_write_them() {
        let nanos = |text| after(text, "--from").map(Span::nanos).ok();
        assert_eq!(nanos("+0:20:03.250"), Some(1_203_250_000_000));
        assert_eq!(nanos("20:03"), Some(1_203_000_000_000));
        assert_eq!(nanos("3.000000001"), Some(3_000_000_001));
        for wrong in ["", "-3", "1:2:3:4", "3.0000000001", "three", "1::2"] {
            assert_eq!(nanos(wrong), None, "{wrong:?}");
        }
    }
}
