//! Examples of everything that an app can name.
//!
//! An app's author reads the facades and nothing else, and copies what is there.
//! So every public item of a facade shows how it is used, in code that compiles:
//! what the facade defines, and what it takes over from the crates below, whose
//! own documentation is shown in its place. Rejected: examples in the facade for
//! what is defined below (each would stand twice, once for each facade).

use crate::offence::{self, Offence};
use crate::source::{self, Source};

/// The crates that apps embed.
const FACADES: &[&str] = &["primary/src/lib.rs", "secondary/src/lib.rs"];
/// Where the items of a crate are defined.
const CRATES: &[(&str, &str)] =
    &[("diptych_driver", "driver/src"), ("diptych_protocol", "protocol/src")];
/// What a doctest stands in.
const FENCE: &str = "```";

/// Everything public in a file of a facade and its public modules.
fn check(path: &str, sources: &[Source]) -> Vec<Offence> {
    let Some(file) = sources.iter().find(|source| source.path == path) else {
        return vec![Offence::of(path, "expected this file")];
    };
    let mut offences = Vec::new();
    for item in &file.tree.items {
        match item {
            syn::Item::Mod(module) if is_public(&module.vis) => {
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                let name = &module.ident;
                let mut places = [format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")];
                places.sort_by_key(|place| !sources.iter().any(|source| source.path == *place));
                let [place, _] = places;
                offences.extend(check(&place, sources));
            }
            syn::Item::Use(import) if is_public(&import.vis) => {
                let mut taken = Vec::new();
                leaves(&[], &import.tree, &mut taken);
                let here = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                let missing = taken.iter().filter(|path| !is_shown(path, here, sources));
                offences.extend(missing.map(|path| lacking(&file.path, &path.join("::"))));
            }
            syn::Item::Impl(block) if block.trait_.is_none() => {
                for member in &block.items {
                    if let syn::ImplItem::Fn(method) = member
                        && is_public(&method.vis)
                        && !has_example(&method.attrs)
                    {
                        offences.push(lacking(path, &method.sig.ident.to_string()));
                    }
                }
            }
            other => {
                if let Some((visibility, name)) = named(other)
                    && is_public(visibility)
                    && !has_example(source::attributes(other))
                {
                    offences.push(lacking(path, &name.to_string()));
                }
            }
        }
    }
    offences
}

fn lacking(path: &str, name: &str) -> Offence {
    Offence::of(path, format!("`{name}` is public and its documentation has no example"))
}

fn named(item: &syn::Item) -> Option<(&syn::Visibility, &syn::Ident)> {
    match item {
        syn::Item::Const(item) => Some((&item.vis, &item.ident)),
        syn::Item::Enum(item) => Some((&item.vis, &item.ident)),
        syn::Item::Fn(item) => Some((&item.vis, &item.sig.ident)),
        syn::Item::Struct(item) => Some((&item.vis, &item.ident)),
        syn::Item::Trait(item) => Some((&item.vis, &item.ident)),
        syn::Item::Type(item) => Some((&item.vis, &item.ident)),
        _ => None,
    }
}

const fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

fn has_example(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => {
                text.value().contains(FENCE)
            }
            _ => false,
        },
        _ => false,
    })
}

/// The paths that an import names, each by what it is called where it is defined.
fn leaves(before: &[String], tree: &syn::UseTree, found: &mut Vec<Vec<String>>) {
    let with = |ident: &syn::Ident| [before, &[ident.to_string()]].concat();
    match tree {
        syn::UseTree::Path(path) => leaves(&with(&path.ident), &path.tree, found),
        syn::UseTree::Name(name) => found.push(with(&name.ident)),
        syn::UseTree::Rename(name) => found.push(with(&name.ident)),
        syn::UseTree::Glob(_) => found.push([before, &["*".to_owned()]].concat()),
        syn::UseTree::Group(group) => {
            group.items.iter().for_each(|item| leaves(before, item, found));
        }
    }
}

/// Whether the definition that a path leads to, from a file in the folder `here`,
/// has an example. Looked for in the text, because a macro may write the definition.
fn is_shown(path: &[String], here: &str, sources: &[Source]) -> bool {
    let [modules @ .., name] = path else { return false };
    let below = modules.split_first().and_then(|(of, modules)| {
        let (_, folder) = CRATES.iter().find(|(is, _)| is == of)?;
        Some((*folder, modules))
    });
    let (folder, modules) = below.unwrap_or((here, modules));
    let module = [&[folder.to_owned()], modules].concat().join("/");
    let (file, inside) = (format!("{module}.rs"), format!("{module}/"));
    let mut places =
        sources.iter().filter(|source| source.path == file || source.path.starts_with(&inside));
    places.any(|source| {
        let lines: Vec<&str> = source.text.lines().map(str::trim_start).collect();
        let defines = |line: &str| {
            ["struct", "enum", "trait", "type", "fn"].iter().any(|kind| {
                let rest = line.strip_prefix(&format!("pub {kind} {name}"));
                rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphanumeric()))
            })
        };
        let at = lines.iter().position(|line| defines(line));
        let above = lines.iter().take(at.unwrap_or(0)).rev();
        above
            .take_while(|line| line.starts_with("///") || line.starts_with("#["))
            .any(|line| line.contains(FENCE))
    })
}

#[test]
fn everything_that_an_app_can_name_has_an_example() {
    let sources = source::sources();
    offence::none(&FACADES.iter().flat_map(|path| check(path, &sources)).collect::<Vec<_>>());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::File;

    #[test]
    fn an_item_without_an_example_is_caught_wherever_it_is_defined() {
        let of = |facade: &str, below: &str| {
            let sources = [
                Source::parse(File::new("primary/src/lib.rs", facade)),
                Source::parse(File::new("primary/src/render/mod.rs", "pub fn text() {}")),
                Source::parse(File::new("driver/src/embed/supply.rs", below)),
            ];
            check("primary/src/lib.rs", &sources)
        };
        let shown =
            "/// A.\n///\n/// ```\n/// a();\n/// ```\n#[derive(Debug)]\npub enum Key { A }\n";
        let taken = "pub use diptych_driver::embed::{Key as Secret};";
        offence::none(&of(taken, shown));
        offence::none(&of("pub(crate) struct A; fn f() {} use a::B;", ""));
        offence::one(&of(taken, "/// A.\npub enum Key { A }\n"), "diptych_driver::embed::Key");
        offence::one(&of(taken, &shown.replace("Key", "Keys")), "diptych_driver::embed::Key");
        offence::one(&of("pub mod render;", ""), "render/mod.rs:0: `text`");
        offence::one(&of("pub use render::text;", ""), "`render::text`");
        offence::one(&of("/// A.\npub struct A;", ""), "`A` is public");
        offence::one(&of("struct A; impl A { /// B.\n pub fn b() {} fn c() {} }", ""), "`b`");
    }
}
