//! Pictures to H.264, one key frame per fragment.
//!
//! OpenH264 is built from its source with the program, so that a recording needs
//! nothing installed. Only this file and the reader in `video` name it: a phone
//! uses its hardware encoder here.

use openh264::OpenH264API;
use openh264::Timestamp;
use openh264::encoder::{
    Encoder, EncoderConfig, FrameRate, FrameType, RateControlMode, UsageType, VuiConfig,
};

use crate::picture::Picture;

/// The encoder refused to start or to encode.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    /// OpenH264 itself failed.
    #[error("OpenH264 failed")]
    Library(#[from] openh264::Error),
    /// A picture came back as nothing, which its settings forbid.
    #[error("OpenH264 gave {got:?}, expected a coded picture")]
    Skipped {
        /// What kind of frame it claims to be.
        got: FrameType,
    },
    /// A coded picture is too long for its length field.
    #[error("a coded picture has {bytes} bytes, expected less than 4 GiB")]
    Oversized {
        /// Its length.
        bytes: usize,
    },
}

/// The parameter sets that a decoder needs before the first picture.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct ParameterSets {
    /// The sequence parameter set, without start code.
    pub(super) sequence: Vec<u8>,
    /// The picture parameter set, without start code.
    pub(super) picture: Vec<u8>,
}

/// Which pictures a coded picture may be predicted from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refers {
    /// None: decoding can start here.
    ToNothing,
    /// To the one before it.
    ToPrevious,
}

/// One encoder, for one recording.
pub(super) struct H264 {
    encoder: Encoder,
    parameters: ParameterSets,
}

impl H264 {
    /// An encoder for pictures about `interval_ns` apart.
    pub(super) fn new(interval_ns: i64) -> Result<Self, EncoderError> {
        let rate = 1_000_000_000_f32 / interval_ns.max(1) as f32;
        let config = EncoderConfig::new()
            .max_frame_rate(FrameRate::from_hz(rate))
            // Constant quality: holding a bitrate means skipping pictures, and a
            // skipped picture would be a hole in the evidence.
            .rate_control_mode(RateControlMode::Off)
            .usage_type(UsageType::CameraVideoRealTime)
            .vui(VuiConfig::bt601())
            .skip_frames(false)
            // Key frames come where fragments begin and nowhere else.
            .scene_change_detect(false)
            .num_threads(1);
        let encoder = Encoder::with_api_config(OpenH264API::from_source(), config)?;
        Ok(Self { encoder, parameters: ParameterSets::default() })
    }

    /// Encodes one picture into MP4's form: each unit after its length.
    pub(super) fn encode(
        &mut self,
        picture: &Picture,
        at_ms: u64,
        refers: Refers,
    ) -> Result<Vec<u8>, EncoderError> {
        if refers == Refers::ToNothing {
            self.encoder.force_intra_frame();
        }
        let stream = self.encoder.encode_at(picture, Timestamp::from_millis(at_ms))?;
        match (refers, stream.frame_type()) {
            (_, FrameType::IDR) | (Refers::ToPrevious, FrameType::I | FrameType::P) => {}
            (_, got) => return Err(EncoderError::Skipped { got }),
        }
        let mut sample = Vec::new();
        for layer in (0..stream.num_layers()).filter_map(|index| stream.layer(index)) {
            for unit in (0..layer.nal_count()).filter_map(|index| layer.nal_unit(index)) {
                let unit = without_start_code(unit);
                // [H.264 7.4.1] The low five bits say what a unit is.
                match unit.first().map(|head| head & 0x1F) {
                    Some(7) => self.parameters.sequence = unit.to_vec(),
                    Some(8) => self.parameters.picture = unit.to_vec(),
                    _ => append(&mut sample, unit)?,
                }
            }
        }
        Ok(sample)
    }

    /// The parameter sets of the pictures encoded so far.
    pub(super) const fn parameters(&self) -> &ParameterSets {
        &self.parameters
    }
}

/// Adds a unit after its length.
fn append(sample: &mut Vec<u8>, unit: &[u8]) -> Result<(), EncoderError> {
    let length =
        u32::try_from(unit.len()).map_err(|_| EncoderError::Oversized { bytes: unit.len() })?;
    sample.extend_from_slice(&length.to_be_bytes());
    sample.extend_from_slice(unit);
    Ok(())
}

/// A unit without the `00 00 01` or `00 00 00 01` before it.
fn without_start_code(unit: &[u8]) -> &[u8] {
    unit.strip_prefix(&[0, 0, 0, 1]).or_else(|| unit.strip_prefix(&[0, 0, 1])).unwrap_or(unit)
}
