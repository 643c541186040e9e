//! A storage that is full: waited for, never given up.
//!
//! A device that could not write its journal claims nothing durable until it is
//! started again `[SESSION-2]`. The program stays with its session meanwhile, so
//! that the other screens tell why the camera is away, and starts the device again
//! as soon as there is room, without a code. Rejected: ending with an error, which
//! costs the camera for as long as it takes somebody to read it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::since::Since;

/// From one look to the next.
pub(super) const EVERY: Duration = Duration::from_secs(1);
/// Bytes that let a device film and write for a while: less would fail at once.
const ENOUGH: u64 = 16 << 20;

/// Whether there is room for what a device writes.
#[derive(Debug)]
pub(super) struct Room {
    folder: PathBuf,
    /// Whether writing has failed for want of it, or otherwise.
    failed: bool,
    looked: Since,
}

impl Room {
    pub(super) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), failed: false, looked: Since::now() }
    }

    /// Writing failed.
    pub(super) fn ran_out(&mut self) {
        self.failed = true;
        self.looked = Since::now();
    }

    /// Whether writing failed and may be tried again. Looks at most once a second.
    pub(super) fn is_back(&mut self) -> bool {
        if !self.failed || self.looked.passed() < EVERY {
            return false;
        }
        self.looked = Since::now();
        has_room(&self.folder)
    }
}

/// Whether a device can write into a folder for a while, as far as the system tells.
pub(super) fn has_room(folder: &Path) -> bool {
    free_bytes(folder).is_none_or(|free| free >= ENOUGH)
}

/// Bytes that may still be used in a folder, if the system tells.
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    let there = rustix::fs::statvfs(folder).ok()?;
    Some(there.f_bavail.saturating_mul(there.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_back_only_after_it_ran_out_and_not_at_once() {
        let mut room = Room::of(Path::new("."));
        assert!(!room.is_back(), "nothing has failed");
        room.ran_out();
        assert!(!room.is_back(), "a failure is not followed by an attempt at once");
    }
}
