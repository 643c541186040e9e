//! The report to read: one line that says it all, then why.

use diptych_protocol::identity::Hex;
use diptych_protocol::journal::Claim;
use diptych_protocol::policy::Revision;
use diptych_protocol::report::{Account, Report};
use diptych_protocol::timeline::Basis;

use super::{claims, clock, counted, evidence, length, ruling};

/// No line is longer.
const COLUMNS: usize = 80;

/// The report as plain text, in at most 80 columns.
///
/// ```
/// use diptych_protocol::journal::{JournalError, replay};
/// use diptych_protocol::report::evaluate;
///
/// /// What happened, from the bytes of each journal in the session's storage.
/// fn told(journals: &[Vec<u8>]) -> Result<String, JournalError> {
///     let journals: Result<Vec<_>, _> = journals.iter().map(|bytes| replay(bytes)).collect();
///     Ok(match evaluate(&journals?, None) {
///         Ok(report) => diptych_primary::render::text(&report),
///         Err(error) => error.to_string(),
///     })
/// }
/// ```
#[must_use]
pub fn text(report: &Report) -> String {
    let mut out = Lines(String::new());
    out.wrapped("", &summary(report));
    if let Some(revision) = &report.revision {
        revised(&mut out, report, revision);
    }
    let terms = report.policy.terms();
    let allowed = terms.max_count.map_or("any number".to_owned(), |max| max.to_string());
    let longest = terms.max_duration.map_or("any length".to_owned(), length);
    out.section("Policy");
    out.wrapped(
        "  ",
        &format!(
            "{}: at most {allowed} ({}), each at most {longest}",
            terms.name,
            terms.scope.name()
        ),
    );
    out.section("Interruptions");
    out.none_if(report.accounts.is_empty());
    for (index, account) in report.accounts.iter().enumerate() {
        interruption(&mut out, report, index.saturating_add(1), account);
    }
    if !report.unknown.is_empty() {
        out.section("Unknown: neither proved nor excluded");
    }
    for gap in &report.unknown {
        let (start, end) = (clock(report, gap.start), clock(report, gap.end));
        let long = length(gap.end - gap.start);
        out.wrapped("  ", &format!("{:<3} {start} to {end}, {long}", gap.role.to_string()));
    }
    cameras_and_clocks(&mut out, report);
    out.section("Links (never counted)");
    out.none_if(report.links.is_empty());
    for link in &report.links {
        let (start, end) = (clock(report, link.start), clock(report, link.end));
        let long = length(link.end - link.start);
        out.wrapped("  ", &format!("P - {}: silent {start} to {end}, {long}", link.peer));
    }
    out.section(&format!("Journals ({})", evidence(report)));
    for journal in &report.journals {
        let head = Hex(&journal.head.hash);
        let end = if journal.finished { "finished" } else { "NOT finished" };
        let seal = if journal.sealed { "last seal genuine" } else { "NO genuine last seal" };
        let role = journal.role.to_string();
        let (records, last) = (journal.records, journal.head.sequence);
        out.wrapped(
            "  ",
            &format!("{role:<3} {records} records to #{last} ({head:.8}…), {end}, {seal}"),
        );
    }
    for finding in &report.findings {
        out.wrapped("      ", &format!("byte {}: {finding}", finding.offset));
        for claim in claims(finding) {
            head(&mut out, claim);
        }
    }
    out.0
}

/// Verdict, count, longest loss, worst alignment error, flags.
fn summary(report: &Report) -> String {
    let count = counted(&report.judgement);
    let longest = report.longest().map_or("none".to_owned(), length);
    let aligned = report
        .worst_alignment()
        .map_or("not aligned".to_owned(), |e| format!("aligned ±{}", length(e)));
    let flags: Vec<_> = report.flags.iter().map(|flag| flag.name()).collect();
    let flags = if flags.is_empty() { "none".to_owned() } else { flags.join(" ") };
    let verdict = report.judgement.verdict;
    format!("{verdict}: {count}, longest {longest}, {aligned}, flags {flags}")
}

/// What people have said since, and what holds now.
fn revised(out: &mut Lines, report: &Report, revision: &Revision) {
    let Revision { judgement, excused, decided, by } = revision;
    let count = counted(judgement);
    let signed = if by.len() == 1 { "1 key".to_owned() } else { format!("{} keys", by.len()) };
    let verdict = revision.verdict();
    out.wrapped("", &format!("Revised: {verdict}, {count}, by statements of {signed}"));
    for excuse in excused {
        let start = clock(report, excuse.start);
        let end = if excuse.end < report.window.end {
            clock(report, excuse.end)
        } else {
            "the end".to_owned()
        };
        out.wrapped("  ", &format!("excused from {start} to {end} (R13)"));
    }
    if let Some((decided, by)) = decided {
        let by: String = by.to_string().chars().take(8).collect();
        let (verdict, rules) = (decided.decision.verdict(), judgement.verdict);
        out.wrapped("  ", &format!("decided by key {by}…: {verdict}; by the rules {rules}"));
    }
}

fn interruption(out: &mut Lines, report: &Report, number: usize, account: &Account) {
    let one = &account.interruption;
    let (start, end) = (clock(report, one.start), clock(report, one.end));
    let (long, within) = (length(one.duration), length(one.uncertainty));
    let raw = if account.raw == 0 { String::new() } else { format!(" ({})", account.raw) };
    let role = one.role.to_string();
    out.wrapped("  ", &format!("{number:>2}. {role:<3} {start} to {end}, {long} ± {within}"));
    out.wrapped("      ", &format!("{}{raw}: {}", one.cause, ruling(one)));
    for shown in &account.evidence {
        let device = if shown.device > 1 { format!(".{}", shown.device) } else { String::new() };
        let line = format!("{}{device} record {}: {}", shown.role, shown.sequence, shown.what);
        out.wrapped("      ", &line);
    }
}

fn cameras_and_clocks(out: &mut Lines, report: &Report) {
    out.section("Cameras");
    for camera in &report.cameras {
        let role = camera.role.to_string();
        let (frames, bytes) = (camera.totals.frames, camera.totals.bytes);
        let stretches = camera.covered.len();
        let plural = if stretches == 1 { "" } else { "es" };
        out.wrapped(
            "  ",
            &format!("{role:<3} {frames} frames, {bytes} bytes, in {stretches} stretch{plural}"),
        );
    }
    out.section("Alignment with P");
    out.none_if(report.alignments.is_empty());
    for alignment in &report.alignments {
        let role = alignment.clock.role.to_string();
        let skew = alignment.skew_ppb.map_or(String::new(), |ppb| {
            let sign = if ppb < 0 { '-' } else { '+' };
            let (whole, rest) = (ppb.unsigned_abs() / 1_000, ppb.unsigned_abs() % 1_000 / 100);
            format!(", clock {sign}{whole}.{rest} ppm")
        });
        let basis = match alignment.basis {
            Basis::Own | Basis::Messages => "",
            Basis::WallClock => ", by WALL CLOCK only",
        };
        let (worst, own) = (length(alignment.worst), length(alignment.clock_worst));
        let messages = alignment.observations;
        let line =
            format!("{role:<3} ±{worst} at worst (clock ±{own}), {messages} messages{skew}{basis}");
        out.wrapped("  ", &line);
    }
}

/// One of two heads that exclude each other, and who signed it; `report.json` has all
/// the digits.
fn head(out: &mut Lines, claim: &Claim) {
    let Claim { head, by, record, seal, own, .. } = claim;
    let sealed = seal.map_or("not signed".to_owned(), |(seal, signed)| {
        format!("signed in {seal} ({:.12}…)", Hex(&signed.signature.0))
    });
    let (sequence, hash) = (head.sequence, Hex(&head.hash));
    out.wrapped(
        "        ",
        &format!("#{sequence} {hash:.12}… as {by} wrote in {record}, {sealed}"),
    );
    if let Some((_, signed)) = own {
        let (last, hash) = (signed.head.sequence, Hex(&signed.head.hash));
        let signature = Hex(&signed.signature.0);
        let line = format!("its own seal on that history: #{last} {hash:.12}… ({signature:.12}…)");
        out.wrapped("          ", &line);
    }
}

struct Lines(String);

impl Lines {
    fn section(&mut self, title: &str) {
        self.0.push('\n');
        self.wrapped("", title);
    }

    fn none_if(&mut self, empty: bool) {
        if empty {
            self.0.push_str("  none\n");
        }
    }

    /// Adds words, broken before they leave the page.
    fn wrapped(&mut self, indent: &str, line: &str) {
        let mut width = indent.chars().count();
        self.0.push_str(indent);
        for (index, word) in line.split(' ').enumerate() {
            let long = word.chars().count();
            if index > 0 && width.saturating_add(long) >= COLUMNS {
                self.0.push('\n');
                self.0.push_str(indent);
                self.0.push_str("    ");
                width = indent.chars().count().saturating_add(4);
            } else if index > 0 {
                self.0.push(' ');
                width = width.saturating_add(1);
            }
            self.0.push_str(word);
            width = width.saturating_add(long);
        }
        self.0.push('\n');
    }
}
