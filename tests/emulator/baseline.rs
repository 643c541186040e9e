//! What simpler methods make of the same path: one exchange as it comes, and the
//! shortest of eight, as the simple network time protocol's clients do.

use crate::bed::Probe;

/// Reads the lines of four stamps (asked, heard, answered, back) that a client
/// printed, of clocks whose true difference is known whenever the first was read.
pub(crate) fn of(sent: usize, lines: &str, truth_ns: impl Fn(i64) -> Option<i64>) -> Probe {
    let (mut exchanges, mut rtt_ns) = (Vec::new(), Vec::new());
    for line in lines.lines() {
        let stamps: Vec<i64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
        if let [asked, heard, answered, back] = stamps[..] {
            let rtt = (back - asked) - (answered - heard);
            let offset = ((heard - asked) + (answered - back)) / 2;
            rtt_ns.push(rtt);
            exchanges.extend(truth_ns(asked).map(|truth| (rtt, offset - truth)));
        }
    }
    let naive: Vec<i64> = exchanges.iter().map(|(_, error)| *error).collect();
    let best: Vec<i64> = exchanges
        .chunks_exact(8)
        .filter_map(|eight| eight.iter().min().map(|(_, error)| *error))
        .collect();
    rtt_ns.sort_unstable();
    Probe {
        sent,
        answered: rtt_ns.len(),
        rtt_ns,
        naive_ns: rms(&naive),
        best_of_8_ns: rms(&best),
        chrony_ns: None,
    }
}

/// Root mean square, in whole nanoseconds.
pub(crate) fn rms(errors: &[i64]) -> Option<i64> {
    let count = i128::try_from(errors.len()).ok().filter(|count| *count > 0)?;
    let squares: i128 = errors.iter().map(|error| i128::from(*error).pow(2)).sum();
    i64::try_from((squares / count).isqrt()).ok()
}

/// Checks the arithmetic against exchanges worked out by hand.
pub(crate) fn check() -> Result<(), String> {
    // One way 10, the other 30: off by 10 from a true difference of 1,000.
    let line = "100 1110 1120 150\n";
    let probe = of(9, &line.repeat(8), |_| Some(1_000));
    let got = (probe.answered, probe.rtt_ns.first().copied(), probe.naive_ns, probe.best_of_8_ns);
    let expected = (8, Some(40), Some(10), Some(10));
    if got == expected { Ok(()) } else { Err(format!("expected {expected:?}, got {got:?}")) }
}
