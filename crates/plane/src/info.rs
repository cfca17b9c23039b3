//! What is loaded and where it hangs, for `show` and the API.

use aya::programs::SchedClassifier;
use serde::{Deserialize, Serialize};

use crate::conn::Usage;
use crate::error::{Error, Result};
use crate::hook::{Hook, Hooks};
use crate::plane::chain;

/// A loaded data plane as a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataplane {
    /// Version of the running kernel.
    pub kernel: String,
    /// The kernel's number of the program.
    pub program_id: u32,
    /// The kernel's digest of the program's instructions, in hexadecimal.
    pub program_tag: String,
    /// Instructions that the verifier walked.
    pub verified_instructions: Option<u32>,
    /// Where it hangs.
    pub hooks: Vec<Hook>,
    /// Version of the maps' layout.
    pub abi: u32,
    /// How full the main table is.
    pub connections: Usage,
}

impl Dataplane {
    pub(crate) fn new(program: &SchedClassifier, hooks: &Hooks, usage: Usage) -> Result<Self> {
        let info = program.info().map_err(|error| Error::Object(chain(&error)))?;
        let kernel = rustix::system::uname().release().to_string_lossy().into_owned();
        Ok(Self {
            kernel,
            program_id: info.id(),
            program_tag: format!("{:016x}", info.tag()),
            verified_instructions: info.verified_instruction_count(),
            hooks: hooks.attached().copied().collect(),
            abi: hitless_model::abi::ABI_VERSION,
            connections: usage,
        })
    }
}
