//! What a person is told when the world does not cooperate.
//!
//! "Could not connect" helps nobody: the network may be missing, the permission
//! not granted, the router may keep its guests apart, a VPN may swallow local
//! traffic, the code may belong to another phone. This file is the list of all
//! such findings, each with what to do, and the rules that lead from symptoms to
//! a finding. A finding marked *suspected* is an inference and says so.
//!
//! Rejected: showing the library's error text (it names frames and alerts).

use std::io;

use diptych_protocol::words::{Language, Text};

use crate::addresses::Surroundings;

macro_rules! diagnoses {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $alarming:literal, $meaning:ident, $advice:ident;)*) => {
        /// A finding about this device or its network. Never sent to a peer.
        ///
        /// ```
        /// # use diptych_driver::diagnosis::Diagnosis;
        /// # use diptych_protocol::words::Language;
        /// fn told(trouble: Diagnosis, language: Language) -> String {
        ///     let [meaning, advice] = [trouble.meaning_text(), trouble.advice_text()];
        ///     format!("{} {}", meaning.template(language), advice.template(language))
        /// }
        /// ```
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Diagnosis { $($(#[$doc])* $name,)* }

        impl Diagnosis {
            /// Every finding.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable name, for logs and translations.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Whether a person should be warned that somebody may be attacking.
            #[must_use]
            pub const fn is_alarming(self) -> bool {
                match self { $(Self::$name => $alarming,)* }
            }

            /// What was found, in one sentence, for the person who holds the phone.
            #[must_use]
            pub const fn meaning_text(self) -> Text {
                match self { $(Self::$name => Text::$meaning,)* }
            }

            /// What to do about it, in one sentence.
            #[must_use]
            pub const fn advice_text(self) -> Text {
                match self { $(Self::$name => Text::$advice,)* }
            }
        }
    };
}

diagnoses! {
    /// This device has no network in which the peer could be.
    NoRoute = "NO_ROUTE", false, TroubleNoRoute, TroubleNoRouteAdvice;
    /// The system keeps the app from the local network.
    LanPermission = "LAN_PERMISSION", false, TroubleLanPermission, TroubleLanPermissionAdvice;
    /// A peer on our own subnet does not answer at all.
    ApIsolationSuspected = "AP_ISOLATION_SUSPECTED", false, TroubleApIsolationSuspected, TroubleApIsolationSuspectedAdvice;
    /// A tunnel is up and the peer does not answer.
    VpnSuspected = "VPN_SUSPECTED", false, TroubleVpnSuspected, TroubleVpnSuspectedAdvice;
    /// No address answered, and nothing else explains it.
    PeerSilent = "PEER_SILENT", false, TroublePeerSilent, TroublePeerSilentAdvice;
    /// The one who answered holds another key than the pinned one.
    PinMismatch = "PIN_MISMATCH", true, TroublePinMismatch, TroublePinMismatchAdvice;
    /// The peer knows us no longer, or never did.
    KeyRefused = "KEY_REFUSED", false, TroubleKeyRefused, TroubleKeyRefusedAdvice;
    /// This device's own key does not sign.
    KeyLocked = "KEY_LOCKED", false, TroubleKeyLocked, TroubleKeyLockedAdvice;
    /// This device's own key does not return from a call.
    KeyStuck = "KEY_STUCK", false, TroubleKeyStuck, TroubleKeyStuckAdvice;
    /// A peer offered a key or certificate that the protocol does not allow.
    KeyType = "KEY_TYPE", false, TroubleKeyType, TroubleKeyTypeAdvice;
    /// No common application protocol.
    ProtocolVersion = "PROTOCOL_VERSION", false, TroubleProtocolVersion, TroubleProtocolVersionAdvice;
    /// The peer came back without knowing the connection.
    PeerRestarted = "PEER_RESTARTED", false, TroublePeerRestarted, TroublePeerRestartedAdvice;
    /// The peer refused to begin a connection.
    PeerBusy = "PEER_BUSY", false, TroublePeerBusy, TroublePeerBusyAdvice;
    /// Sending or receiving fails in a way that a new socket may heal.
    SocketDead = "SOCKET_DEAD", false, TroubleSocketDead, TroubleSocketDeadAdvice;
    /// The port is used by another program.
    PortTaken = "PORT_TAKEN", false, TroublePortTaken, TroublePortTakenAdvice;
    /// The address to listen on is not one of this device.
    NotOurAddress = "NOT_OUR_ADDRESS", false, TroubleNotOurAddress, TroubleNotOurAddressAdvice;
    /// Local discovery does not work here.
    DiscoveryUnavailable = "DISCOVERY_UNAVAILABLE", false, TroubleDiscoveryUnavailable, TroubleDiscoveryUnavailableAdvice;
    /// Somebody sends more connection attempts than any honest phone.
    Flooded = "FLOODED", true, TroubleFlooded, TroubleFloodedAdvice;
    /// The storage is full.
    StorageFull = "STORAGE_FULL", false, TroubleStorageFull, TroubleStorageFullAdvice;
    /// The storage cannot be written by this app.
    StorageDenied = "STORAGE_DENIED", false, TroubleStorageDenied, TroubleStorageDeniedAdvice;
    /// The storage fails in another way.
    StorageBroken = "STORAGE_BROKEN", false, TroubleStorageBroken, TroubleStorageBrokenAdvice;
    /// The storage does not return from a call.
    StorageStuck = "STORAGE_STUCK", false, TroubleStorageStuck, TroubleStorageStuckAdvice;
    /// Another copy of the app works on the same session.
    FolderInUse = "FOLDER_IN_USE", false, TroubleFolderInUse, TroubleFolderInUseAdvice;
}

impl Diagnosis {
    /// What was found, in English, without a full stop: for a log.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        self.meaning_text().clause()
    }

    /// What to do about it, in English.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        self.advice_text().template(Language::English)
    }

    /// What an error of opening, reading or writing a socket means.
    #[must_use]
    pub fn of_socket(error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        let kind = error.kind();
        if kind == Kind::PermissionDenied {
            Self::LanPermission
        } else if kind == Kind::AddrInUse {
            Self::PortTaken
        } else if kind == Kind::AddrNotAvailable {
            Self::NotOurAddress
        } else if [Kind::NetworkUnreachable, Kind::HostUnreachable, Kind::NetworkDown]
            .contains(&kind)
        {
            Self::NoRoute
        } else {
            Self::SocketDead
        }
    }

    /// Why nobody answered a dial, seen from the surroundings.
    ///
    /// `tried` are the addresses that were dialled and stayed silent.
    #[must_use]
    pub fn of_silence(surroundings: &Surroundings, tried: &[std::net::IpAddr]) -> Self {
        if !surroundings.has_network() && !tried.iter().any(std::net::IpAddr::is_loopback) {
            Self::NoRoute
        } else if surroundings.has_tunnel() {
            Self::VpnSuspected
        } else if tried.iter().any(|address| surroundings.shares_subnet(*address)) {
            Self::ApIsolationSuspected
        } else {
            Self::PeerSilent
        }
    }
}

impl std::fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}. {}", self.name(), self.meaning(), self.advice())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_finding_has_its_own_name_meaning_and_advice() {
        let names: BTreeSet<_> = Diagnosis::ALL.iter().map(|one| one.name()).collect();
        let meanings: BTreeSet<_> = Diagnosis::ALL.iter().map(|one| one.meaning()).collect();
        assert_eq!((names.len(), meanings.len()), (Diagnosis::ALL.len(), Diagnosis::ALL.len()));
        for one in Diagnosis::ALL {
            let (meaning, advice) = (one.meaning_text(), one.advice_text());
            assert_eq!(advice.key(), format!("{}.advice", meaning.key()));
            assert!(meaning.key().starts_with("trouble."), "{one}");
        }
    }

    #[test]
    fn symptoms_lead_to_distinct_findings() {
        let of = |kind: io::ErrorKind| Diagnosis::of_socket(&kind.into());
        assert_eq!(of(io::ErrorKind::PermissionDenied), Diagnosis::LanPermission);
        assert_eq!(of(io::ErrorKind::AddrInUse), Diagnosis::PortTaken);
        assert_eq!(of(io::ErrorKind::NetworkUnreachable), Diagnosis::NoRoute);
        assert_eq!(of(io::ErrorKind::BrokenPipe), Diagnosis::SocketDead);

        let home = Surroundings::of_test(&[("wlan0", "192.168.1.7", 24)]);
        let vpn = Surroundings::of_test(&[("wlan0", "192.168.1.7", 24), ("tun0", "10.8.0.2", 24)]);
        let none = Surroundings::of_test(&[("lo", "127.0.0.1", 8)]);
        let (near, far) = ("192.168.1.23".parse().unwrap(), "192.168.9.23".parse().unwrap());
        assert_eq!(Diagnosis::of_silence(&home, &[near]), Diagnosis::ApIsolationSuspected);
        assert_eq!(Diagnosis::of_silence(&home, &[far]), Diagnosis::PeerSilent);
        assert_eq!(Diagnosis::of_silence(&vpn, &[near]), Diagnosis::VpnSuspected);
        assert_eq!(Diagnosis::of_silence(&none, &[near]), Diagnosis::NoRoute);
    }
}
