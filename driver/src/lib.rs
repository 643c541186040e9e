//! (shape follows)
