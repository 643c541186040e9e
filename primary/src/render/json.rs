//! `report.json`, as `spec/report.schema.json` describes it.

use diptych_protocol::identity::{Hex, PublicKey, Role};
use diptych_protocol::journal::{Claim, SignedHead};
use diptych_protocol::policy::{Length, Revision};
use diptych_protocol::report::{Account, Alignment, Camera, JournalState, Moment, Report};
use diptych_protocol::time::{Instant, Primary, Span};
use diptych_protocol::timeline::Basis;

use super::value::Json;
use super::{claims, evidence, ruling};

/// The report as one JSON object. Times are nanoseconds of session time.
///
/// ```
/// use diptych_protocol::report::Report;
///
/// fn publish(report: &Report) -> std::io::Result<()> {
///     std::fs::write("report.json", diptych_primary::render::json(report))
/// }
/// ```
#[must_use]
pub fn json(report: &Report) -> String {
    let judgement = &report.judgement;
    let terms = report.policy.terms();
    let object = Json::Object(vec![
        ("format", Json::text("diptych report 1")),
        ("verdict", Json::text(judgement.verdict)),
        ("reasons", Json::list(&judgement.reasons, |reason| Json::text(reason.name()))),
        ("failed_at_ns", judgement.failed_at.map_or(Json::Null, at)),
        ("count_min", Json::count(judgement.count_min)),
        ("count_max", Json::count(judgement.count_max)),
        ("longest_ns", report.longest().map_or(Json::Null, span)),
        ("alignment_bound_ns_max", report.worst_alignment().map_or(Json::Null, span)),
        ("flags", Json::list(&report.flags, |flag| Json::text(flag.name()))),
        ("evidence", Json::text(evidence(report))),
        (
            "policy",
            Json::Object(vec![
                ("name", Json::text(terms.name)),
                ("max_count", terms.max_count.map_or(Json::Null, Json::count)),
                ("max_duration_ns", terms.max_duration.map_or(Json::Null, span)),
                ("scope", Json::text(terms.scope.name())),
                ("sha256", hex(&report.policy.digest())),
            ]),
        ),
        (
            "window",
            Json::Object(vec![
                ("wait_open_ns", at(report.waiting.0)),
                ("wait_close_ns", at(report.waiting.1)),
                ("start_ns", at(report.window.start)),
                ("end_ns", at(report.window.end)),
            ]),
        ),
        ("interruptions", Json::list(&report.accounts, interruption)),
        ("unknown", Json::list(&report.unknown, |gap| stretch(gap.role, gap.start, gap.end))),
        ("cameras", Json::list(&report.cameras, camera)),
        ("alignments", Json::list(&report.alignments, alignment)),
        ("link_losses", Json::list(&report.links, |loss| stretch(loss.peer, loss.start, loss.end))),
        ("moments", Json::list(&report.moments, moment)),
        ("journals", Json::list(&report.journals, journal)),
        (
            "findings",
            Json::list(&report.findings, |finding| {
                Json::Object(vec![
                    ("role", finding.role.map_or(Json::Null, Json::text)),
                    ("offset", Json::count(finding.offset)),
                    ("meaning", Json::text(finding.offence)),
                    ("heads", Json::list(claims(finding), head)),
                ])
            }),
        ),
        ("revision", report.revision.as_ref().map_or(Json::Null, revision)),
    ]);
    format!("{object}\n")
}

/// One of two heads that exclude each other, as it stands among the findings of
/// [`json()`]: one object, for whoever shows a finding without a report. `[REPORT-15]`
///
/// ```
/// use diptych_protocol::journal::Proof;
///
/// fn both(proof: &Proof) -> [String; 2] {
///     [&proof.here, &proof.seen].map(diptych_primary::render::claim)
/// }
/// ```
#[must_use]
pub fn claim(claim: &Claim) -> String {
    head(claim).to_string()
}

/// A head that somebody wrote down, and who signed it.
fn head(claim: &Claim) -> Json {
    Json::Object(vec![
        ("record", Json::count(claim.head.sequence)),
        ("head", hex(&claim.head.hash)),
        ("by", Json::text(claim.by)),
        ("written_in", Json::count(claim.record)),
        ("seal", claim.seal.map_or(Json::Null, |(_, signed)| seal(&claim.key, &signed))),
        ("own_seal", claim.own.map_or(Json::Null, |(key, signed)| seal(&key, &signed))),
    ])
}

/// All that it takes to check a signature.
fn seal(key: &PublicKey, signed: &SignedHead) -> Json {
    Json::Object(vec![
        ("record", Json::count(signed.head.sequence)),
        ("head", hex(&signed.head.hash)),
        ("signature", hex(&signed.signature.0)),
        ("key", hex(key.sec1())),
    ])
}

fn revision(revision: &Revision) -> Json {
    let judgement = &revision.judgement;
    let excused = Json::list(&revision.excused, |excuse| {
        // A pause that was never ended.
        let end = if excuse.end == Instant::MAX { Json::Null } else { at(excuse.end) };
        Json::Object(vec![("start_ns", at(excuse.start)), ("end_ns", end)])
    });
    let decided = revision.decided.map_or(Json::Null, |(decided, by)| {
        Json::Object(vec![
            ("verdict", Json::text(decided.decision.verdict())),
            ("unix_ms", Json::Number(decided.wall_ms)),
            ("by", Json::text(by)),
        ])
    });
    Json::Object(vec![
        ("verdict", Json::text(revision.verdict())),
        ("reasons", Json::list(&judgement.reasons, |reason| Json::text(reason.name()))),
        ("count_min", Json::count(judgement.count_min)),
        ("count_max", Json::count(judgement.count_max)),
        ("excused", excused),
        ("decided", decided),
        ("by", Json::list(&revision.by, Json::text)),
    ])
}

fn at(instant: Instant<Primary>) -> Json {
    Json::Number(instant.nanos())
}

const fn span(span: Span) -> Json {
    Json::Number(span.nanos())
}

fn hex(bytes: &[u8]) -> Json {
    Json::text(Hex(bytes))
}

fn stretch(role: Role, start: Instant<Primary>, end: Instant<Primary>) -> Json {
    Json::Object(vec![("role", Json::text(role)), ("start_ns", at(start)), ("end_ns", at(end))])
}

fn interruption(account: &Account) -> Json {
    let one = &account.interruption;
    let length = match one.length {
        Length::Within => "WITHIN",
        Length::Marginal => "MARGINAL",
        Length::Over => "OVER",
    };
    Json::Object(vec![
        ("role", Json::text(one.role)),
        ("start_ns", at(one.start)),
        ("end_ns", at(one.end)),
        ("duration_ns", span(one.duration)),
        ("lost_ns", span(one.lost)),
        ("uncertainty_ns", span(one.uncertainty)),
        ("cause", Json::text(one.cause)),
        ("raw", Json::count(account.raw)),
        ("standing", Json::text(one.standing.name())),
        ("rule", Json::text(one.standing.rule())),
        ("length", Json::text(length)),
        ("episode", one.episode.map_or(Json::Null, Json::count)),
        ("explanation", Json::Text(ruling(one))),
        (
            "evidence",
            Json::list(&account.evidence, |shown| {
                Json::Object(vec![
                    ("role", Json::text(shown.role)),
                    ("device", Json::count(shown.device)),
                    ("record", Json::count(shown.sequence)),
                    ("shows", Json::text(shown.what)),
                ])
            }),
        ),
    ])
}

fn camera(camera: &Camera) -> Json {
    Json::Object(vec![
        ("role", Json::text(camera.role)),
        ("frames", Json::count(camera.totals.frames)),
        ("bytes", Json::count(camera.totals.bytes)),
        ("fragments", Json::count(camera.totals.fragments)),
        (
            "covered",
            Json::list(&camera.covered, |covered| {
                Json::Object(vec![
                    ("start_ns", at(covered.start.at)),
                    ("end_ns", at(covered.end.at)),
                    ("within_ns", span(covered.start.within().max(covered.end.within()))),
                ])
            }),
        ),
    ])
}

fn alignment(alignment: &Alignment) -> Json {
    let basis = match alignment.basis {
        Basis::Own => "own",
        Basis::Messages => "messages",
        Basis::WallClock => "wall_clock",
    };
    Json::Object(vec![
        ("role", Json::text(alignment.clock.role)),
        ("device", Json::count(alignment.clock.device)),
        ("boot", Json::text(alignment.clock.boot)),
        ("bound_ns_max", span(alignment.worst)),
        ("clock_bound_ns_max", span(alignment.clock_worst)),
        ("clock_bound_ns_median", span(alignment.clock_median)),
        ("skew_ppb", alignment.skew_ppb.map_or(Json::Null, Json::count)),
        ("messages", Json::count(alignment.observations)),
        ("basis", Json::text(basis)),
    ])
}

fn moment(moment: &Moment) -> Json {
    let (when, what, which) = match moment {
        Moment::Phase(when, phase) => (*when, "phase", Json::text(phase.name())),
        Moment::Take(when, take, 0) => (*when, "take_began", Json::count(*take)),
        Moment::Take(when, take, 1) => (*when, "take_ended", Json::count(*take)),
        Moment::Take(when, take, _) => (*when, "take_chosen", Json::count(*take)),
        Moment::Mark(when, label) => (*when, "mark", Json::text(label)),
    };
    Json::Object(vec![("at_ns", at(when)), ("what", Json::text(what)), ("which", which)])
}

fn journal(journal: &JournalState) -> Json {
    Json::Object(vec![
        ("role", Json::text(journal.role)),
        ("device", Json::count(journal.device)),
        ("records", Json::count(journal.records)),
        ("last_record", Json::count(journal.head.sequence)),
        ("head", hex(&journal.head.hash)),
        ("holes", Json::count(journal.holes)),
        ("torn_bytes", Json::count(journal.torn)),
        ("finished", Json::truth(journal.finished)),
        ("sealed", Json::truth(journal.sealed)),
    ])
}
