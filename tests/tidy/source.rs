//! Rust files as the rules see them: what they name, and which lines are tests.
//!
//! Parsed, not searched: a comment that mentions a mutex is no mutex, a grouped
//! import is still an import, and a line of a test is told from a line of the
//! product by the item that holds it.

use core::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::{env, fs};

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

/// Folders whose files are checked. `fuzz` is a workspace of its own and is held
/// to the rules about modules all the same.
const FOLDERS: &[&str] =
    &["protocol", "driver", "primary", "secondary", "cli", "tests", "fuzz", "spec"];

/// One file.
pub(crate) struct File {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    /// Its whole text.
    pub(crate) text: String,
}

impl File {
    /// A file that exists only in a test of a rule.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }
}

/// Where the repository is.
pub(crate) fn root() -> PathBuf {
    // Asked at run time: a test binary may outlive the folder it was built in.
    let here = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map_or(here.clone(), Path::to_path_buf)
}

/// Every file of the repository whose name ends with `.extension`, sorted: those
/// at the root and those of its folders, build output left out.
pub(crate) fn files(extension: &str) -> Vec<File> {
    let root = root();
    let mut found = Vec::new();
    for entry in read_dir(&root) {
        if entry.is_file() && entry.extension().is_some_and(|is| is == extension) {
            found.push(entry);
        }
    }
    for folder in FOLDERS {
        walk(&root.join(folder), extension, &mut found);
    }
    found.sort();
    let load = |path: &PathBuf| File {
        path: path.strip_prefix(&root).unwrap_or(path).to_string_lossy().replace('\\', "/"),
        text: fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display())),
    };
    found.iter().map(load).collect()
}

/// One named file, or nothing if it does not exist.
pub(crate) fn file(path: &str) -> Option<File> {
    let text = fs::read_to_string(root().join(path)).ok()?;
    Some(File { path: path.to_owned(), text })
}

fn read_dir(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

fn walk(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for path in read_dir(folder) {
        let built = path.file_name().is_some_and(|name| name == "target");
        if path.is_dir() && !built {
            walk(&path, extension, found);
        } else if path.is_file() && path.extension().is_some_and(|is| is == extension) {
            found.push(path);
        }
    }
}

/// A parsed Rust file.
pub(crate) struct Source {
    /// Relative to the repository.
    pub(crate) path: String,
    /// Its whole text.
    pub(crate) text: String,
    /// Its syntax.
    pub(crate) tree: syn::File,
    /// The lines that belong to tests; every line if the whole file does.
    tests: Vec<RangeInclusive<usize>>,
}

/// Something that a file names.
#[derive(Debug)]
pub(crate) struct Named {
    /// `["crate", "time", "Span"]`.
    pub(crate) segments: Vec<String>,
    /// Line, from 1.
    pub(crate) line: usize,
    /// Inline modules around it.
    pub(crate) inside: Vec<String>,
}

/// Every Rust file of the repository.
pub(crate) fn sources() -> Vec<Source> {
    files("rs").into_iter().map(Source::parse).collect()
}

impl Source {
    /// Parses a file; a file that the compiler would refuse fails the test.
    pub(crate) fn parse(File { path, text }: File) -> Self {
        let tree = syn::parse_file(&text)
            .unwrap_or_else(|error| panic!("{path}:{}: {error}", error.span().start().line));
        let mut finder = TestFinder::default();
        if is_test_path(&path) {
            finder.found.push(1..=usize::MAX);
        }
        finder.visit_file(&tree);
        Self { path, text, tree, tests: finder.found }
    }

    /// Whether a line belongs to a test.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&line))
    }

    /// Lines, numbered from 1, with whether each belongs to a test.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str, bool)> {
        self.text.lines().enumerate().map(|(index, line)| {
            let number = index + 1;
            (number, line, self.is_test(number))
        })
    }

    /// Every path that the file names: imports (groups opened), paths in code, and
    /// paths inside macros.
    pub(crate) fn names(&self) -> Vec<Named> {
        let mut finder = NameFinder::default();
        finder.visit_file(&self.tree);
        finder.found
    }

    /// Every identifier and keyword outside comments and strings, with its line.
    pub(crate) fn words(&self) -> Vec<(String, usize)> {
        use quote::ToTokens as _;
        let mut found = Vec::new();
        flatten(self.tree.to_token_stream(), &mut found);
        found.into_iter().filter(|(word, _)| word != ":" && word != ",").collect()
    }
}

/// Whether a whole file is test code, by where it is.
fn is_test_path(path: &str) -> bool {
    path.starts_with("tests/")
        || path.starts_with("fuzz/")
        || path.ends_with("/tests.rs")
        || path.contains("/tests/")
        || path.contains("/benches/")
}

fn line(span: Span) -> usize {
    span.start().line
}

/// `#[cfg(test)]`, `#[cfg(all(test, …))]`, `#[test]`, `#[tokio::test]`.
pub(crate) fn marks_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        if path.is_ident("cfg") {
            let syn::Meta::List(list) = &attribute.meta else { return false };
            let mut words = Vec::new();
            flatten(list.tokens.clone(), &mut words);
            let has = |word: &str| words.iter().any(|(is, _)| is == word);
            return has("test") && !has("not");
        }
        path.segments.last().is_some_and(|last| last.ident == "test")
    })
}

/// The attributes of an item that can be a test.
pub(crate) fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

#[derive(Default)]
struct TestFinder {
    found: Vec<RangeInclusive<usize>>,
}

impl TestFinder {
    fn add(&mut self, attributes: &[syn::Attribute], span: Span) {
        let first = attributes.iter().map(|attribute| line(attribute.span())).min();
        self.found.push(first.unwrap_or_else(|| line(span))..=span.end().line);
    }
}

impl<'ast> Visit<'ast> for TestFinder {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if marks_test(attributes(item)) {
            self.add(attributes(item), item.span());
        } else {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if marks_test(&item.attrs) {
            self.add(&item.attrs, item.span());
        }
    }
}

#[derive(Default)]
struct NameFinder {
    inside: Vec<String>,
    found: Vec<Named>,
}

impl NameFinder {
    fn add(&mut self, segments: Vec<String>, line: usize) {
        self.found.push(Named { segments, line, inside: self.inside.clone() });
    }

    fn add_use(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |ident: &syn::Ident| {
            let mut path = before.to_vec();
            path.push(ident.to_string());
            path
        };
        match tree {
            syn::UseTree::Path(path) => self.add_use(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.add(with(&name.ident), line(name.span())),
            syn::UseTree::Rename(name) => self.add(with(&name.ident), line(name.span())),
            syn::UseTree::Glob(star) => self.add(before.to_vec(), line(star.span())),
            syn::UseTree::Group(group) => {
                for item in &group.items {
                    self.add_use(before, item);
                }
            }
        }
    }

    /// Paths in a macro's tokens: runs of words joined by `::`.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut words = Vec::new();
        flatten(tokens, &mut words);
        let mut path: Vec<String> = Vec::new();
        let mut start = 0;
        let mut colons = 0;
        for (word, at) in words.into_iter().chain([(",".to_owned(), 0)]) {
            if word == ":" {
                colons += 1;
                continue;
            }
            if word == "," || colons != 2 {
                if !path.is_empty() {
                    let done = core::mem::take(&mut path);
                    self.add(done, start);
                }
                start = at;
            }
            colons = 0;
            if word != "," {
                path.push(word);
            }
        }
    }
}

impl<'ast> Visit<'ast> for NameFinder {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.inside.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.inside.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_use(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.add(segments, line(path.span()));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        visit::visit_macro(self, call);
        self.add_tokens(call.tokens.clone());
    }

    // `pub(in crate::x)` grants, it does not import.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}

/// Words and colons of a token stream; every other token becomes a `,` so that
/// what it separates stays separate. Strings and comments are left out.
fn flatten(tokens: TokenStream, out: &mut Vec<(String, usize)>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => out.push((ident.to_string(), line(ident.span()))),
            TokenTree::Punct(punct) if punct.as_char() == ':' => out.push((":".to_owned(), 0)),
            TokenTree::Group(group) => {
                out.push((",".to_owned(), 0));
                flatten(group.stream(), out);
                out.push((",".to_owned(), 0));
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => out.push((",".to_owned(), 0)),
        }
    }
}
