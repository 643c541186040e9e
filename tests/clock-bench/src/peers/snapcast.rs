//! Snapcast: fifty quick exchanges over TCP, then one a second; the offset is
//! the median of the last two hundred, without any notion of drift.

use std::collections::VecDeque;

use super::{MILLI, SECOND, TCP, median};
use crate::method::{Exchange, Prober, Reading};

const QUICK: u32 = 50;
const WINDOW: usize = 200;
/// The window is emptied after a silence this long.
const FORGET: i64 = 60 * SECOND;

/// The state of a client.
#[derive(Debug, Default)]
pub(crate) struct Snapcast {
    due: i64,
    asked: u32,
    first: Option<i64>,
    window: VecDeque<f64>,
    last: i64,
    offset: Option<i64>,
}

impl Prober for Snapcast {
    fn bytes(&self) -> (u32, u32) {
        (TCP + 34, TCP + 34)
    }

    fn due(&self) -> i64 {
        self.due
    }

    fn act(&mut self, now: i64) -> bool {
        self.asked += 1;
        self.due = now + SECOND;
        true
    }

    fn observe(&mut self, exchange: &Exchange) {
        if self.asked < QUICK {
            self.due = exchange.t4 + MILLI / 10;
        }
        if exchange.t4 - self.last > FORGET {
            self.window.clear();
        }
        self.last = exchange.t4;
        let first = *self.first.get_or_insert(exchange.offset());
        self.window.push_back((exchange.offset() - first) as f64);
        if self.window.len() > WINDOW {
            self.window.pop_front();
        }
        let mut window: Vec<f64> = self.window.iter().copied().collect();
        self.offset = median(&mut window).map(|offset| first + offset as i64);
    }

    fn reading(&mut self, _at: i64) -> Option<Reading> {
        self.offset.map(Reading::bare)
    }
}
