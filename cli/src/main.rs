//! The `diptych` program; all of it is in the library, where tests reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    diptych::main()
}
