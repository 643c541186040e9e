//! The per-frame map, as data for other programs.

use serde::{Deserialize, Serialize};

use super::{AlignError, NEIGHBOURS_NS, Track};
use crate::video::{FrameTruth, read_stamps};

/// Which pictures of several recordings were taken together.
///
/// Instants are nanoseconds of session time: of the primary's clock, counted from
/// the origin that the map was made with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FrameMap {
    /// Of this layout; 1.
    pub version: u32,
    /// The primary's clock at session time 0.
    pub origin_ns: i64,
    /// The roles, in the order that neighbours refer to; the first has none.
    pub roles: Vec<String>,
    /// The recordings, in the order that pairs refer to.
    pub recordings: Vec<RecordingEntry>,
    /// For every placed picture of the first role, its neighbours.
    pub pairs: Vec<Pair>,
}

/// One recording of a [`FrameMap`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecordingEntry {
    /// `P`, or `A1` to `A8`.
    pub role: String,
    /// The file.
    pub path: String,
    /// Every picture, by its index; `null` where nothing is known.
    pub frames: Vec<Option<Placement>>,
}

/// When a picture was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Placement {
    /// The best estimate.
    pub at_ns: i64,
    /// The earliest that it can have been.
    pub low_ns: i64,
    /// The latest that it can have been.
    pub high_ns: i64,
}

/// A picture of the first role and its neighbours in the others.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pair {
    /// Which recording it is in.
    pub recording: usize,
    /// Its index in that recording.
    pub index: usize,
    /// One for each other role; `null` where none is within 100 ms.
    pub neighbours: Vec<Option<Neighbour>>,
}

/// The nearest picture of another role.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Neighbour {
    /// Which recording it is in.
    pub recording: usize,
    /// Its index in that recording.
    pub index: usize,
    /// How much later it was taken; negative if earlier.
    pub apart_ns: i64,
    /// The least that this can truly be.
    pub apart_min_ns: i64,
    /// The most that this can truly be.
    pub apart_max_ns: i64,
}

/// How a [`FrameMap`] compares with the time in the pixels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Comparison {
    /// Pairs of pictures that were compared.
    pub frames_checked: u64,
    /// The widest stated bound, as the larger distance from the estimate.
    pub bound_ns_max: i64,
    /// The largest distance of an estimate from the truth.
    pub true_error_ns_max: i64,
    /// The median distance of an estimate from the truth.
    pub true_error_ns_median: i64,
    /// Pairs whose truth lies outside the stated bound; always 0 in a sound map.
    pub outside: u64,
}

impl FrameMap {
    /// Reads the stamps of every track and pairs the pictures. `origin_ns` is the
    /// primary's clock at session time 0.
    ///
    /// # Errors
    ///
    /// [`AlignError`] if a recording cannot be read, or none was given.
    pub fn new(tracks: &[Track<'_>], origin_ns: i64) -> Result<Self, AlignError> {
        let mut recordings = Vec::with_capacity(tracks.len());
        for track in tracks {
            let stamps = read_stamps(&track.path)?;
            let frames = stamps.into_iter().map(|own_ns| {
                let placed = track.placed(own_ns)?;
                Some(Placement {
                    at_ns: placed.at_ns.saturating_sub(origin_ns),
                    low_ns: placed.low_ns.saturating_sub(origin_ns),
                    high_ns: placed.high_ns.saturating_sub(origin_ns),
                })
            });
            recordings.push(RecordingEntry {
                role: track.role.to_string(),
                path: track.path.display().to_string(),
                frames: frames.collect(),
            });
        }
        let mut roles: Vec<String> = Vec::new();
        for entry in &recordings {
            if !roles.contains(&entry.role) {
                roles.push(entry.role.clone());
            }
        }
        let (first, others) = roles.split_first().ok_or(AlignError::Nothing)?;
        let others: Vec<_> = others.iter().map(|role| pictures(&recordings, role)).collect();
        let pairs = pictures(&recordings, first)
            .into_iter()
            .map(|picture| Pair {
                recording: picture.recording,
                index: picture.index,
                neighbours: others.iter().map(|others| nearest(others, picture.at)).collect(),
            })
            .collect();
        Ok(Self { version: 1, origin_ns, roles, recordings, pairs })
    }

    /// Holds the map against the time codes of the same recordings, in the same
    /// order; see [`read_timecodes`](crate::video::read_timecodes).
    #[must_use]
    pub fn compare(&self, truths: &[Vec<FrameTruth>]) -> Comparison {
        let truth = |recording: usize, index: usize| {
            truths.get(recording).and_then(|frames| frames.get(index)).map(|frame| frame.true_ns)
        };
        let (mut result, mut errors) = (Comparison::default(), Vec::new());
        for pair in &self.pairs {
            let Some(first_ns) = truth(pair.recording, pair.index) else { continue };
            for neighbour in pair.neighbours.iter().flatten() {
                let true_ns = truth(neighbour.recording, neighbour.index);
                let Some(true_ns) = true_ns else { continue };
                let apart_ns = true_ns.saturating_sub(first_ns);
                let stated = neighbour.apart_min_ns..=neighbour.apart_max_ns;
                let widest = neighbour.widest_ns();
                result.bound_ns_max = result.bound_ns_max.max(widest);
                result.outside += u64::from(!stated.contains(&apart_ns));
                errors.push(neighbour.apart_ns.saturating_sub(apart_ns).saturating_abs());
            }
        }
        errors.sort_unstable();
        result.frames_checked = errors.len() as u64;
        result.true_error_ns_max = errors.last().copied().unwrap_or(0);
        result.true_error_ns_median = errors.get(errors.len() / 2).copied().unwrap_or(0);
        result
    }
}

impl Neighbour {
    /// How far the truth can be from the estimate.
    #[must_use]
    pub fn widest_ns(&self) -> i64 {
        let above = self.apart_max_ns.saturating_sub(self.apart_ns);
        above.max(self.apart_ns.saturating_sub(self.apart_min_ns))
    }
}

/// A picture that has a place.
#[derive(Clone, Copy)]
struct Picture {
    recording: usize,
    index: usize,
    at: Placement,
}

/// The placed pictures of a role, in the order they were taken.
fn pictures(recordings: &[RecordingEntry], role: &str) -> Vec<Picture> {
    let mut pictures = Vec::new();
    for (recording, entry) in recordings.iter().enumerate() {
        if entry.role == role {
            let frames = entry.frames.iter().enumerate();
            pictures.extend(
                frames.filter_map(|(index, at)| at.map(|at| Picture { recording, index, at })),
            );
        }
    }
    pictures.sort_by_key(|picture| picture.at.at_ns);
    pictures
}

/// The picture nearest to `to`; of two equally near ones the earlier.
fn nearest(pictures: &[Picture], to: Placement) -> Option<Neighbour> {
    let after = pictures.partition_point(|picture| picture.at.at_ns < to.at_ns);
    let around = pictures.get(after.saturating_sub(1)..pictures.len().min(after + 1))?;
    let apart = |picture: &Picture| picture.at.at_ns.saturating_sub(to.at_ns);
    let picture = around.iter().min_by_key(|picture| apart(picture).saturating_abs())?;
    let apart_ns = apart(picture);
    (apart_ns.saturating_abs() <= NEIGHBOURS_NS).then(|| Neighbour {
        recording: picture.recording,
        index: picture.index,
        apart_ns,
        apart_min_ns: picture.at.low_ns.saturating_sub(to.high_ns),
        apart_max_ns: picture.at.high_ns.saturating_sub(to.low_ns),
    })
}
