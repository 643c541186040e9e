//! Standard output that may be closed by whoever reads it.

use std::io::{self, ErrorKind, Write};

/// Writes to `inner` until its reader goes away, and drops the rest.
///
/// `diptych report DIR | head -1` wants one line, and the command still has files
/// to write and a verdict to end with. Rejected: dying of the signal, as older
/// programs do, which would leave both undone.
pub(crate) struct Page<W> {
    inner: W,
    closed: bool,
}

impl<W: Write> Page<W> {
    pub(crate) const fn new(inner: W) -> Self {
        Self { inner, closed: false }
    }

    fn tolerate<T>(&mut self, result: io::Result<T>, instead: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(instead)
            }
            other => other,
        }
    }
}

impl<W: Write> Write for Page<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Ok(bytes.len());
        }
        let result = self.inner.write(bytes);
        self.tolerate(result, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let result = self.inner.flush();
        self.tolerate(result, ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Closed(usize);

    impl Write for Closed {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(ErrorKind::Other.into())
        }
    }

    #[test]
    fn a_reader_that_left_stops_nothing() {
        let mut page = Page::new(Closed(5));
        assert!(page.write_all(b"12345").is_ok());
        assert!(page.flush().is_err(), "other failures are told");
        assert!(page.write_all(b"6").is_ok());
        assert!(page.write_all(b"7").is_ok() && page.flush().is_ok());
    }
}
