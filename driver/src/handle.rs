//! How an app talks to a running machine: it asks, it is told, it looks.
//!
//! Both channels are bounded. An app that does not read its events loses the
//! newest ones, is told how many, and looks at the machine with
//! [`Handle::inspect`] instead: everything that matters is in the journal, so
//! nothing that matters is lost. Rejected: an unbounded queue (a stalled screen
//! would grow it for hours), and waiting for the app (it would stall the
//! protocol). `[TRANSPORT-19]`

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use diptych_protocol::machine::Machine;
use tokio::sync::{mpsc, oneshot, watch};

use crate::diagnosis::Diagnosis;
use crate::error::{AskError, Stopped, StorageError, StorageProblem};

/// How a driver ended.
pub(crate) type Ended = Result<(), StorageError>;

/// Asks the running machine. Cheap to clone; when the last one is dropped, the
/// driver ends.
pub struct Handle<M: Machine> {
    asks: mpsc::Sender<Ask<M>>,
    ended: watch::Receiver<Option<Ended>>,
}

/// One question to the loop.
pub(crate) enum Ask<M: Machine> {
    Command(M::Command, oneshot::Sender<Result<(), M::Rejected>>),
    Inspect(Box<dyn FnOnce(&M) + Send>),
    NetworkChanged,
    Stop,
}

/// What the app is told, in order.
#[derive(Debug)]
pub struct Events<E> {
    notices: mpsc::Receiver<Notice<E>>,
    missed: Arc<AtomicU64>,
}

/// One thing that the app is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice<E> {
    /// The machine says so.
    Event(E),
    /// The driver found something that a person should know.
    Trouble(Diagnosis),
}

/// The loop's end of [`Events`].
pub(crate) struct Teller<E> {
    notices: mpsc::Sender<Notice<E>>,
    missed: Arc<AtomicU64>,
}

/// The loop's ends of a [`Handle`].
pub(crate) struct Asked<M: Machine> {
    pub(crate) asks: mpsc::Receiver<Ask<M>>,
    pub(crate) ended: watch::Sender<Option<Ended>>,
}

pub(crate) fn handle<M: Machine>(capacity: usize) -> (Handle<M>, Asked<M>) {
    let (asks, asked) = mpsc::channel(capacity);
    let (ending, ended) = watch::channel(None);
    (Handle { asks, ended }, Asked { asks: asked, ended: ending })
}

pub(crate) fn events<E>(capacity: usize) -> (Teller<E>, Events<E>) {
    let (told, notices) = mpsc::channel(capacity);
    let missed = Arc::new(AtomicU64::new(0));
    (Teller { notices: told, missed: missed.clone() }, Events { notices, missed })
}

impl<M: Machine> Handle<M> {
    /// Hands a command to the machine.
    ///
    /// # Errors
    /// [`AskError::Rejected`] with the machine's reason, or [`AskError::Stopped`].
    pub async fn ask(&self, command: M::Command) -> Result<(), AskError<M::Rejected>> {
        let (answer, answered) = oneshot::channel();
        self.send(Ask::Command(command, answer)).await?;
        answered.await.map_err(|_| Stopped)?.map_err(AskError::Rejected)
    }

    /// Looks at the machine between two inputs and returns what `look` made of it.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn inspect<T: Send + 'static>(
        &self,
        look: impl FnOnce(&M) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (answer, answered) = oneshot::channel();
        let look = move |machine: &M| _ = answer.send(look(machine));
        self.send(Ask::Inspect(Box::new(look))).await?;
        answered.await.map_err(|_| Stopped)
    }

    /// Tells the driver that the device's network or addresses changed, or that
    /// the app came back to the front: sockets are opened anew and the machine
    /// reconsiders its connections.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn network_changed(&self) -> Result<(), Stopped> {
        self.send(Ask::NetworkChanged).await
    }

    /// Ends the driver: closes every connection, tells the peers that this device
    /// goes away, and waits until every task has ended. What the machine appended
    /// is durable then.
    ///
    /// # Errors
    /// [`StorageError`] if the storage failed at any time, which is when the
    /// journal stopped being complete.
    pub async fn stop(&self) -> Result<(), StorageError> {
        _ = self.send(Ask::Stop).await;
        self.ended().await
    }

    /// Waits for the driver's end without asking for it.
    ///
    /// # Errors
    /// As [`Handle::stop`].
    pub async fn ended(&self) -> Result<(), StorageError> {
        let mut ended = self.ended.clone();
        let how = ended.wait_for(Option::is_some).await.ok().and_then(|how| how.clone());
        how.unwrap_or_else(|| {
            let (path, problem) = (Default::default(), StorageProblem::Abandoned);
            Err(StorageError { path, action: "finish the journals", problem })
        })
    }

    async fn send(&self, ask: Ask<M>) -> Result<(), Stopped> {
        self.asks.send(ask).await.map_err(|_| Stopped)
    }
}

impl<M: Machine> Clone for Handle<M> {
    fn clone(&self) -> Self {
        Self { asks: self.asks.clone(), ended: self.ended.clone() }
    }
}

impl<M: Machine> std::fmt::Debug for Handle<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

impl<E> Events<E> {
    /// The next notice, or `None` after the driver has ended.
    pub async fn next(&mut self) -> Option<Notice<E>> {
        self.notices.recv().await
    }

    /// The next notice if there is one already.
    pub fn try_next(&mut self) -> Option<Notice<E>> {
        self.notices.try_recv().ok()
    }

    /// How many notices were dropped since the last call because the app did not
    /// read. If not 0, look at the machine with [`Handle::inspect`].
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed.swap(0, Ordering::Relaxed)
    }
}

impl<E> Teller<E> {
    /// Tells the app, or counts that it could not be told.
    pub(crate) fn tell(&self, notice: Notice<E>) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.notices.try_send(notice) {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}
