//! Tests against the running kernel: real maps, real pins, real hooks, in a network namespace and a
//! pin folder of their own. They need root and say so.

mod connections;
mod filling;
mod hooks;
mod loading;
mod peer;
mod programs;
mod sandbox;
mod sticky;
mod together;
