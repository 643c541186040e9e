//! `diptych excuse`: sign time off; and what `judge` does with such files.
//!
//! An excuse is a file beside the journals and never a change of them, so the
//! verdict without it stays what it was.

use std::fs::File;
use std::io::{Read as _, Write};
use std::path::{Path, PathBuf};

use diptych_driver::keys::{Identity, fresh_pkcs8};
use diptych_protocol::identity::{Fingerprint, Role, SessionId};
use diptych_protocol::journal::Replayed;
use diptych_protocol::policy::{EXCUSE_BYTES, Excuse, SignedExcuse};
use diptych_protocol::report::evaluate;
use diptych_protocol::time::Span;

use super::report::write_whole;
use crate::args::ExcuseArgs;
use crate::exit::Exit;
use crate::fail::Fail;
use crate::folder::SessionFolder;

/// Bytes of the longest key file that is read.
const KEY: u64 = 4_096;

pub(crate) fn excuse(args: &ExcuseArgs, out: &mut dyn Write) -> Result<Exit, Fail> {
    let (from, to) = (after(&args.from, "--from")?, after(&args.to, "--to")?);
    if from >= to {
        let problem = format!("expected a time after --from {}, got {}", args.from, args.to);
        return Err(Fail::Value { option: "--to", problem });
    }
    let journals = SessionFolder::open(&args.dir)?.replayed()?;
    let origin = evaluate(&journals, None)?.window.start;
    let bytes = key(&args.key)?;
    let wrong = |problem: String| Fail::Value { option: "--key", problem };
    let identity = Identity::from_pkcs8(&bytes).map_err(|error| wrong(error.to_string()))?;
    let excuse = Excuse { start: origin + from, end: origin + to };
    let signed = SignedExcuse::sign(session(&journals), excuse, &mut identity.signer())
        .map_err(|_| wrong("the key did not sign".to_owned()))?;
    if args.out.exists() {
        return Err(Fail::Exists { path: args.out.clone() });
    }
    write_whole(&args.out, &signed.to_bytes())?;
    writeln!(out, "{}: {} to {} are excused", args.out.display(), args.from, args.to)?;
    writeln!(out, "whoever trusts this key judges with")?;
    let by = identity.fingerprint();
    writeln!(out, "  --excuse {} --proctor {by}", args.out.display())?;
    Ok(Exit::Done)
}

/// The key in a file, made if the file is not there.
fn key(path: &Path) -> Result<Vec<u8>, Fail> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(KEY).read_to_end(&mut bytes)) {
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let made = fresh_pkcs8()
                .map_err(|error| Fail::Value { option: "--key", problem: error.to_string() })?;
            write_secret(path, &made)?;
            Ok(made.to_vec())
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

/// Reads excuses, each of which has to be signed by one of the `proctors`.
pub(super) fn proven(
    files: &[PathBuf],
    proctors: &[String],
    journals: &[Replayed],
) -> Result<Vec<Excuse>, Fail> {
    let trusted: Vec<Fingerprint> =
        proctors.iter().map(|text| fingerprint(text)).collect::<Result<_, _>>()?;
    let mut excuses = Vec::new();
    for path in files {
        let mut bytes = Vec::new();
        let longest = EXCUSE_BYTES as u64 + 1;
        let read = File::open(path).and_then(|file| file.take(longest).read_to_end(&mut bytes));
        read.map_err(|source| Fail::Read { path: path.clone(), source })?;
        let proven = SignedExcuse::from_bytes(&bytes)
            .and_then(|signed| signed.proven(session(journals), &trusted));
        excuses.push(proven.map_err(|error| Fail::Excuse { path: path.clone(), error })?);
    }
    Ok(excuses)
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
