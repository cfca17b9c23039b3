//! A configuration that was not written as commands: whether it could have been.
//!
//! The typed model leaves out most of what makes no sense, but not every range and no line break in
//! a word. What it would be rendered as is read as if somebody had typed it, so that there is one
//! judge of what is right.

use crate::commands::mention;
use crate::diagnostic::Diagnostic;
use crate::model::Configuration;
use crate::parse::{Merged, merge};
use crate::render::render_with_secrets;

/// The same configuration as commands would have made it, with what of it has no effect yet.
///
/// # Errors
/// Every line that would have been refused, with its number in what the configuration is rendered as;
/// or that the lines mean something else.
pub fn admit(configuration: &Configuration, name: &str) -> Result<Merged, Vec<Diagnostic>> {
    let mut wanted = configuration.clone();
    mention(&mut wanted);
    let text = render_with_secrets(&wanted);
    let merged = merge(&Configuration::default(), &text, name)?;
    if render_with_secrets(&merged.configuration) == text {
        return Ok(merged);
    }
    Err(vec![Diagnostic {
        file: name.to_owned(),
        line: None,
        message: "No commands mean this configuration.".to_owned(),
        source: String::new(),
        column: 0,
        expected: Vec::new(),
    }])
}
