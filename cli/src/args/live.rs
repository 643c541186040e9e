//! What the commands that record are told: `rehearse`, `primary`, `secondary`.
//!
//! Apart from the commands that read folders, since they share no option with
//! them.

use std::path::PathBuf;

/// `diptych rehearse`
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  diptych rehearse                        about a minute, one assistant
  diptych rehearse --assistants 2         three cameras
  diptych rehearse --seconds 60 --out R   a longer exam, into the folder R
  diptych rehearse --json > result.json   one JSON object for a script
  diptych rehearse --faults app-killed    a story of what goes wrong

The assistant is a process of its own that reads the code from its picture; its
clock is half a minute wrong and 80 ppm fast. Each camera is away once for 3 s.
Succeeds if the verdict is PASS, the interruptions are those, and every pair of
frames aligns within the stated error.

The error of the alignment is told twice, stated and true: with what was known
when each picture was taken (alignment.online with --json), and with all that is
known afterwards (alignment). alignment.clocks holds the last estimates.

With --faults both devices are processes, and a script says what becomes of
them, in seconds after the start of answering, one fault a line, # for comments:
  at 6s A1 camera off for 3s   another app takes the camera
  at 10s A1 sound off for 2s   a call takes the microphone, the picture goes on
  at 11s P screen left for 1s  the examinee leaves the exam's screen
  at 12s P kill for 4s         SIGKILL, and started again 4 s later
  at 15s link down for 5s      nothing passes between the devices
  at 20s A1 sleep for 10s      frozen (SIGSTOP); the clock goes on
  at 25s P roam                its address changes
Stories that are there by name: phone-call, router-reboot, dead-battery,
app-killed, both-out, flapping. Succeeds if the report says what the script
amounts to.

With --kills there is a script of kills for each ten of them, three scripts at a
time. Succeeds if every report is true, all evidence intact, and no kill cost
more than the last 2 s of a recording; 200 kills take a quarter of an hour:
  diptych rehearse --kills 200 --seed 7 --small")]
pub struct RehearseArgs {
    /// How long answering lasts, in seconds [default: 30, or as many as the cameras need]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub seconds: Option<u32>,
    /// How many assistants
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=8))]
    pub assistants: u8,
    /// A new or empty folder for everything [default: rehearsal-DATE-TIME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print one JSON object; progress goes to standard error
    #[arg(long)]
    pub json: bool,
    /// Take no camera away
    #[arg(long)]
    pub no_faults: bool,
    /// Act out a script of faults: a file, or the name of a story
    #[arg(long, value_name = "FILE", conflicts_with_all = ["no_faults", "seconds", "assistants"])]
    pub faults: Option<PathBuf>,
    /// Kill both devices with SIGKILL so often, at instants drawn from --seed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000),
        conflicts_with_all = ["faults", "no_faults", "seconds", "assistants"])]
    pub kills: Option<u32>,
    /// What the kills are drawn from
    #[arg(long, value_name = "SEED", default_value_t = 1, requires = "kills")]
    pub seed: u64,
    /// Record small pictures, for slow or emulated processors
    #[arg(long)]
    pub small: bool,
}

/// `diptych primary`
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  diptych plan --out exam.toml                     a plan to edit
  diptych primary --plan exam.toml --out P/        the code is in the terminal
  diptych primary --plan exam.toml --out P/ --qr-png code.png
  diptych primary --plan exam.toml --out P/ --advertise 203.0.113.5:7000
  diptych primary --plan exam.toml --out P/ --camera /dev/video0
  diptych primary --out P/                         go on after a crash

Cameras start when every assistant is paired; the plan ends the session. The
exit code is the verdict's. Ctrl-C stops; the same folder goes on.

In a terminal a few lines stand at the bottom and say what holds: the phase and
what is left of it, the count, and each device with its camera, its link and how
well its clock is known. In a pipe or a file they are one line that begins with
`status:`, once a minute and when something else holds.

An assistant that is gone for good can be replaced while the session runs. Type
a line, and Enter:
  replace A1   show a code; the device that scans it takes the seat of A1, and
               the one before is refused from then on
  keep A1      take that code off the screen again
  statement F  take what `diptych excuse` or `override` signed in file F
Where nobody types, write the line to standard input.")]
pub struct PrimaryArgs {
    /// The exam's plan; not needed to go on
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// The folder of this device: journals, keys, recording
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// What this device is called on the assistants' screens
    #[arg(long, default_value = "primary")]
    pub label: String,
    /// Put this address into the code, and no own ones; may be repeated
    #[arg(long, value_name = "ADDR[:PORT]")]
    pub advertise: Vec<String>,
    /// Listen on this address only
    #[arg(long, value_name = "ADDR:PORT")]
    pub bind: Option<std::net::SocketAddr>,
    /// Draw the code into this PNG file, not in the terminal
    #[arg(long, value_name = "FILE")]
    pub qr_png: Option<PathBuf>,
    /// The fingerprint of a key whose statements count; may be repeated
    #[arg(long, value_name = "FINGERPRINT")]
    pub proctor: Vec<String>,
    /// Film with this device of the system [default: a synthetic camera]
    #[arg(long, value_name = "DEVICE")]
    pub camera: Option<PathBuf>,
    /// Let assistants be on this very machine
    #[arg(long)]
    pub loopback: bool,
    /// Keep camera, sound or screen away while a file in this folder says so
    #[arg(long, hide = true, value_name = "DIR")]
    pub away_in: Option<PathBuf>,
    /// Record small pictures, for slow or emulated processors
    #[arg(long)]
    pub small: bool,
}

/// `diptych secondary`
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  diptych secondary --scan photo.png --out A/       scan a picture of the code
  diptych secondary --scan camera --out A/          show it to the camera
  diptych secondary --ticket diptych:0123 --out A/  where nothing can be scanned
  diptych secondary --out A/                        go on after a crash

In a terminal a few lines stand at the bottom and say what holds: the phase and
what is left of it, the link, how well the clock is known, the camera, and what
this device lacks. In a pipe or a file they are one line that begins with
`status:`, once a minute and when something else holds. `leave` and Enter ends
the session for this device.

Ctrl-C stops the camera; the same folder goes on with the same session. When it
is over, copy the recording into the primary's folder under the same name:
verify and align look for it there.")]
pub struct SecondaryArgs {
    /// A picture of the code, PNG or JPEG, or `camera` to look for it with --camera
    #[arg(long, value_name = "IMAGE", conflicts_with = "ticket")]
    pub scan: Option<PathBuf>,
    /// The text of the code
    #[arg(long, value_name = "TEXT")]
    pub ticket: Option<String>,
    /// The folder of this device: journals, keys, recording
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The recording's file [default: in the folder, and named as it: A/A.mp4]
    #[arg(long, value_name = "FILE")]
    pub recording: Option<PathBuf>,
    /// Film with this device of the system [default: a synthetic camera; to scan,
    /// /dev/video0]
    #[arg(long, value_name = "DEVICE")]
    pub camera: Option<PathBuf>,
    /// What this device is called on the primary's screen
    #[arg(long, default_value = "assistant")]
    pub label: String,
    /// Agree to lend the camera, without being asked
    #[arg(long)]
    pub yes: bool,
    /// Let the primary be on this very machine
    #[arg(long)]
    pub loopback: bool,
    /// A clock that is ahead by so many milliseconds
    #[arg(long, hide = true, default_value_t = 0, allow_negative_numbers = true)]
    pub clock_offset_ms: i64,
    /// A clock that is fast by so many parts per billion
    #[arg(long, hide = true, default_value_t = 0, allow_negative_numbers = true)]
    pub clock_ppb: i64,
    /// Lose the camera: milliseconds after answering began, and for how many
    #[arg(long, hide = true, value_name = "AFTER:LENGTH")]
    pub camera_off: Option<String>,
    /// Keep camera, sound or screen away while a file in this folder says so
    #[arg(long, hide = true, value_name = "DIR")]
    pub away_in: Option<PathBuf>,
    /// Of the picture
    #[arg(long, hide = true, default_value_t = 640)]
    pub width: usize,
    /// Of the picture
    #[arg(long, hide = true, default_value_t = 360)]
    pub height: usize,
    /// Pictures in a second
    #[arg(long, hide = true, default_value_t = 30)]
    pub rate: u8,
}
