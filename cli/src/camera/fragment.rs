//! The bytes of a fragmented MP4: one start, then fragments that stand alone.
//!
//! A file is `ftyp moov uuid (moof mdat)*`. The boxes come from `shiguredo_mp4`;
//! its segment muxer makes the start, and the fragments are put together from its
//! boxes, because that muxer counts time by durations and could not show a gap.
//! The `uuid` box holds what MP4 has no place for: the reading of the device's
//! clock that presentation time 0 stands for.

use std::num::NonZeroU32;

use shiguredo_mp4::boxes::{
    Avc1Box, AvccBox, MdatBox, MfhdBox, MoofBox, SampleEntry, TfdtBox, TfhdBox, TrafBox, TrunBox,
    TrunSample, VisualSampleEntryFields,
};
use shiguredo_mp4::mux::{Fmp4SegmentMuxer, MuxError, Sample};
use shiguredo_mp4::{Encode, SampleFlags, TrackKind, Uint};

use super::encoder::ParameterSets;
use crate::picture::Size;

/// Ticks of presentation time per second.
const TIMESCALE: NonZeroU32 = NonZeroU32::new(1_000_000).unwrap();
/// The only track.
const TRACK: u32 = 1;

/// The kind of the box that holds the origin.
pub(crate) const ORIGIN_BOX: [u8; 16] = *b"diptych/origin/1";

/// A fragment or a start that MP4 cannot describe.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// A box could not be written.
    #[error("the MP4 library refused a box")]
    Boxes(#[from] shiguredo_mp4::Error),
    /// The start of the file could not be written.
    #[error("the MP4 library refused the track")]
    Track(#[from] MuxError),
    /// A length does not fit its field.
    #[error("a fragment has {bytes} bytes, expected less than 2 GiB")]
    Oversized {
        /// The length.
        bytes: usize,
    },
}

/// One coded picture, waiting for its fragment to end.
pub(super) struct CodedFrame {
    /// Presentation time in microseconds since the origin.
    pub(super) at_us: u64,
    /// The units, each after its length.
    pub(super) data: Vec<u8>,
}

/// What precedes the first fragment. `origin_ns` is the device's clock at
/// presentation time 0.
pub(super) fn start(
    size: Size,
    parameters: &ParameterSets,
    origin_ns: i64,
) -> Result<Vec<u8>, ContainerError> {
    let mut muxer = Fmp4SegmentMuxer::new()?;
    // The muxer learns its track from a first segment; that segment is not used.
    muxer.create_media_segment_metadata(&[Sample {
        track_kind: TrackKind::Video,
        sample_entry: Some(sample_entry(size, parameters)),
        keyframe: true,
        timescale: TIMESCALE,
        duration: 1,
        composition_time_offset: None,
        data_offset: 0,
        data_size: 1,
    }])?;
    let mut bytes = muxer.init_segment_bytes()?;
    bytes.extend_from_slice(&32_u32.to_be_bytes());
    bytes.extend_from_slice(b"uuid");
    bytes.extend_from_slice(&ORIGIN_BOX);
    bytes.extend_from_slice(&origin_ns.to_be_bytes());
    Ok(bytes)
}

/// A whole fragment. `end_us` is where its last picture ends.
pub(super) fn fragment(
    sequence: u32,
    frames: &[CodedFrame],
    end_us: u64,
) -> Result<Vec<u8>, ContainerError> {
    let payload: usize = frames.iter().map(|frame| frame.data.len()).sum();
    // The offset of the data is counted from the start of `moof`, whose length
    // does not depend on it.
    let length = moof(sequence, frames, end_us, 0)?.encode_to_vec()?.len();
    let header = 8;
    let mut bytes = moof(sequence, frames, end_us, length + header)?.encode_to_vec()?;
    let size = payload + header;
    let size = u32::try_from(size).map_err(|_| ContainerError::Oversized { bytes: size })?;
    bytes.extend_from_slice(&size.to_be_bytes());
    bytes.extend_from_slice(MdatBox::TYPE.as_bytes());
    for frame in frames {
        bytes.extend_from_slice(&frame.data);
    }
    Ok(bytes)
}

fn moof(
    sequence: u32,
    frames: &[CodedFrame],
    end_us: u64,
    data_offset: usize,
) -> Result<MoofBox, ContainerError> {
    let ends = frames.iter().skip(1).map(|frame| frame.at_us).chain([end_us]);
    let mut samples = Vec::with_capacity(frames.len());
    for (index, (frame, next_us)) in frames.iter().zip(ends).enumerate() {
        let duration = next_us.saturating_sub(frame.at_us);
        let bytes = frame.data.len();
        let size = u32::try_from(bytes).map_err(|_| ContainerError::Oversized { bytes })?;
        samples.push(TrunSample {
            duration: Some(u32::try_from(duration).unwrap_or(u32::MAX)),
            size: Some(size),
            // depends-on 2: on nothing; 1: on others, and not a place to start.
            flags: Some(match index {
                0 => SampleFlags::from_fields(0, 2, 0, 0, 0, false, 0),
                _ => SampleFlags::from_fields(0, 1, 0, 0, 0, true, 0),
            }),
            composition_time_offset: None,
        });
    }
    let data_offset =
        i32::try_from(data_offset).map_err(|_| ContainerError::Oversized { bytes: data_offset })?;
    let run = TrunBox { data_offset: Some(data_offset), first_sample_flags: None, samples };
    let track = TrafBox {
        tfhd_box: TfhdBox {
            track_id: TRACK,
            base_data_offset: None,
            sample_description_index: None,
            default_sample_duration: None,
            default_sample_size: None,
            default_sample_flags: None,
            duration_is_empty: false,
            default_base_is_moof: true,
        },
        tfdt_box: Some(TfdtBox {
            version: 1,
            base_media_decode_time: frames.first().map_or(0, |frame| frame.at_us),
        }),
        trun_boxes: vec![run],
        unknown_boxes: Vec::new(),
    };
    Ok(MoofBox {
        mfhd_box: MfhdBox { sequence_number: sequence },
        traf_boxes: vec![track],
        unknown_boxes: Vec::new(),
    })
}

fn sample_entry(size: Size, parameters: &ParameterSets) -> SampleEntry {
    let byte = |index: usize| parameters.sequence.get(index).copied().unwrap_or(0);
    SampleEntry::Avc1(Avc1Box {
        visual: VisualSampleEntryFields {
            data_reference_index: VisualSampleEntryFields::DEFAULT_DATA_REFERENCE_INDEX,
            // A Size is at most 3840×2160.
            width: u16::try_from(size.width()).unwrap_or(u16::MAX),
            height: u16::try_from(size.height()).unwrap_or(u16::MAX),
            horizresolution: VisualSampleEntryFields::DEFAULT_HORIZRESOLUTION,
            vertresolution: VisualSampleEntryFields::DEFAULT_VERTRESOLUTION,
            frame_count: VisualSampleEntryFields::DEFAULT_FRAME_COUNT,
            compressorname: VisualSampleEntryFields::NULL_COMPRESSORNAME,
            depth: VisualSampleEntryFields::DEFAULT_DEPTH,
        },
        avcc_box: AvccBox {
            // The three bytes after the unit's head: profile, constraints, level.
            avc_profile_indication: byte(1),
            profile_compatibility: byte(2),
            avc_level_indication: byte(3),
            length_size_minus_one: Uint::new(3),
            sps_list: vec![parameters.sequence.clone()],
            pps_list: vec![parameters.picture.clone()],
            chroma_format: None,
            bit_depth_luma_minus8: None,
            bit_depth_chroma_minus8: None,
            sps_ext_list: Vec::new(),
        },
        unknown_boxes: Vec::new(),
    })
}
