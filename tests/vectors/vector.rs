//! Vector files as text: `key: value` lines that any implementation can read.

use std::path::Path;

use diptych_protocol::identity::Hex;

/// One file of `spec/vectors/<topic>`.
#[derive(Debug)]
pub(crate) struct Vector {
    pub(crate) name: String,
    lines: Vec<(String, String)>,
}

/// Every `.txt` file of a topic, in the order of their names.
pub(crate) fn all(topic: &str) -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors").join(topic);
    let mut vectors: Vec<Vector> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .map(|path| Vector::read(&path))
        .collect();
    vectors.sort_by(|left, right| left.name.cmp(&right.name));
    vectors
}

impl Vector {
    fn read(path: &Path) -> Self {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).expect("readable file");
        let line = |line: &str| {
            let (key, value) = line.split_once(": ").unwrap_or_else(|| panic!("{name}: {line}"));
            (key.to_owned(), value.to_owned())
        };
        let lines = text.lines().map(line).collect();
        Self { name, lines }
    }

    /// The value of a line that must be there.
    pub(crate) fn get(&self, key: &str) -> &str {
        let line = self.lines.iter().find(|(name, _)| name == key);
        &line.unwrap_or_else(|| panic!("{}: expected a line `{key}: …`", self.name)).1
    }

    /// What must come out.
    pub(crate) fn expect(&self) -> &str {
        self.get("expect")
    }

    /// The bytes of a hexadecimal value.
    pub(crate) fn bytes(&self, key: &str) -> Vec<u8> {
        unhex(self.get(key)).unwrap_or_else(|| panic!("{}: {key} is not hexadecimal", self.name))
    }

    /// The `N` bytes of a hexadecimal value.
    pub(crate) fn array<const N: usize>(&self, key: &str) -> [u8; N] {
        let bytes = self.bytes(key);
        bytes.try_into().unwrap_or_else(|_| panic!("{}: {key} is not {N} bytes", self.name))
    }

    /// The lines after this one.
    pub(crate) fn after(&self, key: &str) -> &[(String, String)] {
        let at = self.lines.iter().position(|(name, _)| name == key);
        &self.lines[at.unwrap_or_else(|| panic!("{}: no line `{key}`", self.name)) + 1..]
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    Hex(bytes).to_string()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    text.len().is_multiple_of(2).then_some(())?;
    text.as_bytes().chunks(2).map(byte).collect()
}
