//! What several tests need: a folder that goes away, and a recording in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::camera::timebase::Simulated;
use crate::camera::{Camera, Committed, Recording, Scene, Synthetic};
use crate::picture::{Colour, Picture, Size};

/// A folder of its own for one test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("diptych-test-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A device half a minute ahead and 80 ppm fast, 1000 s after its boot.
pub(crate) fn wrong_clock() -> Arc<Simulated> {
    Arc::new(Simulated::new(1_000_000_000_000, 30_000_000_000, 80_000))
}

/// Takes `pictures` pictures of the front and records them; closes the camera for
/// 3 s before each index in `pauses`. Returns the commitments and the stamps that
/// the camera gave.
pub(crate) fn record(
    path: &Path,
    clock: &Arc<Simulated>,
    size: Size,
    pictures: usize,
    pauses: &[usize],
) -> (Vec<Committed>, Vec<i64>) {
    let camera = Synthetic::new(clock.clone(), Scene::Front, "P", size, 30, 7);
    record_with(camera, path, clock, pictures, pauses)
}

/// As [`record`], with a camera of the test's choice.
pub(crate) fn record_with(
    mut camera: impl Camera,
    path: &Path,
    clock: &Arc<Simulated>,
    pictures: usize,
    pauses: &[usize],
) -> (Vec<Committed>, Vec<i64>) {
    let mut recording = Recording::create(path, camera.interval_ns()).unwrap();
    let mut picture = Picture::new(camera.size(), Colour::BLACK);
    let (mut committed, mut stamps) = (Vec::new(), Vec::new());
    camera.open().unwrap();
    for index in 0..pictures {
        if pauses.contains(&index) {
            committed.extend(recording.pause().unwrap());
            camera.close();
            clock.advance(3_000_000_000);
            camera.open().unwrap();
        }
        let own_ns = camera.capture(&mut picture).unwrap();
        stamps.push(own_ns);
        committed.extend(recording.push(&picture, own_ns).unwrap());
    }
    committed.extend(recording.pause().unwrap());
    (committed, stamps)
}
