//! What a command leaves on the disk beside what it says.
//!
//! A result is for whoever asked; the files are for whoever comes later. Where nobody may
//! write (evidence on a medium that is read-only on purpose), the first must not fail for
//! the second. Rejected: never writing without being told where, since the folder of a
//! session should hold its account without anybody thinking of it.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::fail::Fail;

/// Where files go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place<'a> {
    /// Beside the journals, if that may be written.
    Beside(&'a Path),
    /// Where somebody asked for them.
    Asked(&'a Path),
}

impl<'a> Place<'a> {
    /// `asked`, or else beside the journals in `folder`.
    pub(super) fn of(folder: &'a Path, asked: Option<&'a Path>) -> Self {
        asked.map_or(Self::Beside(folder), Self::Asked)
    }

    /// The folder.
    pub(super) const fn path(self) -> &'a Path {
        match self {
            Self::Beside(path) | Self::Asked(path) => path,
        }
    }

    /// Writes files into the folder, each under its name, and yields their paths. None, and a
    /// line on `err` that says so, if nobody asked for them and the folder is read-only.
    ///
    /// # Errors
    /// [`Fail::Write`] for whatever else keeps them from being written.
    pub(super) fn keep(
        self,
        files: &[(&str, &str)],
        err: &mut dyn Write,
    ) -> Result<Vec<PathBuf>, Fail> {
        let path = self.path();
        if let Self::Asked(path) = self {
            std::fs::create_dir_all(path)
                .map_err(|source| Fail::Write { path: path.to_owned(), source })?;
        }
        let mut kept = Vec::new();
        for (name, content) in files {
            let file = path.join(name);
            match write_whole(&file, content.as_bytes()) {
                Ok(()) => kept.push(file),
                Err(Fail::Write { source, .. }) if self.tolerates(&source) => {
                    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
                    writeln!(
                        err,
                        "diptych: {} may not be written ({source}), so nothing was kept there; \
                         --out FOLDER keeps {} elsewhere",
                        path.display(),
                        names.join(", ")
                    )?;
                    return Ok(kept);
                }
                Err(other) => return Err(other),
            }
        }
        Ok(kept)
    }

    fn tolerates(self, error: &io::Error) -> bool {
        let denied = [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem];
        matches!(self, Self::Beside(_)) && denied.contains(&error.kind())
    }
}

/// Replaces a file at once: whoever reads meanwhile sees the old or the new one.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> Result<(), Fail> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    std::fs::write(&partial, content).and_then(|()| std::fs::rename(&partial, path)).map_err(
        |source| {
            // Half a file would only take up the room that was missing.
            let _ = std::fs::remove_file(&partial);
            Fail::Write { path: path.to_owned(), source }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_that_nobody_may_write_is_tolerated_and_only_if_it_was_not_asked_for() {
        let folder = Path::new("session");
        let denied = |kind: ErrorKind, place: Place<'_>| place.tolerates(&kind.into());
        let (beside, asked) = (Place::of(folder, None), Place::of(folder, Some(folder)));
        for kind in [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem] {
            assert!(denied(kind, beside) && !denied(kind, asked));
        }
        assert!(!denied(ErrorKind::StorageFull, beside), "a script relies on the file");
    }
}
