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

use crate::addresses::Surroundings;

macro_rules! diagnoses {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $alarming:literal, $meaning:literal, $advice:literal;)*) => {
        /// A finding about this device or its network. Never sent to a peer.
        ///
        /// ```
        /// # use diptych_driver::diagnosis::Diagnosis;
        /// fn told(trouble: Diagnosis) -> String {
        ///     format!("{}. {}", trouble.meaning(), trouble.advice())
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

            /// What was found, in one sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }

            /// What to do about it, in one sentence.
            #[must_use]
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$name => $advice,)* }
            }
        }
    };
}

diagnoses! {
    /// This device has no network in which the peer could be.
    NoRoute = "NO_ROUTE", false, "this phone is in no local network", "Connect both phones to the same Wi-Fi, or to the hotspot of one of them.";
    /// The system keeps the app from the local network.
    LanPermission = "LAN_PERMISSION", false, "the system does not let this app use the local network", "Allow the app to find devices in the local network, in the system's settings.";
    /// A peer on our own subnet does not answer at all.
    ApIsolationSuspected = "AP_ISOLATION_SUSPECTED", false, "the phones are in the same network but cannot reach each other", "The router may keep devices apart: use a home Wi-Fi instead of a guest one, or the hotspot of one phone.";
    /// A tunnel is up and the peer does not answer.
    VpnSuspected = "VPN_SUSPECTED", false, "a VPN on this phone may swallow local traffic", "Switch the VPN off, or allow local network access in its settings.";
    /// No address answered, and nothing else explains it.
    PeerSilent = "PEER_SILENT", false, "the other phone did not answer at any of its addresses", "Check that the app is open on the other phone and that both are in the same network.";
    /// The one who answered holds another key than the pinned one.
    PinMismatch = "PIN_MISMATCH", true, "another device answered in place of the expected one", "Stop, scan a new code, and ask the exam office if it happens again.";
    /// The peer knows us no longer, or never did.
    KeyRefused = "KEY_REFUSED", false, "the other phone does not accept this phone's key", "Scan the code that is on the primary phone's screen now.";
    /// This device's own key does not sign.
    KeyLocked = "KEY_LOCKED", false, "this phone's key could not be used to sign", "Unlock the phone; the phones try again by themselves.";
    /// A peer offered a key or certificate that the protocol does not allow.
    KeyType = "KEY_TYPE", false, "the other phone showed a kind of key that is not allowed", "Install the same version of the app on both phones.";
    /// No common application protocol.
    ProtocolVersion = "PROTOCOL_VERSION", false, "the two apps speak different versions, or the other phone is not pairing", "Open the code on the primary phone, and update the app on both.";
    /// The peer came back without knowing the connection.
    PeerRestarted = "PEER_RESTARTED", false, "the app on the other phone was started again", "Nothing to do: the phones reconnect by themselves.";
    /// The peer refused to begin a connection.
    PeerBusy = "PEER_BUSY", false, "the other phone is too busy to answer", "Wait half a minute; the phones try again by themselves.";
    /// Sending or receiving fails in a way that a new socket may heal.
    SocketDead = "SOCKET_DEAD", false, "the system closed this app's network connection", "Bring the app to the front; if it stays so, start it again.";
    /// The port is used by another program.
    PortTaken = "PORT_TAKEN", false, "another program uses the network port", "Close the other program, or choose another port.";
    /// The address to listen on is not one of this device.
    NotOurAddress = "NOT_OUR_ADDRESS", false, "the address to listen on does not belong to this device", "Leave the address out, or choose one of this device's own.";
    /// Local discovery does not work here.
    DiscoveryUnavailable = "DISCOVERY_UNAVAILABLE", false, "devices cannot be discovered in this network", "Nothing to do while the code's addresses work; otherwise scan a new code.";
    /// Somebody sends more connection attempts than any honest phone.
    Flooded = "FLOODED", true, "this phone receives a flood of connection attempts", "If pairing does not work, use the hotspot of one phone.";
    /// The storage is full.
    StorageFull = "STORAGE_FULL", false, "the storage of this phone is full", "Free some space now: what happens from here on cannot be proven.";
    /// The storage cannot be written by this app.
    StorageDenied = "STORAGE_DENIED", false, "the system does not let this app write its files", "Check who owns the folder, or reinstall the app.";
    /// The storage fails in another way.
    StorageBroken = "STORAGE_BROKEN", false, "a file of this session could not be read or written", "Use another storage if you can: what happens from here on cannot be proven.";
    /// Another copy of the app works on the same session.
    FolderInUse = "FOLDER_IN_USE", false, "another running copy of the app uses this session's folder", "Close the other copy first.";
}

impl Diagnosis {
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
        assert!(Diagnosis::ALL.iter().all(|one| one.advice().ends_with('.')));
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
