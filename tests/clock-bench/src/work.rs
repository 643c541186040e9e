//! Runs everything that was asked for, on two threads, and says how far it is.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use diptych_protocol::time::Span;
use diptych_tests::scenario::Scenario;

use crate::method::Asked;
use crate::methods::Entry;
use crate::run::{Keep, World, evenly, instants};
use crate::score::{Score, Tally, settled};

/// Everything that was asked for.
pub(crate) struct Plan {
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) seeds: Range<u64>,
    pub(crate) lasting: Span,
    /// Between two instants at which a method is asked.
    pub(crate) apart: Span,
    pub(crate) keep: Keep,
}

/// The machine may be somebody's desk: never more threads than this.
const THREADS: usize = 2;

/// One row per scenario and method, in that order, the same whatever thread
/// was faster.
pub(crate) fn run(plan: &Plan) -> Vec<Score> {
    let rows: Vec<(&Scenario, &Entry)> = plan
        .scenarios
        .iter()
        .flat_map(|scenario| plan.entries.iter().map(move |entry| (scenario, entry)))
        .collect();
    in_parallel(&rows, |(scenario, entry)| row(plan, scenario, entry))
}

/// Does every job, on two threads, and gives what came of them in their order.
pub(crate) fn in_parallel<J: Sync, T: Send>(jobs: &[J], work: impl Fn(&J) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    let progress = Progress::new(jobs.len());
    std::thread::scope(|scope| {
        for _ in 0..THREADS.min(jobs.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { break };
                    let result = work(job);
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    done.insert(index, result);
                    progress.show(done.len());
                }
            });
        }
    });
    progress.clear();
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

fn row(plan: &Plan, scenario: &Scenario, entry: &Entry) -> Score {
    let instants = match plan.keep {
        Keep::Observations => instants(scenario, plan.lasting, plan.apart),
        Keep::Counts => evenly(plan.lasting, plan.apart),
    };
    let mut asked = Asked::Live;
    let mut tally = Tally::default();
    for seed in plan.seeds.clone() {
        let mut method = (entry.start)();
        asked = method.asked();
        let settled = settled(asked == Asked::Afterwards);
        let outcome =
            World::new(scenario, seed, plan.lasting).run(method.as_mut(), &instants, plan.keep);
        tally.add(scenario, settled, plan.lasting, &outcome);
    }
    tally.score(scenario.name, entry.name, asked)
}

/// A line on the terminal for whoever waits longer than a second.
struct Progress {
    began: Instant,
    rows: usize,
    shown: bool,
}

impl Progress {
    #[expect(clippy::disallowed_methods, reason = "only to be patient with a person")]
    fn new(rows: usize) -> Self {
        Self { began: Instant::now(), rows, shown: io::stderr().is_terminal() }
    }

    fn show(&self, done: usize) {
        if self.shown && self.began.elapsed() > Duration::from_secs(1) {
            let mut err = io::stderr().lock();
            let _ = write!(err, "\r\x1b[K{done} of {} done", self.rows);
            let _ = err.flush();
        }
    }

    fn clear(&self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
