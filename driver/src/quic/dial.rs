//! Calling a peer at many addresses and taking the first that answers.
//!
//! A code may carry six addresses of which five are dead: another network's, a
//! hotspot that is off. Attempts start [`limits::DIAL_STAGGER`] apart, or at once
//! when the one before has failed, and the first completed handshake wins (the
//! idea of RFC 8305). Addresses that discovery finds meanwhile join the race. A dial
//! that is begun anew before its attempts have timed out still says what its silence
//! means, or an outage would be explained to nobody.
//! `[TRANSPORT-17]` `[TRANSPORT-18]`
//!
//! Rejected: one address after the other (each dead one costs a whole deadline), all
//! at once (a phone's radio and the peer's listener pay for six handshakes of which
//! one is wanted), and asking the routing table which address leads somewhere (it
//! knows the way out of this device, not whether anybody is there).

use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use diptych_protocol::limits;
use diptych_protocol::machine::Lost;
use quinn::{ConnectionError, Side};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::connection::{Established, lost};
use super::settings;
use crate::addresses::Surroundings;
use crate::diagnosis::Diagnosis;
use crate::keys::Identity;
use crate::link::Dial;
use crate::tls;

/// One dial.
pub(super) struct Race {
    pub(super) endpoint: quinn::Endpoint,
    pub(super) identity: Arc<Identity>,
    pub(super) surroundings: Surroundings,
    pub(super) dial: Dial,
    /// Addresses that discovery finds; closed when it has ended.
    pub(super) found: Option<mpsc::Receiver<SocketAddr>>,
    /// Closed when another dial takes the place of this one.
    pub(super) wanted: oneshot::Receiver<std::convert::Infallible>,
}

/// How one attempt failed.
type Failure = (IpAddr, Option<ConnectionError>);

impl Race {
    /// Runs to the first success, or to the last failure, or until it is not wanted
    /// any more; `None` if that was so early that the silence means nothing.
    pub(super) async fn run(mut self) -> Result<Established, Option<(Lost, Diagnosis)>> {
        let config = settings::client(&self.identity, self.dial.peer, self.dial.purpose)
            .map_err(|_| Some((Lost::Unreachable, Diagnosis::KeyType)))?;
        let begun = Instant::now();
        let mut seen = BTreeSet::new();
        let mut waiting: VecDeque<SocketAddr> = VecDeque::new();
        let given = std::mem::take(&mut self.dial.addresses);
        for address in given.into_iter().flat_map(|address| self.surroundings.scoped(address)) {
            self.line_up(address, &mut seen, &mut waiting);
        }
        let mut attempts: JoinSet<Result<Established, Failure>> = JoinSet::new();
        let mut failures = Vec::new();
        let mut called = Vec::new();
        let mut next_start = Instant::now();
        let mut give_up = None;
        loop {
            let idle = waiting.is_empty() && attempts.is_empty();
            if idle && self.found.is_none() {
                return Err(Some(self.explain(&failures)));
            }
            let patience = limits::DISCOVERY_WINDOW.to_duration();
            let end = *give_up.get_or_insert_with(|| Instant::now() + patience);
            if !idle {
                give_up = None;
            }
            tokio::select! {
                () = sleep_until(next_start), if !waiting.is_empty() => {
                    if let Some(address) = waiting.pop_front() {
                        called.push(address.ip());
                        attempts.spawn(attempt(self.endpoint.clone(), config.clone(), address));
                    }
                    next_start = Instant::now() + limits::DIAL_STAGGER.to_duration();
                }
                Some(ended) = attempts.join_next() => match ended {
                    Ok(Ok(established)) => return Ok(established),
                    Ok(Err(failure)) => {
                        failures.push(failure);
                        next_start = Instant::now();
                    }
                    Err(_) => {}
                },
                found = next_found(&mut self.found) => match found {
                    Some(address) => self.line_up(address, &mut seen, &mut waiting),
                    None => self.found = None,
                },
                () = sleep_until(end), if idle => self.found = None,
                _ = &mut self.wanted => {
                    let silence = limits::REDIAL_SILENCE.to_duration();
                    failures.extend(called.into_iter().map(|ip| (ip, None)));
                    return Err((begun.elapsed() >= silence).then(|| self.explain(&failures)));
                }
            }
        }
    }

    fn line_up(
        &self,
        address: SocketAddr,
        seen: &mut BTreeSet<SocketAddr>,
        waiting: &mut VecDeque<SocketAddr>,
    ) {
        if seen.len() < limits::DIAL_ATTEMPTS && seen.insert(address) {
            waiting.push_back(address);
        }
    }

    /// The most telling of all failures: that somebody answered says more than
    /// that others did not.
    fn explain(&self, failures: &[Failure]) -> (Lost, Diagnosis) {
        let answered = failures.iter().filter_map(|(_, error)| error.as_ref());
        let told = answered
            .map(|error| lost(error, Side::Client))
            .filter(|(lost, _)| !matches!(lost, Lost::TimedOut | Lost::Unreachable | Lost::Local))
            .max_by_key(|(lost, _)| matches!(lost, Lost::WrongKey));
        if let Some((lost, why)) = told {
            return (lost, why.unwrap_or(Diagnosis::PeerSilent));
        }
        let silent: Vec<IpAddr> = failures.iter().map(|(address, _)| *address).collect();
        (Lost::Unreachable, Diagnosis::of_silence(&self.surroundings, &silent))
    }
}

async fn next_found(found: &mut Option<mpsc::Receiver<SocketAddr>>) -> Option<SocketAddr> {
    match found {
        Some(addresses) => addresses.recv().await,
        None => std::future::pending().await,
    }
}

/// One handshake with one address. It can end in `Ok` while the server is about
/// to refuse our key: that is news of the connection, not of the dial.
async fn attempt(
    endpoint: quinn::Endpoint,
    config: quinn::ClientConfig,
    address: SocketAddr,
) -> Result<Established, Failure> {
    let ip = address.ip();
    let connecting =
        endpoint.connect_with(config, address, tls::SERVER_NAME).map_err(|_| (ip, None))?;
    let deadline = limits::HANDSHAKE_DEADLINE.to_duration();
    match tokio::time::timeout(deadline, connecting).await {
        Ok(Ok(connection)) => Established::of(connection, Side::Client).ok_or((ip, None)),
        Ok(Err(error)) => Err((ip, Some(error))),
        Err(_) => Err((ip, None)),
    }
}
