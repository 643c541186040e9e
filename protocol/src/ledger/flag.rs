//! Marks that a reviewer should see and that decide nothing.

use core::fmt;

macro_rules! flags {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $name:literal;)*) => {
        /// Something about a case that a person should look at. `[LEDGER-5]`
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum Flag { $($(#[$doc])* $variant = $code,)* }

        impl Flag {
            /// Every flag, by code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number in reports that are not text.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $(Self::$variant => $code,)* }
            }

            /// The stable name in reports and vectors.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The flag with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|flag| flag.name() == name)
            }
        }
    };
}

flags! {
    /// An interruption too short to count was dropped.
    Hiccup = 0, "HICCUP";
    /// A duration is within its uncertainty of the limit.
    Marginal = 1, "MARGINAL";
    /// The link was lost and both journals prove recording.
    LinkOnly = 2, "LINK_ONLY";
    /// The app was alive and committed no frames.
    SilentStop = 3, "SILENT_STOP";
    /// Sound was lost while the picture went on.
    AudioLoss = 4, "AUDIO_LOSS";
    /// The wall clock was changed.
    WallStep = 5, "WALL_STEP";
    /// Another device took over a role.
    DeviceReplaced = 6, "DEVICE_REPLACED";
    /// Some coverage can be neither proved nor excluded.
    EvidenceGap = 7, "EVIDENCE_GAP";
    /// A journal was changed, cut or forked.
    Tamper = 8, "TAMPER";
    /// A gap could be timed by wall clocks only.
    WallOnly = 9, "WALL_ONLY";
    /// A seat's number came twice: from a device, and from a copy of it.
    CloneSuspected = 10, "CLONE_SUSPECTED";
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_found_by_name() {
        // [LEDGER-5]
        for (code, flag) in (0_u8..).zip(Flag::ALL) {
            assert_eq!(flag.code(), code);
            assert_eq!(Flag::from_name(flag.name()), Some(*flag));
        }
        assert_eq!(Flag::from_name("hiccup"), None);
    }
}
