//! Recordings played along the session's clock.

use std::collections::BTreeMap;

use diptych_protocol::identity::Role;

use super::{AlignError, NEIGHBOURS_NS, Placed, Track};
use crate::picture::Picture;
use crate::video::Frames;

/// A picture and when it was taken.
pub(super) struct Shown {
    pub(super) at: Placed,
    pub(super) picture: Picture,
}

/// Gives the picture nearest to an instant, for instants that only rise.
struct Player<'a> {
    track: &'a Track<'a>,
    frames: Frames,
    /// The nearest so far, and the one after it.
    current: Option<Shown>,
    next: Option<Shown>,
}

impl<'a> Player<'a> {
    fn open(track: &'a Track<'a>) -> Result<Self, AlignError> {
        let frames = Frames::open(&track.path)?;
        let mut player = Self { track, frames, current: None, next: None };
        player.next = player.read()?;
        Ok(player)
    }

    /// The picture nearest to `at_ns`, if one is near.
    fn seek(&mut self, at_ns: i64) -> Result<Option<&Shown>, AlignError> {
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

/// The players of each role: one for each file that it recorded.
pub(super) struct Stage<'a>(BTreeMap<Role, Vec<Player<'a>>>);

impl<'a> Stage<'a> {
    pub(super) fn open(tracks: &'a [Track<'a>]) -> Result<Self, AlignError> {
        let mut roles = BTreeMap::<_, Vec<_>>::new();
        for track in tracks {
            roles.entry(track.role).or_default().push(Player::open(track)?);
        }
        if roles.is_empty() { Err(AlignError::Nothing) } else { Ok(Self(roles)) }
    }

    /// How many roles there are.
    pub(super) fn roles(&self) -> usize {
        self.0.len()
    }

    /// The picture of every role that is nearest to `at_ns`, if one is near; for
    /// instants that only rise.
    pub(super) fn show(
        &mut self,
        at_ns: i64,
        mut each: impl FnMut(usize, Role, Option<&Shown>),
    ) -> Result<(), AlignError> {
        for (slot, (role, players)) in self.0.iter_mut().enumerate() {
            let mut nearest: Option<&Shown> = None;
            for player in players {
                let distance =
                    |shown: &Shown| shown.at.at_ns.saturating_sub(at_ns).saturating_abs();
                if let Some(shown) = player.seek(at_ns)?
                    && nearest.is_none_or(|nearest| distance(shown) < distance(nearest))
                {
                    nearest = Some(shown);
                }
            }
            each(slot, *role, nearest);
        }
        Ok(())
    }
}
