//! The methods by name.

use crate::method::{Method, Probing};
use crate::ours::{Offline, Online};
use crate::peers;

/// A method that can be asked for by name.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// As on the command line.
    pub(crate) name: &'static str,
    /// Starts one.
    pub(crate) start: fn() -> Box<dyn Method>,
}

/// All of them: live ones first, then those that are asked afterwards.
pub(crate) const METHODS: &[Entry] = &[
    Entry { name: "ours-online", start: || Box::new(Online::default()) },
    Entry { name: "libsoftwaresync", start: probing::<peers::softwaresync::SoftwareSync> },
    Entry { name: "lsl", start: probing::<peers::lsl::Lsl> },
    Entry { name: "gstreamer", start: probing::<peers::gstreamer::GStreamer> },
    Entry { name: "snapcast", start: probing::<peers::snapcast::Snapcast> },
    Entry { name: "sendspin", start: probing::<peers::sendspin::Sendspin> },
    Entry { name: "rusty_time", start: probing::<peers::rusty::RustyTime> },
    #[cfg(feature = "clock-bound")]
    Entry { name: "clock-bound", start: probing::<peers::clockbound::ClockBound> },
    Entry { name: "statime", start: probing::<peers::statime::Statime> },
    #[cfg(feature = "ntp-proto")]
    Entry { name: "ntp-proto", start: probing::<peers::ntp::NtpProto> },
    Entry { name: "ours-offline", start: || Box::new(Offline::default()) },
    Entry { name: "lsl-pyxdf", start: probing::<peers::lsl::Pyxdf> },
];

fn probing<P: crate::method::Prober + Default + 'static>() -> Box<dyn Method> {
    Box::new(Probing::new(P::default()))
}
