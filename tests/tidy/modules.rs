//! Files and functions: what opens them, how long they are, and that they are
//! used.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};

use crate::offence::{self, Offence};
use crate::source::{self, File, Source};

/// Lines of a file, its tests not counted.
const FILE_LINES: usize = 400;
/// Lines of a file that holds only the tests of its neighbour.
const TEST_FILE_LINES: usize = 800;
/// Lines of a function, from `fn` to the closing brace.
const FUNCTION_LINES: usize = 70;

/// A file that does not begin by saying what it is for.
fn check_opening(file: &File) -> Vec<Offence> {
    let opens = file.text.lines().next().is_some_and(|line| line.starts_with("//! "));
    let what = "the first line must be `//! …`: the problem that this module solves";
    if opens { Vec::new() } else { vec![Offence::at(&file.path, 1, what)] }
}

/// A file that is too long to be read in one sitting.
fn check_length(source: &Source) -> Vec<Offence> {
    let (lines, limit) = if source.path.ends_with("/tests.rs") {
        (source.text.lines().count(), TEST_FILE_LINES)
    } else if source.path.starts_with("tests/") || source.path.starts_with("fuzz/") {
        (source.text.lines().count(), FILE_LINES)
    } else {
        (source.lines().filter(|(_, _, test)| !test).count(), FILE_LINES)
    };
    let what = format!("{lines} lines, {limit} allowed: split it along what it is about");
    if lines > limit { vec![Offence::of(&source.path, what)] } else { Vec::new() }
}

#[derive(Default)]
struct FunctionFinder {
    found: Vec<(String, usize, usize)>,
}

impl FunctionFinder {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.fn_token.span.start().line;
        let last = block.brace_token.span.close().end().line;
        self.found.push((signature.ident.to_string(), first, last + 1 - first));
    }
}

impl<'ast> Visit<'ast> for FunctionFinder {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.add(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

/// Functions that need scrolling.
fn check_functions(source: &Source) -> Vec<Offence> {
    let mut finder = FunctionFinder::default();
    finder.visit_file(&source.tree);
    let long = finder.found.into_iter().filter(|(_, _, lines)| *lines > FUNCTION_LINES);
    long.map(|(name, line, lines)| {
        let what = format!("`{name}` has {lines} lines, {FUNCTION_LINES} allowed");
        Offence::at(&source.path, line, what)
    })
    .collect()
}

/// Files that no crate reaches: `roots` are the files that a manifest names.
fn check_dead(sources: &[Source], roots: &BTreeSet<String>) -> Vec<Offence> {
    let by_path: BTreeMap<&str, &Source> =
        sources.iter().map(|source| (source.path.as_str(), source)).collect();
    let mut reached = BTreeSet::new();
    let mut open: Vec<String> = roots.iter().cloned().collect();
    while let Some(path) = open.pop() {
        let Some(source) = by_path.get(path.as_str()) else { continue };
        if reached.insert(path.clone()) {
            let folder = folder_of_modules(&path, roots.contains(&path));
            open.extend(modules(&source.tree.items, &folder, &path));
        }
    }
    let dead = sources.iter().filter(|source| !reached.contains(&source.path));
    dead.map(|source| Offence::of(&source.path, "no `mod` and no manifest leads to this file"))
        .collect()
}

/// Where the modules that a file declares are looked for.
fn folder_of_modules(path: &str, is_root: bool) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if is_root || name == "mod.rs" {
        folder.to_owned()
    } else {
        format!("{folder}/{}", name.trim_end_matches(".rs"))
    }
}

/// The files that `mod x;` may mean, here and in inline modules.
fn modules(items: &[syn::Item], folder: &str, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    for item in items {
        let syn::Item::Mod(item) = item else { continue };
        let inner = format!("{folder}/{}", item.ident);
        match (&item.content, path_attribute(&item.attrs)) {
            (Some((_, items)), _) => found.extend(modules(items, &inner, path)),
            (None, Some(named)) => {
                let beside = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                found.push(normal(&format!("{beside}/{named}")));
            }
            (None, None) => found.extend([format!("{inner}.rs"), format!("{inner}/mod.rs")]),
        }
    }
    found
}

fn path_attribute(attributes: &[syn::Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}

/// `a/b/../c` as `a/c`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

/// The files that Cargo starts from: what manifests name and what it finds by
/// itself.
fn roots() -> BTreeSet<String> {
    let mut roots = BTreeSet::new();
    for manifest in source::files("toml").iter().filter(|file| file.path.ends_with("/Cargo.toml")) {
        let folder = manifest.path.trim_end_matches("/Cargo.toml");
        let table: toml::Table =
            manifest.text.parse().unwrap_or_else(|error| panic!("{}: {error}", manifest.path));
        for name in ["src/lib.rs", "src/main.rs", "build.rs"] {
            roots.insert(format!("{folder}/{name}"));
        }
        for name in ["lib", "bin", "test", "bench", "example"] {
            let targets = match table.get(name) {
                Some(toml::Value::Array(targets)) => targets.iter().collect(),
                Some(target) => vec![target],
                None => Vec::new(),
            };
            let paths = targets.into_iter().filter_map(|target| target.get("path")?.as_str());
            roots.extend(paths.map(|path| normal(&format!("{folder}/{path}"))));
        }
    }
    for source in source::files("rs") {
        let found = ["/src/bin/", "/benches/", "/examples/"].iter().any(|inside| {
            source.path.split_once(inside).is_some_and(|(_, name)| !name.contains('/'))
        });
        if found {
            roots.insert(source.path);
        }
    }
    roots
}

#[test]
fn every_file_opens_by_saying_what_it_is_for() {
    let files = source::files("rs");
    offence::none(&files.iter().flat_map(check_opening).collect::<Vec<_>>());
    assert!(files.len() > 10, "only {} files found: is the walk broken?", files.len());
    offence::one(&check_opening(&File::new("a.rs", "// x\n//! y\n")), "a.rs:1");
}

#[test]
fn files_and_functions_are_short() {
    let sources = source::sources();
    let mut offences: Vec<_> = sources.iter().flat_map(check_length).collect();
    offences.extend(sources.iter().flat_map(check_functions));
    offence::none(&offences);
}

#[test]
fn a_long_file_is_caught_and_its_tests_are_not_counted() {
    let source = |path, text: &str| Source::parse(File::new(path, text));
    let body = "const A: u8 = 1;\n".repeat(FILE_LINES);
    let tests = format!("#[cfg(test)]\nmod tests {{\n{body}}}\n");
    offence::none(&check_length(&source("cli/src/a.rs", &format!("{body}{tests}"))));
    offence::one(&check_length(&source("cli/src/a.rs", &format!("{body}fn f() {{}}\n"))), "401");
    offence::one(&check_length(&source("tests/sim/a.rs", &format!("{body}\n"))), "401");
    offence::none(&check_length(&source("cli/src/a/tests.rs", &body.repeat(2))));
}

#[test]
fn a_long_function_is_caught_wherever_it_hides() {
    let found = |text: &str| check_functions(&Source::parse(File::new("cli/src/a.rs", text)));
    let body = "    g();\n".repeat(FUNCTION_LINES - 2);
    let long = format!("{body}    g();\n");
    offence::none(&found(&format!("fn f(\n) {{\n{}}}\n", &body[..body.len() - 9])));
    offence::none(&found(&format!("/// Doc\n#[must_use]\nfn f() {{\n{body}}}\n")));
    offence::one(&found(&format!("fn f() {{\n{long}}}\n")), "a.rs:1: `f` has 71 lines");
    offence::one(&found(&format!("impl A {{\nfn f() {{\n{long}}}\n}}\n")), "a.rs:2");
    offence::one(&found(&format!("mod a {{ trait A {{\nfn f() {{\n{long}}}\n}} }}\n")), "a.rs:2");
}

#[test]
fn every_file_is_reached() {
    offence::none(&check_dead(&source::sources(), &roots()));
}

#[test]
fn a_dead_file_is_caught() {
    let file = |path, text| Source::parse(File::new(path, text));
    let sources = [
        file("a/src/lib.rs", "mod b; mod inner { mod d; } #[path = \"../x/e.rs\"] mod e;"),
        file("a/src/b.rs", "mod c;"),
        file("a/src/b/c.rs", ""),
        file("a/src/inner/d.rs", ""),
        file("a/x/e.rs", ""),
        file("a/src/dead.rs", ""),
    ];
    let roots = BTreeSet::from(["a/src/lib.rs".to_owned()]);
    offence::one(&check_dead(&sources, &roots), "a/src/dead.rs");
}
