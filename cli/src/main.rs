//! The `diptych` program.
fn main() {}
