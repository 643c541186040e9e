//! The pictures of a recording, decoded one after the other.

use std::collections::VecDeque;
use std::path::Path;

use openh264::OpenH264API;
use openh264::decoder::{Decoder, DecoderConfig};

use super::VideoError;
use super::file::{Fragment, Fragments, Sample};
use crate::picture::Picture;

/// What precedes a unit in the form that the decoder takes.
const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// One picture of a recording.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Which picture of the file, from 0.
    pub index: u32,
    /// Capture, in nanoseconds of the device's clock.
    pub own_ns: i64,
    /// The picture.
    pub picture: Picture,
}

/// Decodes a recording, holding one fragment at a time.
pub struct Frames {
    fragments: Fragments,
    decoder: Option<Decoder>,
    data: Vec<u8>,
    waiting: VecDeque<Sample>,
    index: u32,
}

impl Frames {
    /// Opens a recording for decoding.
    ///
    /// # Errors
    ///
    /// As [`Fragments::open`].
    pub fn open(path: &Path) -> Result<Self, VideoError> {
        Ok(Self {
            fragments: Fragments::open(path)?,
            decoder: None,
            data: Vec::new(),
            waiting: VecDeque::new(),
            index: 0,
        })
    }

    /// The next picture, or `None` at the end of the file or of what is whole.
    ///
    /// # Errors
    ///
    /// [`VideoError`] if the file is damaged or the picture cannot be decoded.
    #[expect(clippy::should_implement_trait, reason = "an iterator of results invites `flatten`")]
    pub fn next(&mut self) -> Result<Option<Frame>, VideoError> {
        if self.waiting.is_empty() {
            let Some(fragment) = self.fragments.next()? else { return Ok(None) };
            self.begin(fragment);
        }
        let Some(sample) = self.waiting.pop_front() else { return Ok(None) };
        let picture = self.decode(sample)?;
        let index = self.index;
        self.index = index.saturating_add(1);
        Ok(Some(Frame { index, own_ns: sample.own_ns, picture }))
    }

    fn begin(&mut self, fragment: Fragment) {
        self.data = fragment.data;
        self.waiting = fragment.samples.into();
    }

    fn decode(&mut self, sample: Sample) -> Result<Picture, VideoError> {
        let stream = self.stream(sample).ok_or_else(|| self.undecodable(None))?;
        if self.decoder.is_none() {
            let made = Decoder::with_api_config(OpenH264API::from_source(), DecoderConfig::new());
            self.decoder = Some(made.map_err(|error| self.undecodable(Some(error)))?);
        }
        let Some(decoder) = &mut self.decoder else { return Err(self.undecodable(None)) };
        let decoded = decoder.decode(&stream);
        let picture = decoded.map(|image| image.and_then(|image| Picture::from_planes(&image)));
        match picture {
            Ok(Some(picture)) => Ok(picture),
            Ok(None) => Err(self.undecodable(None)),
            Err(error) => Err(self.undecodable(Some(error))),
        }
    }

    /// One coded picture with start codes, after the parameter sets if it is the
    /// first. `None` if its lengths do not add up.
    fn stream(&self, sample: Sample) -> Option<Vec<u8>> {
        let mut stream = Vec::new();
        if self.decoder.is_none() {
            for set in self.fragments.parameters() {
                stream.extend_from_slice(&START_CODE);
                stream.extend_from_slice(set);
            }
        }
        let (start, length) = sample.place;
        let mut units = self.data.get(start..start.checked_add(length)?)?;
        while let Some((size, rest)) = units.split_first_chunk::<4>() {
            let size = usize::try_from(u32::from_be_bytes(*size)).ok()?;
            let (unit, after) = rest.split_at_checked(size)?;
            stream.extend_from_slice(&START_CODE);
            stream.extend_from_slice(unit);
            units = after;
        }
        units.is_empty().then_some(stream)
    }

    fn undecodable(&self, source: Option<openh264::Error>) -> VideoError {
        VideoError::Undecodable {
            path: self.fragments.path().to_owned(),
            index: self.index,
            source,
        }
    }
}
