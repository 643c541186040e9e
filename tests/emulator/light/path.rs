//! What the light bed runs beside the program, each as a process of its own in
//! the right namespaces: a relay that impairs, an echo, and a client that asks it.
//!
//! The relay stands outside both devices, so that the program, the plain
//! exchanges and their baselines all cross the same impaired path. The kernel's
//! own emulation would be shorter and is missing from many kernels.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use crate::clock::{now_ns, reach};
use crate::scenario::Impairment;

/// The largest datagram.
const MOST: usize = 65_536;
/// Clients of a relay; the devices of one scenario are far fewer.
const CLIENTS: usize = 64;

/// Runs the part that the command line names; `None` if it names none.
pub(crate) fn part(args: &[String]) -> Option<Result<(), String>> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let io = |error: std::io::Error| error.to_string();
    match words.as_slice() {
        ["part-relay", listen, target, path @ ..] => {
            Some(Impaired::read(path).and_then(|path| relay(listen, target, path).map_err(io)))
        }
        ["part-echo", listen] => Some(echo(listen).map_err(io)),
        ["part-ask", target, count] => Some(ask(target, count.parse().unwrap_or(0)).map_err(io)),
        _ => None,
    }
}

/// One direction's impairment, as words for a part.
#[derive(Clone, Copy, Default)]
pub(crate) struct Impaired(Impairment);

impl From<Impairment> for Impaired {
    fn from(path: Impairment) -> Self {
        Self(path)
    }
}

impl Impaired {
    /// For the command line of a part.
    pub(crate) fn words(self) -> [String; 3] {
        let Impairment { delay_us, tail_us, loss_ppm } = self.0;
        [delay_us, tail_us, loss_ppm].map(|number| number.to_string())
    }

    fn read(words: &[&str]) -> Result<Self, String> {
        let numbers: Vec<u64> = words.iter().filter_map(|word| word.parse().ok()).collect();
        match numbers[..] {
            [delay_us, tail_us, loss_ppm] => Ok(Self(Impairment { delay_us, tail_us, loss_ppm })),
            _ => Err(format!("expected the numbers of a path, got {words:?}")),
        }
    }
}

/// What goes one way, in order of sending.
pub(crate) struct Direction {
    path: Impairment,
    random: u64,
    queue: Sender<(i64, Vec<u8>)>,
}

impl Direction {
    /// A direction that hands what arrives, in order, to `send` when it is due.
    pub(crate) fn new(path: Impaired, seed: u64, send: impl Fn(&[u8]) + Send + 'static) -> Self {
        let (queue, coming) = channel::<(i64, Vec<u8>)>();
        std::thread::spawn(move || {
            for (due, contents) in coming {
                reach(due);
                send(&contents);
            }
        });
        Self { path: path.0, random: seed, queue }
    }

    /// SplitMix64, of which 53 bits.
    fn draw(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Takes what was sent: loses it, or lets it wait.
    pub(crate) fn take(&mut self, contents: &[u8]) {
        if self.draw() * 1e6 < self.path.loss_ppm as f64 {
            return;
        }
        // Pareto with exponent 3, moved to begin at 0: its mean is half its scale.
        let tail = 2.0 * self.path.tail_us as f64 * ((1.0 - self.draw()).powf(-1.0 / 3.0) - 1.0);
        let wait = Duration::from_micros(self.path.delay_us) + Duration::from_secs_f64(tail / 1e6);
        let due = now_ns() + crate::clock::nanos(wait);
        _ = self.queue.send((due, contents.to_vec()));
    }
}

fn relay(listen: &str, target: &str, path: Impaired) -> std::io::Result<()> {
    let door = Arc::new(UdpSocket::bind(listen)?);
    let mut clients: BTreeMap<SocketAddr, Direction> = BTreeMap::new();
    let mut buffer = vec![0; MOST];
    loop {
        let Ok((length, from)) = door.recv_from(&mut buffer) else { continue };
        if !clients.contains_key(&from) {
            if clients.len() >= CLIENTS {
                continue;
            }
            let seed = clients.len() as u64 * 2 + 1;
            let beyond = UdpSocket::bind("0.0.0.0:0")?;
            beyond.connect(target)?;
            let (back, door) = (beyond.try_clone()?, door.clone());
            let mut home = Direction::new(path, seed, move |contents| {
                _ = door.send_to(contents, from);
            });
            std::thread::spawn(move || {
                let mut buffer = vec![0; MOST];
                loop {
                    if let Ok(length) = back.recv(&mut buffer) {
                        home.take(&buffer[..length]);
                    }
                }
            });
            let out = Direction::new(path, seed + 1, move |contents| {
                _ = beyond.send(contents);
            });
            clients.insert(from, out);
        }
        if let Some(out) = clients.get_mut(&from) {
            out.take(&buffer[..length]);
        }
    }
}

fn echo(listen: &str) -> std::io::Result<()> {
    let door = UdpSocket::bind(listen)?;
    let mut buffer = [0; 64];
    loop {
        let (length, from) = door.recv_from(&mut buffer)?;
        let heard = now_ns();
        buffer[8..16].copy_from_slice(&heard.to_le_bytes());
        buffer[16..24].copy_from_slice(&now_ns().to_le_bytes());
        door.send_to(&buffer[..length], from)?;
    }
}

/// Asks `count` times, 20 ms apart, and prints the four stamps of each answer.
fn ask(target: &str, count: usize) -> std::io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect(target)?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    let mut out = std::io::stdout().lock();
    for _ in 0..count {
        let asked = now_ns();
        let mut buffer = [0; 64];
        buffer[..8].copy_from_slice(&asked.to_le_bytes());
        _ = socket.send(&buffer);
        while let Ok(length) = socket.recv(&mut buffer) {
            let back = now_ns();
            let stamp = |at: usize| buffer[at..at + 8].try_into().map_or(0, i64::from_le_bytes);
            if length == 64 && stamp(0) == asked {
                writeln!(out, "{asked} {} {} {back}", stamp(8), stamp(16))?;
                break;
            }
        }
        reach(asked + 20_000_000);
    }
    Ok(())
}
