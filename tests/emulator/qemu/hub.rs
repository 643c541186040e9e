//! The cable between guests on a common network: what one sends, all others get,
//! multicast included, through a path that can be impaired.
//!
//! It stands outside the guests. Impairment in the sender's own kernel would come
//! after the stamps that a kernel takes of what it sends, and would be believed to
//! be the clock.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::guest::because;
use crate::bed::Trouble;
use crate::light::path::{Direction, Impaired};

/// The largest frame.
const MOST: usize = 65_536;
/// How long a guest that does not read keeps a frame waiting before it is lost.
const STUCK: Duration = Duration::from_millis(200);

/// One for each guest, in the order of their names.
pub(super) struct Hub {
    folder: PathBuf,
    over: Arc<AtomicBool>,
}

impl Hub {
    /// Listens to all of `names`; ends when it is dropped.
    pub(super) fn new(folder: &Path, names: &[String], path: Impaired) -> Result<Self, Trouble> {
        let hub = Self { folder: folder.to_owned(), over: Arc::default() };
        let mut ways = Vec::new();
        for (seed, name) in (1..).zip(names) {
            let socket = UnixDatagram::unbound().map_err(because("hub"))?;
            socket.set_write_timeout(Some(STUCK)).map_err(because("hub"))?;
            let own = hub.own(name);
            ways.push(Mutex::new(Direction::new(path, seed, move |frame| {
                // A machine that is off, or does not read, gets nothing.
                _ = socket.send_to(frame, &own);
            })));
        }
        let ways = Arc::new(ways);
        for (number, name) in names.iter().enumerate() {
            let socket = UnixDatagram::bind(hub.hub(name)).map_err(because("hub"))?;
            socket.set_read_timeout(Some(STUCK)).map_err(because("hub"))?;
            let (ways, over) = (ways.clone(), hub.over.clone());
            std::thread::spawn(move || {
                let mut frame = vec![0; MOST];
                while !over.load(Ordering::Relaxed) {
                    let Ok(length) = socket.recv(&mut frame) else { continue };
                    let others = ways.iter().enumerate().filter(|(other, _)| *other != number);
                    for (_, way) in others {
                        let mut way = way.lock().unwrap_or_else(PoisonError::into_inner);
                        way.take(frame.get(..length).unwrap_or_default());
                    }
                }
            });
        }
        Ok(hub)
    }

    /// Where this guest's emulator listens.
    pub(super) fn own(&self, name: &str) -> PathBuf {
        self.folder.join(format!("wire-{name}"))
    }

    /// Where the hub listens to it.
    pub(super) fn hub(&self, name: &str) -> PathBuf {
        self.folder.join(format!("hub-{name}"))
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}
