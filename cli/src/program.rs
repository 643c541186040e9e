//! From the command line to the exit code.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Command};
use crate::command;
use crate::exit::Exit;
use crate::fail::Fail;
use crate::live::screen::Screen;
use crate::page::Page;

/// Runs the program on its own arguments and standard streams.
#[must_use]
pub fn main() -> ExitCode {
    let mut out = Page::new(io::stdout().lock());
    // What went wrong breaks between words in a narrow window, too.
    let mut err = Screen::of_errors(Page::new(io::stderr()));
    run(std::env::args_os(), &mut out, &mut err).into()
}

/// Runs the program: results go to `out`, what went wrong to `err`.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Exit {
    let result = match Args::try_parse_from(args) {
        Ok(args) => dispatch(args, out, err),
        Err(error) => return usage(&error, out, err),
    };
    let result = result.and_then(|exit| out.flush().map(|()| exit).map_err(Fail::from));
    result.unwrap_or_else(|fail| {
        // Where not even the complaint can be written, the exit code is left.
        let _ = fail.explain(err);
        fail.exit()
    })
}

/// Notes that are no part of a result go to `err`.
fn dispatch(args: Args, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Fail> {
    match args.command {
        Command::Rehearse(args) => command::rehearse(args, out),
        Command::Primary(args) => command::primary(args, out),
        Command::Secondary(args) => command::secondary(args, out),
        Command::Align(args) => command::align(&args, out, err),
        Command::Clock(args) => command::clock(&args, out),
        Command::Excuse(args) => command::excuse(&args, out),
        Command::Judge(args) => command::judge(&args, out),
        Command::Override(args) => command::decide(&args, out),
        Command::Plan(args) => command::plan(&args, out),
        Command::Qr(args) => command::qr(&args, out, err),
        Command::Report(args) => command::report(&args, out, err),
        Command::Scan(args) => command::scan(&args, out),
        Command::Verify(args) => command::verify(&args, out),
    }
}

/// Help and the version are asked for and go to `out`; a mistake goes to `err`.
fn usage(error: &clap::Error, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let text = error.render();
    if error.use_stderr() {
        let _ = write!(err, "{text}");
        Exit::Usage
    } else {
        let _ = write!(out, "{text}");
        Exit::Done
    }
}
