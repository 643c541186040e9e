//! One guest that runs: an emulator process, its monitor, and a shell inside.
//!
//! The process is ended by its own id when the value goes, and by the kernel when
//! this process dies first (`setpriv --pdeathsig`): a harness that is killed
//! leaves no emulator behind.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use diptych_protocol::identity::Hex;
use rustix::process::Pid;
use serde_json::{Value, json};

use super::hardware::{Hardware, PORTS};
use crate::bed::Trouble;
use crate::clock::until;
use crate::program::bound;

/// The longest that a guest takes to start on a machine that is busy.
const BOOT: Duration = Duration::from_secs(90);
/// The longest that a command in a guest takes.
const COMMAND: Duration = Duration::from_secs(240);
/// Bytes in one command: twice as many digits, below the shell's own limit.
const PIECE: usize = 30_000;
/// Bytes of a guest's disk.
const DISK: u64 = 256 << 20;

/// Reads lines of a port until it is closed, wherever they go.
pub(super) type Listener = Box<dyn FnMut(String) + Send>;

/// An emulator whose guest is not known to answer yet.
pub(super) struct Starting {
    process: Emulator,
    hardware: Hardware,
    monitor: UnixListener,
    ports: [UnixListener; PORTS.len()],
}

/// A guest whose shell answers.
pub(super) struct Guest {
    process: Emulator,
    hardware: Hardware,
    monitor: BufReader<UnixStream>,
    agent: BufReader<UnixStream>,
}

/// The process of an emulator, and the page that it shares.
struct Emulator(Child, std::path::PathBuf);

impl Drop for Emulator {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
        _ = std::fs::remove_file(&self.1);
    }
}

/// An error with what it was about.
pub(super) fn because<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> Trouble {
    move |error| format!("{what}: {error}")
}

impl Starting {
    /// Starts the emulator, with the disk that is there or an empty one. The
    /// thread that calls has to outlive the guest.
    pub(super) fn begin(hardware: Hardware) -> Result<Self, Trouble> {
        let folder = hardware.folder.clone();
        std::fs::create_dir_all(&folder).map_err(because("folder"))?;
        let disk = folder.join("disk");
        if !disk.exists() {
            let file = std::fs::File::create(&disk).and_then(|file| file.set_len(DISK));
            file.map_err(because("disk"))?;
            let path = disk.display().to_string();
            crate::light::run("mkfs.ext4", &["-qF", &path])?;
        }
        let listen = |name: &str| {
            let path = folder.join(name);
            _ = std::fs::remove_file(&path);
            let listener = UnixListener::bind(&path).map_err(because(name))?;
            listener.set_nonblocking(true).map_err(because(name))?;
            Ok::<_, Trouble>(listener)
        };
        let monitor = listen("monitor")?;
        let [agent, said, clock] = PORTS;
        let ports = [listen(agent)?, listen(said)?, listen(clock)?];
        if let super::hardware::Plug::Hub { own, .. } = &hardware.plug {
            _ = std::fs::remove_file(own);
        }
        let errors = std::fs::File::create(folder.join("errors")).map_err(because("errors"))?;
        let process = bound("qemu-system-x86_64")
            .args(hardware.arguments())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .map_err(because("qemu-system-x86_64"))?;
        let process = Emulator(process, hardware.page());
        Ok(Self { process, hardware, monitor, ports })
    }

    /// Waits until its shell answers.
    pub(super) fn ready(mut self, said: Listener, clock: Listener) -> Result<Guest, Trouble> {
        let monitor = self.accept(None)?;
        let (agent, said_port, clock_port) =
            (self.accept(Some(0))?, self.accept(Some(1))?, self.accept(Some(2))?);
        for (port, mut listener) in [(said_port, said), (clock_port, clock)] {
            port.get_ref().set_read_timeout(None).map_err(because("port"))?;
            std::thread::spawn(move || {
                for line in port.lines().map_while(Result::ok) {
                    listener(line);
                }
            });
        }
        let (process, hardware) = (self.process, self.hardware);
        let mut guest = Guest { process, hardware, monitor, agent };
        let mut line = String::new();
        guest.monitor.read_line(&mut line).map_err(because("monitor"))?;
        guest.tell("qmp_capabilities", &json!({}))?;
        line.clear();
        while line != "READY\n" {
            line.clear();
            let read = guest.agent.read_line(&mut line);
            if !matches!(read, Ok(1..)) {
                return Err(format!("no shell: {}", console(&guest.hardware.folder)));
            }
        }
        guest.agent.get_ref().set_read_timeout(Some(COMMAND)).map_err(because("agent"))?;
        guest.pin()?;
        Ok(guest)
    }

    fn accept(&mut self, port: Option<usize>) -> Result<BufReader<UnixStream>, Trouble> {
        let listener = port.and_then(|port| self.ports.get(port)).unwrap_or(&self.monitor);
        let process = &mut self.process.0;
        let stream = until(BOOT, || match listener.accept() {
            Ok((stream, _)) => Some(Some(stream)),
            Err(_) => process.try_wait().ok().flatten().map(|_| None),
        });
        let missing = || format!("no emulator: {}", console(&self.hardware.folder));
        let stream = stream.flatten().ok_or_else(missing)?;
        stream.set_nonblocking(false).map_err(because("port"))?;
        stream.set_read_timeout(Some(BOOT)).map_err(because("port"))?;
        Ok(BufReader::new(stream))
    }
}

impl Guest {
    /// Two threads that spin on one core exchange only once in a slice of time.
    fn pin(&mut self) -> Result<(), Trouble> {
        let cpu = self.hardware.cpu;
        let all = self.tell("query-cpus-fast", &json!({}))?;
        for one in all.as_array().into_iter().flatten() {
            let thread = one["thread-id"].as_i64().and_then(|id| i32::try_from(id).ok());
            pin(thread.and_then(Pid::from_raw), cpu)?;
        }
        Ok(())
    }

    pub(super) fn hardware(&self) -> &Hardware {
        &self.hardware
    }

    /// Tells the emulator something from outside, and yields its answer.
    pub(super) fn tell(&mut self, execute: &str, arguments: &Value) -> Result<Value, Trouble> {
        let asked = json!({ "execute": execute, "arguments": arguments });
        let put = self.monitor.get_mut().write_all(format!("{asked}\n").as_bytes());
        put.map_err(because("monitor"))?;
        loop {
            let told = self.told()?;
            if told.get("error").is_some() {
                return Err(format!("{execute}: {told}"));
            }
            if let Some(answer) = told.get("return") {
                return Ok(answer.clone());
            }
        }
    }

    fn told(&mut self) -> Result<Value, Trouble> {
        let mut line = String::new();
        self.monitor.read_line(&mut line).map_err(because("monitor"))?;
        serde_json::from_str(&line).map_err(because("monitor"))
    }

    /// Waits until the emulator tells of this event.
    pub(super) fn until_event(&mut self, name: &str) -> Result<(), Trouble> {
        while self.told()?["event"] != name {}
        Ok(())
    }

    /// Sends a line to the guest's shell without waiting for its end.
    pub(super) fn ask(&mut self, command: &str) -> Result<(), Trouble> {
        let line = format!("{}\n", command.replace('\n', " "));
        self.agent.get_mut().write_all(line.as_bytes()).map_err(because("agent"))
    }

    /// What the line that was asked last printed, and its exit code.
    pub(super) fn answer(&mut self) -> Result<(i32, Vec<u8>), Trouble> {
        loop {
            let mut head = String::new();
            let read = self.agent.read_line(&mut head);
            if !matches!(read, Ok(1..)) {
                let (name, folder) = (&self.hardware.name, &self.hardware.folder);
                return Err(format!("{name}: no answer ({read:?}): {}", console(folder)));
            }
            // A guest that was woken may say READY once more.
            let Some(words) = head.strip_prefix("R ") else { continue };
            let (code, length) = words.trim().split_once(' ').ok_or("agent: no length")?;
            let mut output = vec![0; length.parse().map_err(because("agent"))?];
            self.agent.read_exact(&mut output).map_err(because("agent"))?;
            return Ok((code.parse().map_err(because("agent"))?, output));
        }
    }

    /// Runs a line in the guest's shell; yields its exit code and what it printed.
    pub(super) fn attempt(&mut self, command: &str) -> Result<(i32, Vec<u8>), Trouble> {
        self.ask(command)?;
        self.answer()
    }

    /// Runs a line that must succeed; yields what it printed, trimmed.
    pub(super) fn run(&mut self, command: &str) -> Result<String, Trouble> {
        let (code, output) = self.attempt(command)?;
        let text = String::from_utf8_lossy(&output).trim().to_owned();
        if code == 0 { Ok(text) } else { Err(format!("{}: {command}: {code} {text}", self.name())) }
    }

    fn name(&self) -> &str {
        &self.hardware.name
    }

    pub(super) fn read(&mut self, file: &str) -> Result<Vec<u8>, Trouble> {
        match self.attempt(&format!("cat {file}"))? {
            (0, bytes) => Ok(bytes),
            (code, _) => Err(format!("{}: cannot read {file}: {code}", self.name())),
        }
    }

    pub(super) fn write(&mut self, file: &str, bytes: &[u8]) -> Result<(), Trouble> {
        self.run(&format!(": >{file}"))?;
        for piece in bytes.chunks(PIECE) {
            let hex = Hex(piece);
            self.run(&format!("echo {hex} | xxd -r -p >>{file}"))?;
        }
        Ok(())
    }

    /// The emulator's process.
    pub(super) fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// As a pulled battery: ends the emulator at once. What the disk has survives.
    pub(super) fn kill(mut self) -> Result<(), Trouble> {
        let child = &mut self.process.0;
        child.kill().map_err(because("kill"))?;
        let how = child.wait().map_err(because("kill"))?;
        if how.signal() == Some(9) { Ok(()) } else { Err(format!("emulator ended with {how}")) }
    }
}

/// Lets a thread run on this core only.
pub(super) fn pin(thread: Option<Pid>, cpu: usize) -> Result<(), Trouble> {
    let mut set = rustix::thread::CpuSet::new();
    set.set(cpu);
    rustix::thread::sched_setaffinity(thread, &set).map_err(because("pin"))
}

/// What emulator and guest said last.
fn console(folder: &Path) -> String {
    let read = |name| std::fs::read(folder.join(name)).unwrap_or_default();
    let all = [read("errors"), read("console")].concat();
    let text = String::from_utf8_lossy(&all);
    let lines: Vec<&str> = text.lines().rev().take(20).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
}
