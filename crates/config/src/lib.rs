//! The command language of hitless and the configuration that it yields.

pub mod model;

pub use model::Configuration;
