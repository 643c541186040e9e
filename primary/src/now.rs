//! The two times of an app: by this device's clock as it runs, and session time.
//!
//! They are one until the device reboots. Then its clock begins anew, and a statement
//! that was dated by it would speak of another hour of the session. Rejected: one
//! method for both (what frames are told by must never wait for a message).

use diptych_protocol::primary::PrimaryMachine;
use diptych_protocol::timeline::Placed;

use crate::{Failure, Instant, Primary};

impl Primary {
    /// Now, on this device's clock as it runs: what the plan's windows, frames and all
    /// instants of [`Primary::snapshot`] are told by. It begins anew with each boot, and
    /// so a start in another boot needs a plan with the windows on the new clock.
    ///
    /// ```no_run
    /// # use diptych_primary::{Instant, Primary};
    /// # fn example(primary: &Primary, answering_ends: Instant) {
    /// println!("{} left", answering_ends - primary.now());
    /// # }
    /// ```
    #[must_use]
    pub fn now(&self) -> Instant {
        self.running.now()
    }

    /// Now, in session time, with its bound: what a statement is dated by. After a
    /// reboot of this device `None` until an assistant that lived through it has tied
    /// the clocks, or until the session is over: then by the wall clock, to half a
    /// minute, as [`Placed::basis`] says.
    ///
    /// # Errors
    /// [`Failure::Stopped`].
    ///
    /// ```no_run
    /// # use diptych_primary::{Excuse, Failure, Primary, Span, Statement};
    /// # fn example(primary: &Primary) -> Result<Option<Statement>, Failure> {
    /// let now = primary.session_now()?;
    /// let minute = Span::from_secs(60);
    /// Ok(now.map(|now| Statement::Excuse(Excuse { start: now.at - minute, end: now.at })))
    /// # }
    /// ```
    pub fn session_now(&self) -> Result<Option<Placed>, Failure> {
        let now = self.now();
        self.running.look(move |machine: &PrimaryMachine| machine.session_time(now))
    }
}
