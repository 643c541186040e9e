//! `protocol/src/limits.rs` and the table of `spec/limits.md` say the same.
//!
//! Two lists of numbers drift apart in silence. Both are read here: the constants
//! are evaluated (a product, a sum, a span of seconds), the table's values are
//! read with their units, and name, value and clause must agree in both
//! directions.

use std::collections::BTreeMap;

use quote::ToTokens as _;

use crate::offence::{self, Offence};
use crate::source::{self, File, Source};

const CODE: &str = "protocol/src/limits.rs";
const TABLE: &str = "spec/limits.md";

/// A limit as one side states it.
#[derive(Debug)]
struct Limit {
    line: usize,
    /// Nanoseconds for a span, a bare number for anything else.
    value: Result<i128, String>,
    span: bool,
    clauses: Vec<String>,
}

type Limits = BTreeMap<String, Limit>;

/// The clauses in square brackets in a text.
fn clauses(text: &str) -> Vec<String> {
    let inner = text.split('[').skip(1).filter_map(|rest| Some(rest.split_once(']')?.0));
    let id = |text: &&str| {
        text.rsplit_once('-').is_some_and(|(topic, number)| {
            topic.chars().all(|letter| letter.is_ascii_uppercase())
                && number.chars().all(|digit| digit.is_ascii_digit())
        })
    };
    let mut found: Vec<String> = inner.filter(id).map(str::to_owned).collect();
    found.sort();
    found
}

// ── the code ──────────────────────────────────────────────────────────────────

fn in_code(source: &Source) -> Limits {
    let mut limits = Limits::new();
    for item in &source.tree.items {
        let syn::Item::Const(item) = item else { continue };
        if !matches!(item.vis, syn::Visibility::Public(_)) {
            continue;
        }
        let docs = item.attrs.iter().map(|attribute| attribute.to_token_stream().to_string());
        let limit = Limit {
            line: item.ident.span().start().line,
            value: evaluate(&item.expr, &limits),
            span: item.ty.to_token_stream().to_string() == "Span",
            clauses: clauses(&docs.collect::<String>()),
        };
        limits.insert(item.ident.to_string(), limit);
    }
    limits
}

/// The value of a constant's expression; what stands above may be named.
fn evaluate(expression: &syn::Expr, above: &Limits) -> Result<i128, String> {
    let text = || format!("`{}` is no form that is understood", expression.to_token_stream());
    match expression {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(number), .. }) => {
            number.base10_parse().map_err(|error| error.to_string())
        }
        syn::Expr::Paren(inner) => evaluate(&inner.expr, above),
        syn::Expr::Cast(inner) => evaluate(&inner.expr, above),
        syn::Expr::Unary(syn::ExprUnary { op: syn::UnOp::Neg(_), expr, .. }) => {
            Ok(-evaluate(expr, above)?)
        }
        syn::Expr::Path(path) => {
            let name = path.path.segments.last().map(|last| last.ident.to_string());
            let limit = name.and_then(|name| above.get(&name)).ok_or_else(text)?;
            limit.value.clone()
        }
        syn::Expr::MethodCall(call) if call.method == "nanos" => evaluate(&call.receiver, above),
        syn::Expr::Binary(pair) => {
            let (left, right) = (evaluate(&pair.left, above)?, evaluate(&pair.right, above)?);
            let value = match pair.op {
                syn::BinOp::Add(_) => left.checked_add(right),
                syn::BinOp::Sub(_) => left.checked_sub(right),
                syn::BinOp::Mul(_) => left.checked_mul(right),
                syn::BinOp::Div(_) => left.checked_div(right),
                syn::BinOp::Shl(_) => {
                    u32::try_from(right).ok().and_then(|right| left.checked_shl(right))
                }
                _ => None,
            };
            value.ok_or_else(text)
        }
        syn::Expr::Call(call) => {
            let function = call.func.to_token_stream().to_string().replace(' ', "");
            let unit = match function.as_str() {
                "Span::from_secs" => 1_000_000_000,
                "Span::from_millis" => 1_000_000,
                "Span::from_micros" => 1_000,
                "Span::from_nanos" => 1,
                _ => return Err(text()),
            };
            let inner = call.args.first().ok_or_else(text)?;
            Ok(evaluate(inner, above)? * unit)
        }
        _ => Err(text()),
    }
}

// ── the table ─────────────────────────────────────────────────────────────────

/// Rows whose first column is a name in backticks: name, value, clause, reason.
fn in_table(file: &File) -> (Limits, Vec<Offence>) {
    let mut limits = Limits::new();
    let mut offences = Vec::new();
    for (index, row) in file.text.lines().enumerate() {
        let line = index + 1;
        let cells: Vec<&str> = row.trim().trim_matches('|').split('|').map(str::trim).collect();
        let [name, value, clause, reason] = cells.as_slice() else { continue };
        let Some(name) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`')) else {
            continue;
        };
        if reason.is_empty() {
            offences.push(Offence::at(&file.path, line, format!("`{name}` has no reason")));
        }
        let (value, span) = match read(value) {
            Ok((value, span)) => (Ok(value), span),
            Err(what) => (Err(what), false),
        };
        let limit = Limit { line, value, span, clauses: clauses(clause) };
        if limits.insert(name.to_owned(), limit).is_some() {
            offences.push(Offence::at(&file.path, line, format!("`{name}` stands here twice")));
        }
    }
    (limits, offences)
}

/// `3 s`, `16 KiB`, `1,000,000`, `200 ppm`: the number, and whether it is a span.
fn read(text: &str) -> Result<(i128, bool), String> {
    let what = || format!("`{text}` is no value that is understood");
    let digits: String =
        text.chars().take_while(|c| c.is_ascii_digit() || ",_-".contains(*c)).collect();
    let unit = text.get(digits.len()..).unwrap_or_default().trim();
    let number: i128 = digits.replace([',', '_'], "").parse().map_err(|_| what())?;
    let (factor, span) = match unit.split(' ').next().unwrap_or_default() {
        "ns" => (1, true),
        "µs" | "us" => (1_000, true),
        "ms" => (1_000_000, true),
        "s" => (1_000_000_000, true),
        "min" => (60_000_000_000, true),
        "h" => (3_600_000_000_000, true),
        "d" => (86_400_000_000_000, true),
        "KiB" => (1_024, false),
        "MiB" => (1_048_576, false),
        "GiB" => (1_073_741_824, false),
        _ => (1, false),
    };
    number.checked_mul(factor).map(|value| (value, span)).ok_or_else(what)
}

// ── the comparison ────────────────────────────────────────────────────────────

/// Where code and table differ.
fn check(code: &Source, table: &File) -> Vec<Offence> {
    let constants = in_code(code);
    let (rows, mut offences) = in_table(table);
    for (name, constant) in &constants {
        let here = |what: String| Offence::at(&code.path, constant.line, what);
        if constant.clauses.is_empty() {
            offences.push(here(format!("`{name}` cites no clause")));
        }
        let Some(row) = rows.get(name) else {
            offences.push(here(format!("`{name}` is not in {TABLE}")));
            continue;
        };
        match (&constant.value, &row.value) {
            // A constant may count in a unit of its own (`TICKET_LIFETIME_S`).
            (Ok(value), Ok(said)) if value != said || constant.span && !row.span => {
                offences.push(here(format!("`{name}` is {value} here and {said} in {TABLE}")));
            }
            (Err(what), _) => offences.push(here(format!("`{name}`: {what}"))),
            (_, Err(what)) => {
                offences.push(Offence::at(&table.path, row.line, format!("`{name}`: {what}")));
            }
            (Ok(_), Ok(_)) => {}
        }
        if constant.clauses != row.clauses {
            let (ours, theirs) = (constant.clauses.join(", "), row.clauses.join(", "));
            offences.push(here(format!("`{name}` cites {ours} here and {theirs} in {TABLE}")));
        }
    }
    let dead = rows.iter().filter(|(name, _)| !constants.contains_key(*name));
    offences.extend(
        dead.map(|(name, row)| {
            Offence::at(&table.path, row.line, format!("no `{name}` in {CODE}"))
        }),
    );
    offences
}

#[test]
fn the_table_of_limits_equals_the_constants() {
    let (Some(code), Some(table)) = (source::file(CODE), source::file(TABLE)) else {
        panic!("{CODE} or {TABLE} is missing")
    };
    offence::none(&check(&Source::parse(code), &table));
}

fn probe(code: &str, table: &str) -> Vec<Offence> {
    check(&Source::parse(File::new(CODE, code)), &File::new(TABLE, table))
}

const ONE: &str = "/// Late. `[LIMITS-7]`\npub const LATE: Span = Span::from_secs(3);";

#[test]
fn a_limit_that_differs_is_caught() {
    offence::none(&probe(ONE, "| `LATE` | 3 s | `[LIMITS-7]` | why |"));
    offence::one(&probe(ONE, "| `LATE` | 4 s | `[LIMITS-7]` | why |"), "3000000000 here");
    offence::one(&probe(ONE, "| `LATE` | 3000000000 | `[LIMITS-7]` | why |"), "`LATE` is");
    offence::one(&probe(ONE, "| `LATE` | 3 s | `[LIMITS-8]` | why |"), "LIMITS-8 in");
    offence::one(&probe(ONE, "| `LATE` | 3 s | `[LIMITS-7]` | |"), "no reason");
    offence::one(&probe(ONE, "| `LATE` | soon | `[LIMITS-7]` | why |"), "no value");
}

#[test]
fn a_limit_on_one_side_only_is_caught() {
    let row = "| `LATE` | 3 s | `[LIMITS-7]` | why |";
    offence::one(&probe(ONE, "| `Other` |"), "is not in spec/limits.md");
    offence::one(&probe("", row), "no `LATE`");
    let uncited = "pub const N: u8 = 1;";
    assert_eq!(probe(uncited, "| `N` | 1 | | why |").len(), 1, "cites no clause");
}

#[test]
fn constants_are_evaluated() {
    let code = "/// [LIMITS-1]\npub const A: usize = 16 * 1024;\n\
                /// [LIMITS-2]\npub const B: i64 = (A as i64 + 1) << 2;\n\
                /// [LIMITS-3]\npub const C: Span = Span::from_millis(-2 * 3);\n\
                /// [LIMITS-4]\npub const D: u8 = f();";
    let rows = "| `A` | 16 KiB | [LIMITS-1] | x |\n| `B` | 65,540 | [LIMITS-2] | x |\n\
                | `C` | -6 ms | [LIMITS-3] | x |\n| `D` | 1 | [LIMITS-4] | x |";
    offence::one(&probe(code, rows), "`f ()` is no form that is understood");
}
