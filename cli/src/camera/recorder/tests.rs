//! A recorder that is killed, starved or stopped leaves what it promised.

use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::camera::{Scene, Synthetic};
use crate::picture::Size;
use crate::testing::{Folder, wrong_clock};
use crate::video::{fragments, read_timecodes};

/// A camera that breaks after so many pictures.
struct Breaking<C> {
    camera: C,
    left: u32,
}

impl<C: Camera> Camera for Breaking<C> {
    fn size(&self) -> Size {
        self.camera.size()
    }

    fn interval_ns(&self) -> i64 {
        self.camera.interval_ns()
    }

    fn open(&mut self) -> Result<(), CameraError> {
        self.camera.open()
    }

    fn close(&mut self) {
        self.camera.close();
    }

    fn capture(&mut self, into: &mut Picture) -> Result<i64, CameraError> {
        let Some(left) = self.left.checked_sub(1) else {
            let source = io::ErrorKind::NotFound.into();
            return Err(CameraError::Gone { name: "front".into(), source });
        };
        self.left = left;
        self.camera.capture(into)
    }
}

fn camera() -> impl Camera {
    Synthetic::new(wrong_clock(), Scene::Behind, "A1", Size::SMALL, 30, 3)
}

fn start(camera: impl Camera + 'static, folder: &Folder) -> (Recorder, Receiver<Event>) {
    let recording = Recording::create(&folder.path("a.mp4"), camera.interval_ns()).unwrap();
    let (tell, told) = channel();
    let recorder = Recorder::start(camera, recording, move |event| tell.send(event).unwrap());
    (recorder.unwrap(), told)
}

/// Takes events until one is wanted, and returns the commitments among them.
fn until(told: &Receiver<Event>, wanted: impl Fn(&Event) -> bool) -> (Event, Vec<Committed>) {
    let mut committed = Vec::new();
    loop {
        let event = told.recv().unwrap();
        if let Event::Committed(piece) = event {
            committed.push(piece);
        }
        if wanted(&event) {
            return (event, committed);
        }
    }
}

#[test]
fn an_interruption_commits_everything_first_and_a_resume_goes_on_in_the_file() {
    let folder = Folder::new();
    let (recorder, told) = start(camera(), &folder);
    assert!(matches!(told.recv().unwrap(), Event::Started { .. }));
    until(&told, |event| matches!(event, Event::Committed(_)));
    recorder.controls().interrupt();
    let (event, before) = until(&told, |event| matches!(event, Event::Interrupted { .. }));
    let Event::Interrupted { last_ns: Some(last_ns) } = event else { panic!("{event:?}") };
    assert!((0..1_000).contains(&(last_ns - before.last().unwrap().last_ns)));
    assert!(told.try_recv().is_err(), "silent while closed");

    recorder.controls().resume();
    let (event, between) = until(&told, |event| matches!(event, Event::Started { .. }));
    let Event::Started { at_ns } = event else { panic!("{event:?}") };
    assert!(at_ns > last_ns && between.is_empty());
    recorder.stop();
    let (event, _) = until(&told, |event| matches!(event, Event::Ended { .. }));
    let Event::Ended { why: Ended::Stopped, summary } = event else { panic!("{event:?}") };
    let truths = read_timecodes(&summary.path).unwrap();
    assert_eq!(truths.len() as u64, summary.frames);
    assert!(truths.windows(2).all(|pair| pair[0].number + 1 == pair[1].number));
    assert_eq!(std::fs::metadata(&summary.path).unwrap().len(), summary.bytes);
}

#[test]
fn a_camera_that_breaks_ends_the_recording_with_all_its_pictures() {
    let folder = Folder::new();
    let (recorder, told) = start(Breaking { camera: camera(), left: 23 }, &folder);
    let (event, committed) = until(&told, |event| matches!(event, Event::Ended { .. }));
    let Event::Ended { why, summary } = event else { panic!("{event:?}") };
    assert!(matches!(&why, Ended::Camera(CameraError::Gone { .. })), "{why}");
    assert_eq!(summary.frames, 23);
    assert_eq!(committed.iter().map(|piece| piece.frames).sum::<u32>(), 23);
    assert_eq!(fragments(&summary.path).unwrap().len(), committed.len());
    // Commands to the dead do nothing.
    recorder.controls().interrupt();
    recorder.controls().resume();
    recorder.stop();
}

#[test]
fn a_recorder_that_is_dropped_while_interrupted_still_ends() {
    let folder = Folder::new();
    let (recorder, told) = start(camera(), &folder);
    recorder.controls().interrupt();
    until(&told, |event| matches!(event, Event::Interrupted { .. }));
    drop(recorder);
    let (event, _) = until(&told, |event| matches!(event, Event::Ended { .. }));
    assert!(matches!(event, Event::Ended { why: Ended::Stopped, .. }));
}

#[test]
fn a_camera_that_does_not_open_is_told() {
    struct Missing;
    impl Camera for Missing {
        fn size(&self) -> Size {
            Size::SMALL
        }
        fn interval_ns(&self) -> i64 {
            33_333_333
        }
        fn open(&mut self) -> Result<(), CameraError> {
            Err(CameraError::Busy { name: "0".into() })
        }
        fn close(&mut self) {}
        fn capture(&mut self, _: &mut Picture) -> Result<i64, CameraError> {
            Err(CameraError::Closed { name: "0".into() })
        }
    }
    let folder = Folder::new();
    let (_recorder, told) = start(Missing, &folder);
    let event = told.recv().unwrap();
    let Event::Ended { why: Ended::Camera(CameraError::Busy { .. }), summary } = event else {
        panic!("{event:?}")
    };
    assert_eq!((summary.frames, summary.bytes), (0, 0));
}
