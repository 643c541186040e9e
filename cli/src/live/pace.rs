//! When a log is told what holds.
//!
//! In a pipe or a file nothing stands, and events may be minutes apart: who reads a log must
//! see that all is well. So what stands in a terminal is one line there, once a minute, and
//! sooner where it says something else. Rejected: a line for each change (frames are counted
//! twice a second), and one for each event (which has a line already, and several of them
//! come together).

use std::time::Duration;

/// From one look at what holds to the next.
const LOOK: Duration = Duration::from_secs(1);
/// Between two lines, if something else holds.
const SOONEST: Duration = Duration::from_secs(10);
/// Between two lines that say the same.
const LATEST: Duration = Duration::from_secs(60);

/// What a log was told, and when. Times are since its beginning.
#[derive(Debug, Default)]
pub(super) struct Pace {
    looked: Duration,
    told: Duration,
    /// What the last line said, without its numbers.
    words: String,
}

impl Pace {
    /// Whether it is time to look.
    pub(super) fn looks(&mut self, now: Duration) -> bool {
        let due = now.saturating_sub(self.looked) >= LOOK;
        if due {
            self.looked = now;
        }
        due
    }

    /// The line for what holds, if one is due.
    pub(super) fn line(&mut self, holds: &[String], now: Duration) -> Option<String> {
        let parts: Vec<String> = holds
            .iter()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let line = parts.join(" | ");
        let words: String = line.chars().filter(|letter| !letter.is_ascii_digit()).collect();
        let patience = if words == self.words { LATEST } else { SOONEST };
        if line.is_empty() || now.saturating_sub(self.told) < patience {
            return None;
        }
        (self.told, self.words) = (now, words);
        Some(format!("status: {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds at which a log of `to` seconds has a line, and the lines.
    fn log(to: u64, holds: impl Fn(u64) -> Vec<String>) -> Vec<(u64, String)> {
        let mut pace = Pace::default();
        // Twenty turns of a loop in each second.
        let turns = (0..20 * to).filter_map(|turn| {
            let now = Duration::from_millis(50 * turn);
            let look = pace.looks(now);
            let line = look.then(|| pace.line(&holds(turn / 20), now)).flatten()?;
            Some((turn / 20, line))
        });
        turns.collect()
    }

    #[test]
    fn a_log_has_a_line_a_minute_and_one_soon_after_something_else_holds() {
        let told = log(300, |second| {
            let camera = if (100..103).contains(&second) { "LOST for 3 s" } else { "recording" };
            vec![format!("ANSWERING, {} s left", 300 - second), format!("P   {camera}")]
        });
        let at: Vec<u64> = told.iter().map(|(at, _)| *at).collect();
        // Numbers alone are no news; a loss is told at once, its end as soon as it may be.
        assert_eq!(at, [10, 70, 100, 110, 170, 230, 290]);
        assert_eq!(told[0].1, "status: ANSWERING, 290 s left | P recording");
        assert!(told[2].1.contains("LOST") && told[3].1.contains("recording"));
    }

    #[test]
    fn what_changes_in_every_second_is_told_every_ten() {
        let flapping =
            |second: u64| vec![if second.is_multiple_of(2) { "LIVE" } else { "LATE" }.to_owned()];
        let at: Vec<u64> = log(60, flapping).into_iter().map(|(at, _)| at).collect();
        assert!(at.len() <= 5 && at.windows(2).all(|pair| pair[1] - pair[0] >= 10), "{at:?}");
        assert!(log(300, |_| Vec::new()).is_empty(), "nothing holds");
    }
}
