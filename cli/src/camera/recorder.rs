//! A camera and a recording on a thread of their own.
//!
//! Encoding and syncing take milliseconds and must not hold up the session, so
//! the two run here and tell what happened through a callback. The thread waits
//! for the camera while it is open and for a command while it is closed; it never
//! polls.

use std::io;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};

use super::{Camera, CameraError, Committed, RecordError, Recording, Summary};
use crate::picture::{Colour, Picture};

/// What happens to a recording. Instants are the device's clock, in nanoseconds.
#[derive(Debug)]
pub enum Event {
    /// The camera is open and a first picture was taken.
    Started {
        /// Its capture.
        at_ns: i64,
    },
    /// Pictures reached the disk.
    Committed(Committed),
    /// The camera was closed by [`Controls::interrupt`]; all its pictures are
    /// committed.
    Interrupted {
        /// Capture of the last picture, if there was one.
        last_ns: Option<i64>,
    },
    /// Nothing more will come.
    Ended {
        /// Why.
        why: Ended,
        /// What the file holds.
        summary: Summary,
    },
}

/// Why a recording ended.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// It was asked to.
    #[error("the recording was stopped")]
    Stopped,
    /// The camera gives no more pictures.
    #[error("the camera failed")]
    Camera(#[from] CameraError),
    /// The file takes no more pictures.
    #[error("the recording failed")]
    Recording(#[from] RecordError),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Command {
    Interrupt,
    Resume,
    Stop,
}

/// What may be asked of a running recorder, from any thread.
///
/// Asking one that has ended does nothing: [`Event::Ended`] has said so.
#[derive(Clone, Debug)]
pub struct Controls {
    commands: Sender<Command>,
}

impl Controls {
    /// Closes the camera and commits what it gave. Done when
    /// [`Event::Interrupted`] comes.
    pub fn interrupt(&self) {
        let _ = self.commands.send(Command::Interrupt);
    }

    /// Opens the camera again and goes on in the same file; [`Event::Started`]
    /// comes again. The gap shows in the presentation times.
    pub fn resume(&self) {
        let _ = self.commands.send(Command::Resume);
    }
}

/// A running recorder. Dropping it stops the recording.
pub struct Recorder {
    controls: Controls,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Opens `camera` and records it into `recording`, telling `events` what
    /// happens, on the recorder's thread.
    ///
    /// # Errors
    ///
    /// The system's, if it has no thread to give. A camera that does not open is
    /// told through `events`.
    pub fn start(
        camera: impl Camera + 'static,
        recording: Recording,
        events: impl FnMut(Event) + Send + 'static,
    ) -> io::Result<Self> {
        let (commands, received) = channel();
        let work = Work {
            picture: Picture::new(camera.size(), Colour::BLACK),
            camera,
            recording,
            commands: received,
            events,
            last_ns: None,
        };
        let thread = thread::Builder::new().name("recorder".into()).spawn(move || work.run())?;
        Ok(Self { controls: Controls { commands }, thread: Some(thread) })
    }

    /// Handles for interrupting and resuming.
    #[must_use]
    pub const fn controls(&self) -> &Controls {
        &self.controls
    }

    /// Whether it has ended, by itself or otherwise; [`Event::Ended`] was told then.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Stops, commits what is open, and returns when [`Event::Ended`] was told.
    pub fn stop(mut self) {
        self.finish();
    }

    fn finish(&mut self) {
        let _ = self.controls.commands.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            // The thread only panics if the callback does; the file is safe.
            let _ = thread.join();
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.finish();
    }
}

struct Work<C, E> {
    camera: C,
    picture: Picture,
    recording: Recording,
    commands: Receiver<Command>,
    events: E,
    last_ns: Option<i64>,
}

impl<C: Camera, E: FnMut(Event)> Work<C, E> {
    fn run(mut self) {
        let mut why = self.record().err().unwrap_or(Ended::Stopped);
        self.camera.close();
        // What the camera gave before it failed is evidence too.
        if let Err(error) = self.commit()
            && !matches!(why, Ended::Recording(_))
        {
            why = error;
        }
        (self.events)(Event::Ended { why, summary: self.recording.summary() });
    }

    /// Takes pictures until told to stop.
    fn record(&mut self) -> Result<(), Ended> {
        self.camera.open()?;
        let mut announced = false;
        loop {
            match self.commands.try_recv() {
                Err(TryRecvError::Empty) | Ok(Command::Resume) => {}
                Err(TryRecvError::Disconnected) | Ok(Command::Stop) => return Ok(()),
                Ok(Command::Interrupt) => {
                    self.camera.close();
                    self.commit()?;
                    (self.events)(Event::Interrupted { last_ns: self.last_ns });
                    if self.wait_for_resume() == Command::Stop {
                        return Ok(());
                    }
                    self.camera.open()?;
                    announced = false;
                }
            }
            let at_ns = self.camera.capture(&mut self.picture)?;
            self.last_ns = Some(at_ns);
            let committed = self.recording.push(&self.picture, at_ns).map_err(Ended::from)?;
            if !announced {
                (self.events)(Event::Started { at_ns });
                announced = true;
            }
            if let Some(committed) = committed {
                (self.events)(Event::Committed(committed));
            }
        }
    }

    fn wait_for_resume(&self) -> Command {
        loop {
            match self.commands.recv() {
                Ok(Command::Interrupt) => {}
                Ok(Command::Resume) => return Command::Resume,
                Ok(Command::Stop) | Err(_) => return Command::Stop,
            }
        }
    }

    fn commit(&mut self) -> Result<(), Ended> {
        if let Some(committed) = self.recording.pause().map_err(Ended::from)? {
            (self.events)(Event::Committed(committed));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
