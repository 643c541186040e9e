//! Two pieces of work that need nothing of each other.
//!
//! Eight hours are smoothed and checked in pieces that do not depend on one another,
//! and a judge's machine has several processors. This crate starts no threads, so
//! whoever has some hands in a [`Join`], which decides when each piece is done and
//! nothing about what comes out. Rejected: a list of jobs (it would need a bound, and
//! an order of its own), and threads below a feature (what is pure would depend on how
//! it was built).

/// Who does two pieces of work: side by side, or one after the other.
pub trait Join: Copy + Sync {
    /// What both come to.
    fn join<A, B>(self, one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B)
    where
        A: Send,
        B: Send;

    /// What `of` makes of each, in their order: of one half beside the other.
    fn map<T: Sync, R: Send>(self, items: &[T], of: impl Fn(&T) -> R + Sync) -> Vec<R> {
        let (early, late) = items.split_at(items.len() / 2);
        let all = |items: &[T]| items.iter().map(&of).collect();
        let (mut done, late): (Vec<R>, Vec<R>) = self.join(|| all(early), || all(late));
        done.extend(late);
        done
    }
}

/// One piece after the other, on the thread that asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InTurn;

impl Join for InTurn {
    fn join<A, B>(self, one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B)
    where
        A: Send,
        B: Send,
    {
        (one(), other())
    }
}
