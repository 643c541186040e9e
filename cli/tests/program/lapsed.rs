//! A connection that dies at the worst moment while pairing, and the next code.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use super::running::Running;
use super::stages::plan;
use super::{Folder, run};

/// Carries packets between a primary and the one assistant that knows its address.
/// Those of the assistant may take long, and may be kept from arriving at all.
struct Path {
    address: SocketAddr,
    cut: Arc<(Mutex<bool>, Condvar)>,
}

impl Path {
    fn to(primary: SocketAddr, delay: Duration) -> Self {
        let [front, back] = [(); 2].map(|()| Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap()));
        let address = front.local_addr().unwrap();
        let cut = Arc::new((Mutex::new(false), Condvar::new()));
        let assistant = Arc::new(Mutex::new(None));
        let (there, from, cutting) = (back.clone(), assistant.clone(), cut.clone());
        let here = front.clone();
        // Nobody waits for the end of these: they carry packets until the test is over.
        thread::spawn(move || {
            let mut buffer = [0; 2_048];
            while let Ok((length, sender)) = here.recv_from(&mut buffer) {
                *from.lock().unwrap() = Some(sender);
                let (packet, there) = (buffer[..length].to_vec(), there.clone());
                let cutting = cutting.clone();
                thread::spawn(move || {
                    let (cut, changed) = &*cutting;
                    let cut = cut.lock().unwrap();
                    let cut = changed.wait_timeout_while(cut, delay, |cut| !*cut).unwrap().0;
                    if !*cut {
                        let _ = there.send_to(&packet, primary);
                    }
                });
            }
        });
        thread::spawn(move || {
            let mut buffer = [0; 2_048];
            while let Ok((length, _)) = back.recv_from(&mut buffer) {
                let to = *assistant.lock().unwrap();
                if let Some(to) = to {
                    let _ = front.send_to(&buffer[..length], to);
                }
            }
        });
        Self { address, cut }
    }

    /// Packets of the assistant that are under way or still to come are lost, or not.
    fn set(&self, cut: bool) {
        *self.cut.0.lock().unwrap() = cut;
        self.cut.1.notify_all();
    }
}

/// The number of the code that the picture shows, once it shows one.
fn shown(folder: &Folder) -> u64 {
    loop {
        let scanned = run(folder, &["scan", "--json", "code.png"]);
        if scanned.code == 0 {
            return scanned.json()["epoch"].as_u64().unwrap();
        }
    }
}

/// What came of one pairing whose CONFIRM was to be lost.
enum Came {
    /// It was, and the assistant found the next code by itself.
    Anew,
    /// It arrived all the same: this machine was slower than the path.
    Confirmed,
}

fn lose_confirm(delay: Duration) -> Came {
    let folder = Folder::new();
    plan(&folder, 600);
    let free = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let path = Path::to(free, delay);
    let (bind, advertise) = (free.to_string(), path.address.to_string());
    let args = ["primary", "--plan", "exam.toml", "--out", "P", "--loopback", "--small"];
    let reach = ["--bind", &bind, "--advertise", &advertise, "--qr-png", "code.png"];
    let mut primary = Running::start(&folder, &[&args[..], &reach].concat());
    shown(&folder);
    let args = ["secondary", "--scan", "code.png", "--out", "A", "--loopback", "--yes"];
    let small = ["--width", "320", "--height", "180", "--rate", "15"];
    let mut assistant = Running::start(&folder, &[&args[..], &small].concat());
    // It has ACCEPT; its CONFIRM is under way.
    assistant.waits_for("paired as A1");
    path.set(true);
    // The claim lapses: only then is there another code.
    let before = shown(&folder);
    while shown(&folder) == before {
        if primary.has_said("A1: paired with") {
            return Came::Confirmed;
        }
    }
    path.set(false);
    assistant.waits_for("looking for another code");
    assistant.waits_for("paired as A1");
    primary.waits_for("A1: paired with");
    Came::Anew
}

#[test]
fn an_assistant_whose_confirm_was_lost_reads_the_next_code_by_itself() {
    // [PAIRING-26] [PAIRING-27]
    let mut delay = Duration::from_millis(300);
    while let Came::Confirmed = lose_confirm(delay) {
        delay *= 2;
        assert!(delay < Duration::from_secs(3), "the machine never tells in time");
    }
}
