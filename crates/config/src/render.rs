//! `show running-config`: the text that the parser reads back to the same configuration.

use crate::commands::CONFIG;
use crate::grammar::{Printer, Secrets};
use crate::model::Configuration;

/// The running configuration, keys hidden.
pub fn render(configuration: &Configuration) -> String {
    print(configuration, Secrets::Hidden)
}

/// The running configuration with its keys: for the stored file only.
pub fn render_with_secrets(configuration: &Configuration) -> String {
    print(configuration, Secrets::Shown)
}

fn print(configuration: &Configuration, secrets: Secrets) -> String {
    let mut printer = Printer::new(secrets);
    printer.separator();
    CONFIG.render(configuration, &mut printer);
    printer.separator();
    let mut text = printer.into_text();
    text.push_str("end\n");
    text
}
