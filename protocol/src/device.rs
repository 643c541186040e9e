//! What a device says about itself, and what an exam asks of it.
//!
//! Complaints about two-camera exams start with an empty battery or a full
//! disk, and the assistant stands where nobody sees its screen. So both devices
//! report the same facts, and the primary checks both against the plan. The host
//! app supplies the values; the rule that compares them is here, once. Rejected:
//! a single "device ok" flag, which tells nobody what to do.

use core::fmt;

use crate::time::Span;

/// Permissions the recording needs, as bits. `[DEVICE-2]`
///
/// ```
/// # use diptych_protocol::device::Permissions;
/// let granted = Permissions::CAMERA.with(Permissions::MICROPHONE);
/// assert!(!Permissions::ALL.without(granted).is_empty());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Permissions(pub u16);

/// How warm the device is, as far as its system tells. `[DEVICE-3]`
///
/// ```
/// # use diptych_protocol::device::Heat;
/// assert!(Heat::Hot > Heat::Warm);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
pub enum Heat {
    /// The system does not say.
    #[default]
    Unknown,
    /// Normal.
    Normal,
    /// Warm: the system may soon slow down.
    Warm,
    /// Hot: the system slows down.
    Hot,
    /// The system is about to stop the camera.
    Critical,
}

/// What a device reports about itself; `None` where its system does not say.
///
/// ```
/// # use diptych_protocol::device::{Device, Permissions, Switch};
/// let now = Device {
///     battery_percent: Some(80),
///     charging: Some(Switch::On),
///     permissions: Permissions::ALL,
///     ..Device::default()
/// };
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct Device {
    /// Charge, 0 to 100 percent.
    pub battery_percent: Option<u8>,
    /// Whether a charger is connected.
    pub charging: Option<Switch>,
    /// Whether the system saves power, which stops cameras and radios.
    pub power_save: Option<Switch>,
    /// Heat.
    pub heat: Heat,
    /// Bytes that a recording may still use.
    pub free_bytes: Option<u64>,
    /// What the user has granted.
    pub permissions: Permissions,
}

/// Something that is on or off.
///
/// ```
/// # use diptych_protocol::device::Switch;
/// fn of(charging: bool) -> Switch {
///     if charging { Switch::On } else { Switch::Off }
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Switch {
    /// Off.
    Off,
    /// On.
    On,
}

/// What an exam asks of every device before it begins. `[DEVICE-1]`
///
/// ```
/// # use diptych_protocol::device::{Heat, Permissions, Requirements, Switch};
/// let asked = Requirements {
///     battery_percent: 50,
///     charger: Switch::Off,
///     bytes_per_second: 500_000,
///     heat: Heat::Hot,
///     permissions: Permissions::CAMERA.with(Permissions::MICROPHONE),
/// };
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Requirements {
    /// The least charge; a device on a charger passes with any charge.
    pub battery_percent: u8,
    /// Whether a charger must be connected.
    pub charger: Switch,
    /// Free storage for every planned second of recording, in bytes.
    pub bytes_per_second: u32,
    /// The hottest that is let through.
    pub heat: Heat,
    /// The permissions that must be granted.
    pub permissions: Permissions,
}

/// One thing that keeps a device from being ready.
///
/// ```
/// # use diptych_protocol::device::Shortfall;
/// assert!(Shortfall::Charger.to_string().contains("charger"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Shortfall {
    /// Too little charge.
    Battery {
        /// What the exam asks.
        required: u8,
        /// What the device has.
        got: u8,
    },
    /// No charger where the exam asks for one.
    Charger,
    /// Power saving is on.
    PowerSave,
    /// Too hot.
    Heat(Heat),
    /// Too little storage for the planned length.
    Storage {
        /// Bytes the planned length needs.
        required: u64,
        /// Bytes that are free.
        got: u64,
    },
    /// Permissions that are missing.
    Permissions(Permissions),
}

impl Permissions {
    /// The camera.
    pub const CAMERA: Self = Self(1);
    /// The microphone.
    pub const MICROPHONE: Self = Self(1 << 1);
    /// Packets to the local network (Android 17, iOS).
    pub const LOCAL_NETWORK: Self = Self(1 << 2);
    /// Notifications, without which Android ends background work.
    pub const NOTIFICATIONS: Self = Self(1 << 3);
    /// Storage.
    pub const STORAGE: Self = Self(1 << 4);
    /// Everything above.
    pub const ALL: Self = Self(0b1_1111);

    const NAMES: [(Self, &'static str); 5] = [
        (Self::CAMERA, "camera"),
        (Self::MICROPHONE, "microphone"),
        (Self::LOCAL_NETWORK, "local network"),
        (Self::NOTIFICATIONS, "notifications"),
        (Self::STORAGE, "storage"),
    ];

    /// Those of `self` that `other` lacks.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether none is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Heat {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Normal => 1,
            Self::Warm => 2,
            Self::Hot => 3,
            Self::Critical => 4,
        }
    }

    /// The heat with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Unknown,
            1 => Self::Normal,
            2 => Self::Warm,
            3 => Self::Hot,
            4 => Self::Critical,
            _ => return None,
        })
    }
}

impl Device {
    /// Everything that keeps this device from recording `planned` of time.
    ///
    /// A value the system does not report is not held against the device: its
    /// examinee can do nothing about it. `[DEVICE-4]`
    #[must_use]
    pub fn shortfalls(&self, required: &Requirements, planned: Span) -> Vec<Shortfall> {
        let mut found = Vec::new();
        let on_charger = self.charging == Some(Switch::On);
        if let Some(got) = self.battery_percent
            && got < required.battery_percent
            && !on_charger
        {
            found.push(Shortfall::Battery { required: required.battery_percent, got });
        }
        if required.charger == Switch::On && self.charging == Some(Switch::Off) {
            found.push(Shortfall::Charger);
        }
        // [DEVICE-5]
        if self.power_save == Some(Switch::On) {
            found.push(Shortfall::PowerSave);
        }
        if self.heat > required.heat {
            found.push(Shortfall::Heat(self.heat));
        }
        let needed = bytes_for(planned, required.bytes_per_second);
        if let Some(got) = self.free_bytes
            && got < needed
        {
            found.push(Shortfall::Storage { required: needed, got });
        }
        let missing = required.permissions.without(self.permissions);
        if !missing.is_empty() {
            found.push(Shortfall::Permissions(missing));
        }
        found
    }
}

fn bytes_for(planned: Span, per_second: u32) -> u64 {
    let nanos = u128::from(planned.nanos().max(0).unsigned_abs());
    let bytes = (nanos * u128::from(per_second)).div_ceil(1_000_000_000);
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permissions({self})")
    }
}

/// The names, separated by commas; `none` for the empty set.
impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Self::NAMES
            .iter()
            .filter(|(bit, _)| self.0 & bit.0 != 0)
            .map(|(_, name)| *name)
            .collect();
        f.write_str(if names.is_empty() { "none" } else { "" })?;
        f.write_str(&names.join(", "))
    }
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Battery { required, got } => {
                write!(f, "battery {got} %, needs {required} %: charge it or plug it in")
            }
            Self::Charger => f.write_str("no charger: plug it in"),
            Self::PowerSave => f.write_str("power saving is on: switch it off"),
            Self::Heat(heat) => write!(f, "too warm ({heat:?}): let it cool down"),
            Self::Storage { required, got } => write!(
                f,
                "{} MB free, needs {} MB: delete something large",
                got / 1_000_000,
                required.div_ceil(1_000_000)
            ),
            Self::Permissions(missing) => {
                write!(f, "not permitted: {missing}; allow it in settings")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIRED: Requirements = Requirements {
        battery_percent: 80,
        charger: Switch::Off,
        bytes_per_second: 500_000,
        heat: Heat::Warm,
        permissions: Permissions(0b11),
    };

    fn good() -> Device {
        Device {
            battery_percent: Some(80),
            charging: Some(Switch::Off),
            power_save: Some(Switch::Off),
            heat: Heat::Normal,
            free_bytes: Some(1_800_000_000),
            permissions: Permissions::ALL,
        }
    }

    #[test]
    fn a_device_at_every_threshold_passes() {
        // [DEVICE-1]
        assert_eq!(good().shortfalls(&REQUIRED, Span::from_secs(3_600)), []);
    }

    #[test]
    fn each_shortfall_is_named_with_its_numbers() {
        // [DEVICE-1] [DEVICE-2] [DEVICE-3] [DEVICE-5]
        let bad = Device {
            battery_percent: Some(79),
            power_save: Some(Switch::On),
            heat: Heat::Hot,
            free_bytes: Some(1_799_999_999),
            permissions: Permissions::CAMERA,
            ..good()
        };
        let expected = [
            Shortfall::Battery { required: 80, got: 79 },
            Shortfall::PowerSave,
            Shortfall::Heat(Heat::Hot),
            Shortfall::Storage { required: 1_800_000_000, got: 1_799_999_999 },
            Shortfall::Permissions(Permissions::MICROPHONE),
        ];
        assert_eq!(bad.shortfalls(&REQUIRED, Span::from_secs(3_600)), expected);
        assert_eq!(
            Shortfall::Permissions(Permissions::MICROPHONE.with(Permissions::LOCAL_NETWORK))
                .to_string(),
            "not permitted: microphone, local network; allow it in settings"
        );
    }

    #[test]
    fn a_charger_excuses_an_empty_battery_and_silence_excuses_all() {
        // [DEVICE-4]
        let plugged = Device { battery_percent: Some(3), charging: Some(Switch::On), ..good() };
        assert_eq!(plugged.shortfalls(&REQUIRED, Span::from_secs(60)), []);
        let silent = Device { permissions: Permissions::ALL, ..Device::default() };
        assert_eq!(silent.shortfalls(&REQUIRED, Span::from_secs(60)), []);
    }
}
