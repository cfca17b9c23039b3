//! Command lines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExecRequest {
    /// As typed.
    pub command: String,
}

/// What a command printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExecReply {
    /// Text with line ends, or a JSON document.
    pub output: String,
    /// The rest of the answer is given by `GET /v1/reload`: the daemon is being replaced.
    #[serde(default)]
    pub follow: bool,
}

impl ExecReply {
    /// All there is to say.
    pub fn done(output: impl Into<String>) -> Self {
        Self { output: output.into(), follow: false }
    }
}
