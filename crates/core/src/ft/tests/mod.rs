//! One box against a puppet that says what the test wants.

mod absence;
mod codec;
mod laws;
mod puppet;
mod table;
mod witness;
