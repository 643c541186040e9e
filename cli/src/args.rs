//! The command line, and the help that teaches it.
//!
//! Help is read in a terminal of 80 columns by somebody who wants to be done, so
//! each command shows what to type before it explains what can be typed.

mod live;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub use live::{PrimaryArgs, RehearseArgs, SecondaryArgs};

/// Columns that help may fill.
const COLUMNS: usize = 80;

const EXIT_CODES: &str = "\
Exit codes:
    0  done; verdict PASS; evidence intact
    1  a defect of the program
    2  wrong command line
    3  a file is not what it should be (picture, ticket, plan, policy, journal)
    4  a file or folder cannot be read or written
    5  the devices did not come together
    6  the camera failed
   10  verdict FAIL
   11  verdict UNDETERMINED
   12  verdict NOT_READY
   20  evidence is missing
   21  evidence was changed
   22  the report differs from what its journals say
  130  ended by Ctrl-C
  143  ended by SIGTERM, or 129 by a terminal that was closed";

/// Two phones, one recording: pair by a QR code, record, align, count, report.
#[derive(Parser, Debug)]
#[command(
    name = "diptych",
    version,
    max_term_width = COLUMNS,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = EXIT_CODES
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Everything that the program can do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Play a whole mock exam on this machine
    Rehearse(RehearseArgs),
    /// Be the primary: show the code, lead the session, and record
    Primary(PrimaryArgs),
    /// Be the assistant: scan the code, and record
    Secondary(SecondaryArgs),
    /// Write an example of an exam's plan, or check a plan
    Plan(PlanArgs),
    /// Draw a text as a QR code
    Qr(QrArgs),
    /// Read the ticket in a picture and explain it
    Scan(ScanArgs),
    /// Say what happened in a session: verdict, interruptions, evidence
    Report(ReportArgs),
    /// Compute the verdict again from the journals alone
    Judge(JudgeArgs),
    /// Sign time off, so that it does not count
    Excuse(ExcuseArgs),
    /// Sign a decision about a session
    Override(OverrideArgs),
    /// Check signatures, chains and recordings for what was changed
    Verify(VerifyArgs),
    /// Say which pictures of the recordings were taken together
    Align(AlignArgs),
    /// Say what was known of the devices' clocks, and when
    Clock(ClockArgs),
}

/// `diptych plan`
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  diptych plan                         show the example, with its comments
  diptych plan --out exam.toml         write it to a new file, to be edited
  diptych plan --check exam.toml       say what it means, or what is wrong in it")]
pub struct PlanArgs {
    /// The new file to write the example to
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    pub out: Option<PathBuf>,
    /// The plan to check
    #[arg(long, value_name = "FILE")]
    pub check: Option<PathBuf>,
}

/// `diptych qr`
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  diptych qr 'diptych:0123456789'             draw it in the terminal
  diptych qr --png code.png 'https://a.example/p#01234'
  diptych qr --svg code.svg -  < text         keep a secret off the command line

The code in the terminal scans on dark and on light backgrounds.")]
pub struct QrArgs {
    /// The text, or - to read it from standard input
    #[arg(value_name = "TEXT")]
    pub text: String,
    /// Write a PNG file, replacing it
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// Write an SVG file, replacing it
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

/// `diptych scan`
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  diptych scan photo.jpg               what the ticket says, without its secret
  diptych scan --json photo.jpg        the same for a script

The picture is a PNG or JPEG file: a photograph, a screenshot, or what
`diptych primary --qr-png FILE` wrote. The secret in the ticket is not shown.")]
pub struct ScanArgs {
    /// A PNG or JPEG file
    #[arg(value_name = "IMAGE")]
    pub image: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `diptych report`
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  diptych report session               the verdict first, then why
  diptych report session | head -1     the verdict alone
  diptych report --json session        the same for a script
  diptych report --policy zjut-2022 session     under another rule
  diptych report --out account session          keep the files elsewhere
  diptych report --statement pause.signed --proctor 5f0c… session

Writes report.json, report.txt and timeline.svg into the folder; under another
rule than the session's own, report-zjut-2022.json and so on beside them. Where
the folder is read-only, the report is printed and a note says that nothing was
kept.

With statements that a trusted key signed, the first verdict and all that it
rests on stay as they are. The revised one stands beside it, with whose keys it
is by: after `Revised:` in the text, as `revision` in JSON. It is the one that
the exit code is of; without the statements the report is the first again.

Ends with 0 for PASS, 10 for FAIL, 11 for UNDETERMINED, 12 for NOT_READY.")]
pub struct ReportArgs {
    /// The folder of a session: P.journal, A1.journal, …
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Judge by this policy: a preset's name, or a TOML file
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// What people have said
    #[command(flatten)]
    pub said: SaidArgs,
    /// The folder for the files, made if it is not there [default: DIR]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Print the report as JSON (spec/report.schema.json)
    #[arg(long)]
    pub json: bool,
}

/// `diptych judge`
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  diptych judge session                the verdict; does report.json agree?
  diptych judge --policy ours.toml session
  diptych judge --statement pause.signed --proctor 5f0c… session

With statements that a trusted key signed, in files or in the primary's journal,
both verdicts are told, and the exit code is the revised one's. Only journals
are needed, from any machine, years later. Ends with 22 if report.json in the
folder (with --policy NAME, report-NAME.json) says something else, otherwise as
`report` does. Writes nothing.")]
pub struct JudgeArgs {
    /// The folder of a session: P.journal, A1.journal, …
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Judge by this policy: a preset's name, or a TOML file
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// What people have said
    #[command(flatten)]
    pub said: SaidArgs,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What people have said of a session, and whose word counts.
#[derive(clap::Args, Debug)]
pub struct SaidArgs {
    /// What `diptych excuse` or `override` signed; may be repeated
    #[arg(long, value_name = "FILE", requires = "proctor", visible_alias = "excuse")]
    pub statement: Vec<PathBuf>,
    /// The fingerprint of a key that is trusted; may be repeated
    #[arg(long, value_name = "FINGERPRINT")]
    pub proctor: Vec<String>,
}

/// `diptych excuse`
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  diptych excuse session --from 0:20:00 --to 0:25:00 --key proctor.key \\
      --out break.signed
  diptych excuse session --from 0:20:00 --key proctor.key --out pause.signed
  diptych excuse session --to 0:25:00 --key proctor.key --out end.signed
  diptych judge session --statement break.signed --proctor FINGERPRINT

With --from alone it is a pause, with --to alone the end of one. Times count
from the start of answering, as reports write them. Nothing in the session is
changed: the verdict without it can always be computed. A running primary takes
the file with the line `statement FILE`, if it was started with --proctor.")]
pub struct ExcuseArgs {
    /// The folder of a session: P.journal, A1.journal, …
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// From when, such as 0:20:00
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Until when
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// A P-256 key, PKCS#8 in DER; made if it is not there
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The new file for the statement
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `diptych override`
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  diptych override session --verdict pass --key dean.key --out decision.signed
  diptych judge session --statement decision.signed --proctor FINGERPRINT

A person decides; the report tells both verdicts and whose key signed. The
latest decision holds. Nothing in the session is changed.")]
pub struct OverrideArgs {
    /// The folder of a session: P.journal, A1.journal, …
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// What was decided
    #[arg(long)]
    pub verdict: Decided,
    /// A P-256 key, PKCS#8 in DER; made if it is not there
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The new file for the statement
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// What a person can decide.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decided {
    /// The session passes
    Pass,
    /// The session fails
    Fail,
}

/// `diptych verify`
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  diptych verify session               the worst finding first
  diptych verify --json session        all findings for a script

Checks every record's chain, every signature, what each device saw of the
others, and every committed piece of the recordings. Ends with 0 if all is
intact, 20 if something is missing, 21 if something was changed.")]
pub struct VerifyArgs {
    /// The folder of a session: journals and recordings
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `diptych align`
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  diptych align session                write alignment.json, tell its bounds
  diptych align --json session         print the map of every frame as well
  diptych align --video both.mp4 session        a side-by-side video
  diptych align --out account session           keep alignment.json elsewhere

A bound holds for the recordings that were made. So each piece of them is
compared with the journals first, as by `verify`, and the result says so in
words and in alignment.json. Ends with 0 if all is intact, 20 if something is
missing, 21 if something was changed.")]
pub struct AlignArgs {
    /// The folder of a session: journals and recordings
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Write the recordings side by side to this new file
    #[arg(long, value_name = "OUT")]
    pub video: Option<PathBuf>,
    /// The folder for alignment.json, made if it is not there [default: DIR]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Do not compare the recordings with the journals; the result says so
    #[arg(long)]
    pub unchecked: bool,
    /// Print the map as JSON
    #[arg(long)]
    pub json: bool,
}

/// `diptych clock`
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  diptych clock session                offset, bound and rate over the session
  diptych clock --svg clock.svg session         the same as a picture
  diptych clock --json session         every sample for a script

\"Known then\" is what the estimator guaranteed at that time; \"afterwards\" is
what all messages together guarantee now.")]
pub struct ClockArgs {
    /// The folder of a session: P.journal, A1.journal, …
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Draw it, replacing this file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn longest_line(command: &mut clap::Command) -> (usize, String) {
        let help = command.render_long_help().to_string();
        let lines = help.lines().map(|line| (line.chars().count(), line.to_owned()));
        lines.max().unwrap()
    }

    #[test]
    fn the_command_line_is_consistent_and_its_help_fits_80_columns() {
        let mut program = Args::command();
        program.build();
        program.clone().debug_assert();
        let (width, line) = longest_line(&mut program);
        assert!(width <= COLUMNS, "{line}");
        for command in program.get_subcommands_mut() {
            let (width, line) = longest_line(command);
            assert!(width <= COLUMNS, "{}: {line}", command.get_name());
            assert!(command.get_after_help().is_some(), "{} shows no example", command.get_name());
        }
    }

    #[test]
    fn no_line_of_the_examples_is_broken_in_a_usual_terminal() {
        let mut program = Args::command();
        program.build();
        for command in program.get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let broken = help.lines().find(|line| line.chars().count() > COLUMNS);
            assert_eq!(broken, None, "{}", command.get_name());
        }
    }
}
