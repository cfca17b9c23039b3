//! Two machines over a bad link, with a model of the kernel's table on each side.

mod bulk;
mod hostile;
mod parts;
mod standing;
mod table;
mod weather;
mod world;
