//! How an app talks to a running machine: it asks, it is told, it looks.
//!
//! Both channels are bounded. Of events that only the newest of a kind is worth
//! reading, a full queue keeps the newest. If it is still full the newest events are
//! dropped, and the app is told how many at the place where they are missing, after
//! everything that came before. Then it looks at the machine with
//! [`Handle::inspect`], which says how things are; what has passed since (an alarm, a
//! finding) is told by no second event, only by the journal. `[TRANSPORT-19]`
//!
//! Rejected: an unbounded queue (a stalled screen would grow it for hours), waiting
//! for the app (it would stall the protocol), and telling of a gap before what
//! precedes it: who has looked at the present must not obey the past.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use diptych_protocol::machine::Machine;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::diagnosis::Diagnosis;
use crate::error::{AskError, Stopped, StorageError, StorageProblem};
use crate::held::Held;

/// How a driver ended.
pub(crate) type Ended = Result<(), StorageError>;

/// Asks the running machine. Cheap to clone; when the last one is dropped, the
/// driver ends.
pub struct Handle<M: Machine> {
    asks: mpsc::Sender<Ask<M>>,
    ended: watch::Receiver<Option<Ended>>,
    held: Arc<Held>,
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
pub struct Events<E>(Arc<Shared<E>>);

/// One thing that the app is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notice<E> {
    /// The machine says so.
    Event(E),
    /// The driver found something that a person should know.
    Trouble(Diagnosis),
    /// So many notices were dropped here because the app did not read: look at the
    /// machine with [`Handle::inspect`].
    Missed(u64),
}

/// Whether the first of two events makes the second, which is older, not worth
/// reading.
pub(crate) type Supersedes<E> = fn(&E, &E) -> bool;

/// The loop's end of [`Events`].
pub(crate) struct Teller<E>(Arc<Shared<E>>);

/// What both ends of [`Events`] hold.
#[derive(Debug)]
struct Shared<E> {
    queue: Mutex<Queue<E>>,
    came: Notify,
    /// The same for threads that wait.
    heard: Condvar,
}

/// What a wait on a thread ended with.
pub(crate) enum Waited<E> {
    Notice(Notice<E>),
    /// Nothing will come any more.
    Ended,
    /// Nothing came in time.
    Nothing,
}

#[derive(Debug)]
struct Queue<E> {
    /// Each with how many are missing before it.
    waiting: VecDeque<(u64, Notice<E>)>,
    /// How many are missing after the last.
    missed: u64,
    capacity: usize,
    supersedes: Supersedes<E>,
    /// Whether no event that waits supersedes another one.
    thin: bool,
    ended: bool,
}

/// The loop's ends of a [`Handle`].
pub(crate) struct Asked<M: Machine> {
    pub(crate) asks: mpsc::Receiver<Ask<M>>,
    pub(crate) ended: watch::Sender<Option<Ended>>,
    pub(crate) held: Arc<Held>,
}

pub(crate) fn handle<M: Machine>(capacity: usize) -> (Handle<M>, Asked<M>) {
    let (asks, asked) = mpsc::channel(capacity);
    let (ending, ended) = watch::channel(None);
    let held = Arc::<Held>::default();
    let handle = Handle { asks, ended, held: held.clone() };
    (handle, Asked { asks: asked, ended: ending, held })
}

pub(crate) fn events<E>(capacity: usize, supersedes: Supersedes<E>) -> (Teller<E>, Events<E>) {
    let waiting = VecDeque::new();
    let queue = Queue { waiting, missed: 0, capacity, supersedes, thin: true, ended: false };
    let shared =
        Arc::new(Shared { queue: Mutex::new(queue), came: Notify::new(), heard: Condvar::new() });
    (Teller(shared.clone()), Events(shared))
}

impl<M: Machine> Handle<M> {
    /// Hands a command to the machine. It has been carried out when this returns: what
    /// it wants kept is on the disk, and if the disk failed, [`Events`] has said so.
    /// `[SESSION-1]`
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

    /// Which part of the app the loop waits for.
    pub(crate) fn held(&self) -> &Held {
        &self.held
    }

    async fn send(&self, ask: Ask<M>) -> Result<(), Stopped> {
        self.asks.send(ask).await.map_err(|_| Stopped)
    }
}

impl<M: Machine> Clone for Handle<M> {
    fn clone(&self) -> Self {
        Self { asks: self.asks.clone(), ended: self.ended.clone(), held: self.held.clone() }
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
        loop {
            let ended = {
                let mut queue = self.0.queue();
                if let Some(notice) = queue.take() {
                    return Some(notice);
                }
                queue.ended
            };
            if ended {
                return None;
            }
            self.0.came.notified().await;
        }
    }

    /// The next notice, waited for on this thread: an app's key that holds the runtime's
    /// threads up does not hold this up.
    pub(crate) fn wait(&self, patience: Duration) -> Waited<E> {
        let queue = self.0.queue();
        let waiting = self.0.heard.wait_timeout_while(queue, patience, |queue| queue.is_idle());
        let (mut queue, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        match queue.take() {
            Some(notice) => Waited::Notice(notice),
            None if queue.ended => Waited::Ended,
            None => Waited::Nothing,
        }
    }

    /// The next notice if there is one already.
    pub fn try_next(&mut self) -> Option<Notice<E>> {
        self.0.queue().take()
    }
}

impl<E> Teller<E> {
    /// Tells the app, or counts that it could not be told.
    pub(crate) fn tell(&self, notice: Notice<E>) {
        self.0.queue().put(notice);
        self.0.came.notify_one();
        self.0.heard.notify_one();
    }
}

impl<E> Drop for Teller<E> {
    fn drop(&mut self) {
        self.0.queue().ended = true;
        self.0.came.notify_one();
        self.0.heard.notify_all();
    }
}

impl<E> Shared<E> {
    fn queue(&self) -> MutexGuard<'_, Queue<E>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E> Queue<E> {
    fn put(&mut self, notice: Notice<E>) {
        if self.waiting.len() >= self.capacity {
            if !core::mem::replace(&mut self.thin, true) {
                self.make_thin();
            }
            let supersedes = self.supersedes;
            let older = |(_, older): &(u64, _)| outdated(supersedes, &notice, older);
            if let Some(at) = self.waiting.iter().position(older) {
                self.remove(at);
            }
        } else {
            self.thin = false;
        }
        if self.waiting.len() < self.capacity {
            self.waiting.push_back((core::mem::take(&mut self.missed), notice));
        } else {
            self.missed = self.missed.saturating_add(1);
        }
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.missed == 0 && !self.ended
    }

    fn take(&mut self) -> Option<Notice<E>> {
        let missed = self.waiting.front_mut().map_or(&mut self.missed, |(missed, _)| missed);
        match core::mem::take(missed) {
            0 => self.waiting.pop_front().map(|(_, notice)| notice),
            missed => Some(Notice::Missed(missed)),
        }
    }

    /// Leaves of those that supersede each other the newest.
    fn make_thin(&mut self) {
        for at in (0..self.waiting.len()).rev() {
            let mut from_here = self.waiting.iter().skip(at).map(|(_, notice)| notice);
            let old = from_here.next();
            let is_outdated = |old| from_here.any(|newer| outdated(self.supersedes, newer, old));
            if old.is_some_and(is_outdated) {
                self.remove(at);
            }
        }
    }

    /// Takes one out, and leaves the gap before it where it is.
    fn remove(&mut self, at: usize) {
        let missed = self.waiting.remove(at).map_or(0, |(missed, _)| missed);
        let after = self.waiting.get_mut(at).map_or(&mut self.missed, |(missed, _)| missed);
        *after = after.saturating_add(missed);
    }
}

fn outdated<E>(supersedes: Supersedes<E>, newer: &Notice<E>, older: &Notice<E>) -> bool {
    match (newer, older) {
        (Notice::Event(newer), Notice::Event(older)) => supersedes(newer, older),
        (Notice::Trouble(newer), Notice::Trouble(older)) => newer == older,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters are of one kind; digits stand alone.
    fn queue(capacity: usize) -> (Teller<char>, Events<char>) {
        events(capacity, |newer, older| newer.is_alphabetic() && older.is_alphabetic())
    }

    fn read(events: &mut Events<char>) -> String {
        let mut all = String::new();
        while let Some(notice) = events.try_next() {
            match notice {
                Notice::Event(event) => all.push(event),
                Notice::Missed(times) => all.push_str(&format!("({times})")),
                Notice::Trouble(trouble) => all.push_str(trouble.name()),
            }
        }
        all
    }

    fn tell(teller: &Teller<char>, events: &str) {
        events.chars().for_each(|event| teller.tell(Notice::Event(event)));
    }

    #[test]
    fn a_gap_is_told_where_it_is_and_not_before_what_precedes_it() {
        // [TRANSPORT-19]
        let (teller, mut events) = queue(3);
        tell(&teller, "12345");
        assert_eq!(events.try_next(), Some(Notice::Event('1')));
        tell(&teller, "6");
        assert_eq!(events.try_next(), Some(Notice::Event('2')));
        tell(&teller, "7");
        assert_eq!(read(&mut events), "3(2)67");
        tell(&teller, "8");
        assert_eq!(read(&mut events), "8");
    }

    #[test]
    fn a_full_queue_keeps_the_newest_of_what_only_the_newest_is_worth_reading() {
        // [TRANSPORT-19]
        let (teller, mut events) = queue(4);
        tell(&teller, "a1b");
        assert_eq!(read(&mut events), "a1b", "an app that reads is told everything");
        tell(&teller, "a1b2cdef");
        assert_eq!(read(&mut events), "12ef");
        tell(&teller, "a123b456c");
        assert_eq!(read(&mut events), "123(3)c");
    }

    #[tokio::test]
    async fn what_was_told_before_the_end_is_read_before_it() {
        let (teller, mut events) = queue(2);
        tell(&teller, "1");
        drop(teller);
        assert_eq!(events.next().await, Some(Notice::Event('1')));
        assert_eq!(events.next().await, None);
    }
}
