//! What the faults of the table do, a file for each kind: to the power and the roles, to the
//! processes, to the ways between the two, to the machine; with a crowd of connections, and with keys.

pub(super) mod crowd;
pub(super) mod keys;
pub(super) mod links;
pub(super) mod power;
pub(super) mod processes;
pub(super) mod strain;
pub(super) mod weather;
