//! Eighteen reasons why a camera stops, and what the platform called it.
//!
//! Phones report their interruptions in a dozen incompatible ways. A reviewer
//! needs one word; a developer needs the number that the platform gave. Both are
//! kept, and neither is ever read by a rule.

use core::fmt;

use crate::words::Text;

macro_rules! causes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $name:literal;)*) => {
        /// The best guess at why a camera stopped. `[LEDGER-3]`
        ///
        /// ```
        /// # use diptych_protocol::ledger::Cause;
        /// assert_eq!(Cause::from_code(Cause::Call.code()), Some(Cause::Call));
        /// ```
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum Cause { $($(#[$doc])* $variant = $code,)* }

        impl Cause {
            /// Every cause, by code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number in journals and on the wire.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $(Self::$variant => $code,)* }
            }

            /// The cause with this number, if the specification knows it.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// The stable name in reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

causes! {
    /// Nothing gave a hint.
    Unknown = 0, "UNKNOWN";
    /// A telephone or video call took camera or screen.
    Call = 1, "CALL";
    /// The app was put in the background.
    Background = 2, "BACKGROUND";
    /// The screen was locked or went dark.
    ScreenLock = 3, "SCREEN_LOCK";
    /// Another app took the camera.
    CameraTaken = 4, "CAMERA_TAKEN";
    /// Split screen or picture-in-picture took the camera.
    MultiApp = 5, "MULTI_APP";
    /// The device was too hot.
    Thermal = 6, "THERMAL";
    /// Another app took the microphone.
    MicTaken = 7, "MIC_TAKEN";
    /// No space was left.
    StorageFull = 8, "STORAGE_FULL";
    /// The battery was empty.
    LowPowerOff = 9, "LOW_POWER_OFF";
    /// The app crashed.
    Crash = 10, "CRASH";
    /// The system ended the app.
    OsKill = 11, "OS_KILL";
    /// The user ended the app from the system's settings.
    ForceStop = 12, "FORCE_STOP";
    /// The device started again.
    Reboot = 13, "REBOOT";
    /// A permission was taken away.
    PermissionRevoked = 14, "PERMISSION_REVOKED";
    /// Power saving stopped the recording.
    PowerSave = 15, "POWER_SAVE";
    /// The encoder or the file system failed.
    EncoderError = 16, "ENCODER_ERROR";
    /// The user stopped the recording.
    UserStop = 17, "USER_STOP";
}

impl Cause {
    /// What an examinee reads about why a camera stopped. `[LEDGER-18]`
    #[must_use]
    pub const fn text(self) -> Text {
        match self {
            Self::Unknown => Text::CauseUnknown,
            Self::Call => Text::CauseCall,
            Self::Background => Text::CauseBackground,
            Self::ScreenLock => Text::CauseScreenLock,
            Self::CameraTaken => Text::CauseCameraTaken,
            Self::MultiApp => Text::CauseMultiApp,
            Self::Thermal => Text::CauseThermal,
            Self::MicTaken => Text::CauseMicTaken,
            Self::StorageFull => Text::CauseStorageFull,
            Self::LowPowerOff => Text::CauseLowPowerOff,
            Self::Crash => Text::CauseCrash,
            Self::OsKill => Text::CauseOsKill,
            Self::ForceStop => Text::CauseForceStop,
            Self::Reboot => Text::CauseReboot,
            Self::PermissionRevoked => Text::CausePermissionRevoked,
            Self::PowerSave => Text::CausePowerSave,
            Self::EncoderError => Text::CauseEncoderError,
            Self::UserStop => Text::CauseUserStop,
        }
    }
}

/// A cause together with what the platform itself reported. `[LEDGER-4]`
///
/// ```
/// # use diptych_protocol::ledger::{Cause, Observed};
/// /// `AVCaptureSessionInterruptionReason` 5.
/// let too_hot = Observed { cause: Cause::Thermal, raw: 5 };
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Observed {
    /// The common word for it.
    pub cause: Cause,
    /// The platform's own value, verbatim; 0 if it gave none.
    pub raw: i32,
}

impl Observed {
    /// Nothing is known.
    pub const NOTHING: Self = Self { cause: Cause::Unknown, raw: 0 };
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_eighteen_causes_and_each_survives_its_code() {
        // [LEDGER-3]
        assert_eq!(Cause::ALL.len(), 18);
        for (code, cause) in (0_u8..).zip(Cause::ALL) {
            assert_eq!(cause.code(), code);
            assert_eq!(Cause::from_code(code), Some(*cause));
        }
        assert_eq!(Cause::from_code(18), None);
    }

    #[test]
    fn every_cause_has_its_own_text_under_its_own_name() {
        // [LEDGER-18]
        for cause in Cause::ALL {
            let key = format!("cause.{}", cause.name().to_lowercase());
            assert_eq!(Text::from_key(&key), Some(cause.text()));
        }
    }
}
