//! JSON text, in the order in which it is written down here.

use core::fmt;

/// A JSON value. Integers only: a report holds no number that is not one.
pub(super) enum Json {
    Null,
    True,
    False,
    Number(i64),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(&'static str, Self)>),
}

impl Json {
    pub(super) fn text(text: impl fmt::Display) -> Self {
        Self::Text(text.to_string())
    }

    pub(super) fn count(number: impl TryInto<i64>) -> Self {
        number.try_into().map_or(Self::Null, Self::Number)
    }

    pub(super) const fn truth(condition: bool) -> Self {
        if condition { Self::True } else { Self::False }
    }

    pub(super) fn list<T>(items: impl IntoIterator<Item = T>, make: impl Fn(T) -> Self) -> Self {
        Self::List(items.into_iter().map(make).collect())
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::True => f.write_str("true"),
            Self::False => f.write_str("false"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => quoted(f, text),
            Self::List(items) => {
                nested(f, depth, ('[', ']'), items, |f, item, inner| item.write(f, inner))
            }
            Self::Object(fields) => {
                nested(f, depth, ('{', '}'), fields, |f, (name, value), inner| {
                    write!(f, "\"{name}\": ")?;
                    value.write(f, inner)
                })
            }
        }
    }
}

fn nested<T>(
    f: &mut fmt::Formatter<'_>,
    depth: usize,
    (open, close): (char, char),
    items: &[T],
    write: impl Fn(&mut fmt::Formatter<'_>, &T, usize) -> fmt::Result,
) -> fmt::Result {
    if items.is_empty() {
        return write!(f, "{open}{close}");
    }
    let inner = depth + 1;
    for (index, item) in items.iter().enumerate() {
        let before = if index == 0 { open } else { ',' };
        write!(f, "{before}\n{:1$}", "", 2 * inner)?;
        write(f, item, inner)?;
    }
    write!(f, "\n{:1$}{close}", "", 2 * depth)
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}
