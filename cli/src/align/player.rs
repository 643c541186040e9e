//! One recording played along the session's clock.

use super::{AlignError, NEIGHBOURS_NS, Placed, Track};
use crate::picture::Picture;
use crate::video::Frames;

/// A picture and when it was taken.
pub(super) struct Shown {
    pub(super) at: Placed,
    pub(super) picture: Picture,
}

/// Gives the picture nearest to an instant, for instants that only rise.
pub(super) struct Player<'a> {
    track: &'a Track<'a>,
    frames: Frames,
    /// The nearest so far, and the one after it.
    current: Option<Shown>,
    next: Option<Shown>,
}

impl<'a> Player<'a> {
    pub(super) fn open(track: &'a Track<'a>) -> Result<Self, AlignError> {
        let frames = Frames::open(&track.path)?;
        let mut player = Self { track, frames, current: None, next: None };
        player.next = player.read()?;
        Ok(player)
    }

    /// The picture nearest to `at_ns`, if one is near.
    pub(super) fn seek(&mut self, at_ns: i64) -> Result<Option<&Shown>, AlignError> {
        let distance = |shown: &Option<Shown>| {
            shown
                .as_ref()
                .map_or(i64::MAX, |shown| shown.at.at_ns.saturating_sub(at_ns).saturating_abs())
        };
        while self.next.is_some() && distance(&self.next) <= distance(&self.current) {
            self.current = self.next.take();
            self.next = self.read()?;
        }
        Ok(self.current.as_ref().filter(|_| distance(&self.current) <= NEIGHBOURS_NS))
    }

    /// The next picture that has a place.
    fn read(&mut self) -> Result<Option<Shown>, AlignError> {
        while let Some(frame) = self.frames.next()? {
            if let Some(at) = self.track.placed(frame.own_ns) {
                return Ok(Some(Shown { at, picture: frame.picture }));
            }
        }
        Ok(None)
    }
}
