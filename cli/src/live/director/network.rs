//! The network between the devices of a rehearsal, which the director can break.
//!
//! Every datagram between the two processes passes through here, so the link can
//! be cut and addresses can change without rights that only an administrator has,
//! and without the devices' help: they see what phones see when a router dies.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often a waiting thread looks at what changed.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes of the longest datagram.
const LONGEST: usize = 65_536;

/// A network that the director holds in its hands.
pub(super) struct Network {
    shared: Arc<Shared>,
    roamed: u8,
}

struct Shared {
    /// Where the assistant finds the primary; one of the two at a time.
    doors: [UdpSocket; 2],
    open: AtomicUsize,
    down: AtomicBool,
    over: AtomicBool,
    /// Where the primary listens.
    primary: SocketAddr,
    /// Where the primary finds the assistant.
    back: Mutex<Arc<UdpSocket>>,
    assistant: Mutex<Option<SocketAddr>>,
}

fn socket(last: u8) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, last), 0))?;
    socket.set_read_timeout(Some(LOOK))?;
    Ok(socket)
}

impl Network {
    /// A network in front of a primary that listens on `primary`.
    pub(super) fn open(primary: SocketAddr) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            doors: [socket(1)?, socket(1)?],
            open: AtomicUsize::new(0),
            down: AtomicBool::new(false),
            over: AtomicBool::new(false),
            primary,
            back: Mutex::new(Arc::new(socket(1)?)),
            assistant: Mutex::new(None),
        });
        for door in 0..2 {
            let there = shared.clone();
            std::thread::Builder::new().name("there".into()).spawn(move || there.forward(door))?;
        }
        let back = shared.clone();
        std::thread::Builder::new().name("back".into()).spawn(move || back.backward())?;
        Ok(Self { shared, roamed: 1 })
    }

    /// The addresses under which the primary can be found.
    pub(super) fn doors(&self) -> io::Result<Vec<SocketAddr>> {
        self.shared.doors.iter().map(UdpSocket::local_addr).collect()
    }

    /// Cuts the link, or mends it.
    pub(super) fn cut(&self, down: bool) {
        self.shared.down.store(down, Ordering::SeqCst);
    }

    /// From now on the primary is found under its other address only.
    pub(super) fn move_primary(&self) {
        self.shared.open.fetch_xor(1, Ordering::SeqCst);
    }

    /// From now on the assistant comes from another address.
    pub(super) fn move_assistant(&mut self) -> io::Result<()> {
        self.roamed = self.roamed.wrapping_add(1).max(2);
        let moved = Arc::new(socket(self.roamed)?);
        *self.shared.back.lock().unwrap_or_else(PoisonError::into_inner) = moved;
        Ok(())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
    }
}

impl Shared {
    fn back(&self) -> Arc<UdpSocket> {
        self.back.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn passes(&self) -> bool {
        !self.down.load(Ordering::SeqCst)
    }

    /// From the assistant to the primary. What cannot be sent is lost, as in any
    /// network.
    fn forward(&self, door: usize) {
        let Some(socket) = self.doors.get(door) else { return };
        let mut datagram = vec![0; LONGEST];
        while !self.over.load(Ordering::SeqCst) {
            let Ok((length, from)) = socket.recv_from(&mut datagram) else { continue };
            if !self.passes() || self.open.load(Ordering::SeqCst) != door {
                continue;
            }
            *self.assistant.lock().unwrap_or_else(PoisonError::into_inner) = Some(from);
            let bytes = datagram.get(..length).unwrap_or_default();
            let _ = self.back().send_to(bytes, self.primary);
        }
    }

    /// From the primary to the assistant.
    fn backward(&self) {
        let mut datagram = vec![0; LONGEST];
        while !self.over.load(Ordering::SeqCst) {
            let Ok((length, _)) = self.back().recv_from(&mut datagram) else { continue };
            let assistant = *self.assistant.lock().unwrap_or_else(PoisonError::into_inner);
            let door = self.doors.get(self.open.load(Ordering::SeqCst));
            if let (true, Some(to), Some(door)) = (self.passes(), assistant, door) {
                let _ = door.send_to(datagram.get(..length).unwrap_or_default(), to);
            }
        }
    }
}
