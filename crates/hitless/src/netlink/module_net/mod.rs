//! Keeps the inside of a module's network namespace as it should be.
//!
//! Level-triggered: [`Desired`] says what should be true, [`diff()`] compares it with a dump of the
//! kernel, and [`Reconciler`] applies the difference, on every change in the namespace and on a slow
//! tick. What is removed by hand comes back. Runs in the module's process, inside its namespace, and
//! tells the data plane which MACs its next hops have ([`Change`]).

mod desired;
mod diff;
mod known;
mod reconciler;

#[cfg(test)]
mod tests;

pub use desired::{Desired, DesiredRoute, Interface};
pub use diff::{Actual, Operation, diff};
pub use known::{Change, InterfaceState};
pub use reconciler::{Reconciler, Report};
