//! Two nodes play through what happens to a pair.

mod pair;
mod roles;
mod trust;
