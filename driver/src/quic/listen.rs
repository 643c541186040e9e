//! Who may begin a handshake with this device.
//!
//! A handshake costs a signature, and anybody in the room can ask for one. So each
//! attempt is weighed before anything is computed for it: from where it comes, what
//! the [throttle](crate::throttle) has left, whether its address is proven. Whom the
//! machine lets in is looked up twice, for the handshake and after it, because it may
//! have changed meanwhile. `[TRANSPORT-16]`
//!
//! Rejected: one TLS configuration for all attempts (it would let in whom the machine
//! let in when it was made), refusing with a packet (an answer to a forged address
//! hits a stranger; who is ignored learns nothing), and a list of blocked addresses
//! (an attacker forges as many as it likes, and a classroom shares one).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use diptych_protocol::limits;
use diptych_protocol::machine::{Admission, Purpose};
use diptych_protocol::time;
use quinn::{Incoming, Side};
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinSet};

use super::connection::Established;
use super::{Report, settings};
use crate::addresses::Surroundings;
use crate::clock::Clock;
use crate::diagnosis::Diagnosis;
use crate::keys::Identity;
use crate::link::{Arrival, Happening};
use crate::throttle::{Decision, Place, Throttle};

/// From where peers may come. `[TRANSPORT-16]`
///
/// ```
/// # use diptych_driver::quic::Sources;
/// let behind_a_router = Sources::Anywhere;
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sources {
    /// The local network and this device itself.
    #[default]
    Neighbours,
    /// Anywhere: for a primary behind a redirected port.
    Anywhere,
}

/// Ignored attempts after which a person is told, once.
const FLOOD: u32 = 1_000;

/// What the listening task needs.
pub(super) struct Listener<C: time::Clock> {
    pub(super) endpoint: quinn::Endpoint,
    pub(super) identity: Arc<Identity>,
    pub(super) clock: Arc<dyn Clock<C>>,
    pub(super) admitted: watch::Receiver<Admission>,
    /// Transport settings and keys; its TLS part is replaced for each attempt.
    pub(super) base: quinn::ServerConfig,
    pub(super) sources: Sources,
    pub(super) reports: mpsc::Sender<Report<C>>,
}

/// Weighs each attempt and runs the handshakes of those that pass, until the
/// endpoint is closed.
pub(super) async fn listen<C: time::Clock>(listener: Listener<C>) {
    let mut throttle = Throttle::new(listener.clock.now());
    let mut places: BTreeMap<Id, Place> = BTreeMap::new();
    let mut handshakes = JoinSet::new();
    let mut ignored: u32 = 0;
    let mut neighbourhood = Neighbourhood::default();
    loop {
        tokio::select! {
            incoming = listener.endpoint.accept() => {
                let Some(incoming) = incoming else { return };
                let (from, proven) =
                    (incoming.remote_address().ip(), incoming.remote_address_validated());
                let now = listener.clock.now();
                let near = listener.sources == Sources::Anywhere || neighbourhood.has(from, now);
                let decision =
                    if near { throttle.weigh(now, from, proven) } else { Decision::Ignore };
                match decision {
                    Decision::Retry if incoming.may_retry() => _ = incoming.retry(),
                    Decision::Retry | Decision::Ignore => {
                        incoming.ignore();
                        ignored = ignored.saturating_add(1);
                        if ignored == FLOOD {
                            listener.warn().await;
                        }
                    }
                    Decision::Accept => {
                        let place = throttle.enter(from, proven);
                        let task = handshakes.spawn(listener.handshake(incoming));
                        places.insert(task.id(), place);
                    }
                }
            }
            Some(ended) = handshakes.join_next_with_id() => {
                let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                if let Some(place) = places.remove(&id) {
                    throttle.leave(place);
                }
            }
        }
    }
}

/// This device's subnets, asked for at most once per [`limits::NAP`]: a flood of
/// forged sources must not buy a system call each.
struct Neighbourhood<C: time::Clock> {
    surroundings: Surroundings,
    asked: Option<time::Instant<C>>,
}

impl<C: time::Clock> Default for Neighbourhood<C> {
    fn default() -> Self {
        Self { surroundings: Surroundings::default(), asked: None }
    }
}

impl<C: time::Clock> Neighbourhood<C> {
    fn has(&mut self, address: IpAddr, now: time::Instant<C>) -> bool {
        if self.surroundings.is_neighbour(address) {
            return true;
        }
        if self.asked.is_none_or(|asked| now - asked >= limits::NAP) {
            self.asked = Some(now);
            self.surroundings = Surroundings::look();
        }
        self.surroundings.is_neighbour(address)
    }
}

impl<C: time::Clock> Listener<C> {
    /// One handshake, under the admission of this moment.
    fn handshake(&self, incoming: Incoming) -> impl Future<Output = ()> + Send + use<C> {
        let (identity, clock) = (self.identity.clone(), self.clock.clone());
        let (admitted, reports) = (self.admitted.clone(), self.reports.clone());
        let mut config = self.base.clone();
        async move {
            let admission = admitted.borrow().clone();
            let Ok(crypto) = settings::server_crypto(&identity, &admission) else { return };
            config.crypto = crypto;
            let Ok(connecting) = incoming.accept_with(Arc::new(config)) else { return };
            let deadline = limits::HANDSHAKE_DEADLINE.to_duration();
            let connection = match tokio::time::timeout(deadline, connecting).await {
                Ok(Ok(connection)) => connection,
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a client was not let in");
                    return;
                }
                Err(_) => return,
            };
            let at = clock.now();
            let Some(established) = Established::of(connection.clone(), Side::Server) else {
                return;
            };
            // Whom the machine let in may have changed since the first packet.
            if still_admitted(&admitted.borrow(), &established) {
                _ = reports.send(Report::Established(established, at)).await;
            } else {
                let code = diptych_protocol::fault::CloseCode::NotPairing;
                connection.close((code as u32).into(), code.name().as_bytes());
            }
        }
    }

    async fn warn(&self) {
        let what = Happening::Trouble(Diagnosis::Flooded);
        _ = self.reports.send(Report::Arrived(Arrival { at: self.clock.now(), what })).await;
    }
}

fn still_admitted(admission: &Admission, established: &Established) -> bool {
    match established.purpose {
        Purpose::Pair => admission.pairing,
        Purpose::Resume => admission.pinned.contains(&established.peer.fingerprint()),
    }
}
