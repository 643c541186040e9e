//! The code that an assistant takes part by: where it is read, and when.
//!
//! A device has a folder with keys, and who mistyped a text should not be left with one. So
//! a code that is in a file or on the command line is read before anything is made, unless
//! the folder holds a session, which goes on without any. Rejected: taking away afterwards
//! what was made, which would have to know what else lies there.

use std::io::Write;

use diptych_driver::disk::Private;
use diptych_protocol::secondary::Command;
use diptych_protocol::ticket::Ticket;

use super::{Assistant, Options, Scan};
use crate::live::fail::LiveFail;
use crate::live::life::say;
use crate::live::lookout::{look_out, shows_another};
use crate::live::stop::Stop;
use crate::qr;

/// A code, and what it says.
pub(super) struct Code {
    text: String,
    ticket: Ticket,
}

/// The code of a device whose folder holds no session yet, unless a camera has to see it.
///
/// # Errors
/// If it is none, or there is none.
pub(super) fn beforehand(options: &Options) -> Result<Option<Code>, LiveFail> {
    let known = options.folder.join(Private::State.file_name()).exists();
    if known { Ok(None) } else { read(options) }
}

/// The code in its picture or its text, unless a camera has to see it.
fn read(options: &Options) -> Result<Option<Code>, LiveFail> {
    let text = match (&options.scan, &options.ticket) {
        (Some(Scan::Camera), _) => return Ok(None),
        (Some(Scan::Picture(picture)), _) => qr::scan_file(picture)?,
        (None, Some(text)) => text.clone(),
        (None, None) => return Err(LiveFail::NothingToScan),
    };
    let ticket = Ticket::parse(&text, options.loopback)?;
    Ok(Some(Code { text, ticket }))
}

impl Assistant<'_> {
    /// Reads the code and asks to be let in with it.
    pub(super) fn scan(&mut self, stop: &Stop, out: &mut dyn Write) -> Result<(), LiveFail> {
        let ticket = self.ticket(stop, out)?;
        (self.invited, self.told_old) = (Some(ticket.clone()), false);
        self.device.ask(Command::Scanned(Box::new(ticket)))?;
        Ok(())
    }

    /// Looks for another code, because the primary did not know that this device had
    /// the seat; unless it was started with the text of one and cannot see any.
    pub(super) fn scan_again(
        &mut self,
        failure: LiveFail,
        stop: &Stop,
        out: &mut dyn Write,
    ) -> Result<(), LiveFail> {
        let Some(scan) = &self.options.scan else { return Err(failure) };
        say(out, &format!("{failure}; looking for another code"));
        if let Scan::Picture(picture) = scan
            && !shows_another(picture, self.read.as_deref(), stop)
        {
            return Err(stop.fail(&self.options.folder));
        }
        self.scan(stop, out)
    }

    /// The code, from where it can be seen or from its text.
    fn ticket(&mut self, stop: &Stop, out: &mut dyn Write) -> Result<Ticket, LiveFail> {
        let code = match self.code.take() {
            Some(code) => Some(code),
            None => read(self.options)?,
        };
        if let Some(Code { text, ticket }) = code {
            self.read = Some(text);
            return Ok(ticket);
        }
        let mut camera = self.station.scanner()?;
        let found = look_out(&mut camera, self.options.loopback, stop, out)?;
        found.ok_or_else(|| stop.fail(&self.options.folder))
    }
}
