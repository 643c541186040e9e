//! The one ordered queue of effects, and the promise it keeps.
//!
//! "Durable before told" is easy to state and easy to break: one early return
//! and a message leaves before the record it rests on. So nothing outside this
//! file pushes an [`Output`]: whoever tells the world something that rests on
//! the journal says so by calling [`Outbox::settled`] first. Rejected: a flag on
//! each output, which the one who forgets it forgets silently.

use std::collections::VecDeque;

use crate::fault::CloseCode;
use crate::identity::Fingerprint;
use crate::machine::{Admission, JournalName, Lane, LinkId, Output, Purpose};
use crate::secret::SecretBytes;
use crate::time::{Clock, Instant};

/// Whether what was appended is also on disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pending {
    Nothing,
    Unsynced,
}

/// Effects not yet carried out, in order.
#[derive(Debug)]
pub(crate) struct Outbox<C: Clock, E> {
    queue: VecDeque<Output<C, E>>,
    pending: Pending,
    announced: Vec<String>,
    admission: Option<Admission>,
}

impl<C: Clock, E> Outbox<C, E> {
    pub(crate) const fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            pending: Pending::Nothing,
            announced: Vec::new(),
            admission: None,
        }
    }

    /// Appends records to a journal; durable after [`Outbox::settled`].
    pub(crate) fn append(&mut self, journal: JournalName, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        self.queue.push_back(Output::Append { journal, bytes });
        self.pending = Pending::Unsynced;
    }

    /// Everything appended so far is durable for what follows. `[SESSION-1]`
    pub(crate) fn settled(&mut self) -> &mut Self {
        if self.pending == Pending::Unsynced {
            self.queue.push_back(Output::Sync);
            self.pending = Pending::Nothing;
        }
        self
    }

    /// Replaces the device's private state.
    pub(crate) fn store(&mut self, state: SecretBytes) {
        self.queue.push_back(Output::Store(state));
    }

    pub(crate) fn control(&mut self, link: LinkId, bytes: Vec<u8>) {
        self.queue.push_back(Output::Transmit { link, lane: Lane::Control, bytes });
    }

    pub(crate) fn datagram(&mut self, link: LinkId, bytes: Vec<u8>) {
        self.queue.push_back(Output::Transmit { link, lane: Lane::Timing, bytes });
    }

    /// Whether the latest effect is a message that carries a stamp: whatever is done
    /// before it is carried out counts as its way. `[TRANSPORT-28]`
    pub(crate) fn is_stamped(&self) -> bool {
        matches!(self.queue.back(), Some(Output::Transmit { lane: Lane::Timing, .. }))
    }

    /// Changes whom the listener admits, if that is a change. `[PAIRING-2]`
    pub(crate) fn admit(&mut self, admission: Admission) {
        if self.admission.as_ref() != Some(&admission) {
            self.queue.push_back(Output::Admit(admission.clone()));
            self.admission = Some(admission);
        }
    }

    pub(crate) fn dial(
        &mut self,
        peer: Fingerprint,
        addresses: Vec<core::net::SocketAddr>,
        purpose: Purpose,
        discovery: String,
    ) {
        self.queue.push_back(Output::Dial { peer, addresses, purpose, discovery });
    }

    /// Changes the names announced in local discovery, if that is a change.
    pub(crate) fn announce(&mut self, names: Vec<String>) {
        if self.announced != names {
            self.announced.clone_from(&names);
            self.queue.push_back(Output::Announce(names));
        }
    }

    pub(crate) fn close(&mut self, link: LinkId, code: CloseCode) {
        self.queue.push_back(Output::Close { link, code });
    }

    /// Tells the app.
    pub(crate) fn event(&mut self, event: E) {
        self.queue.push_back(Output::Event(event));
    }

    /// The next effect, or idle until what `wake` says.
    pub(crate) fn pop(
        &mut self,
        wake: impl FnOnce() -> Option<(Instant<C>, &'static str)>,
    ) -> Output<C, E> {
        self.queue.pop_front().unwrap_or_else(|| Output::Idle { wake: wake() })
    }
}
