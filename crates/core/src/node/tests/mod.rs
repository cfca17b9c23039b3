//! Two nodes play through what happens to a pair.

mod pair;
mod record;
mod reload;
mod roles;
mod trust;
