//! Two sessions, a wire between them, and whoever else can write on it.

mod laws;
mod meeting;
mod rotation;
mod strangers;
mod wire;
