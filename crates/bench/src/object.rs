//! The BPF programs that measure, and the data plane's own, loaded side by side.
//!
//! The benchmark's object is loaded once for each hook: a table of programs belongs to the hook of the
//! first program that uses it. The data plane's object is loaded on the pinned maps of a
//! [`hitless_plane::Plane`], so that what runs is what ships, on tables filled by what ships.

use std::path::Path;

use anyhow::{Context, Result, bail};
use aya::maps::{Array, MapData, PerCpuArray, ProgramArray};
use aya::programs::{Program, ProgramError, ProgramFd, TestRun, TestRunAttrs, TestRunOptions};
use aya::{Ebpf, EbpfLoader};
use serde::Serialize;
use zerocopy::{Immutable, IntoBytes};

use crate::plan::{FRAME_LEN, Plan, Service};

static BENCH: &[u8] = aya::include_bytes_aligned!("../bpf/bench.bpf.o");
static HITLESS: &[u8] = aya::include_bytes_aligned!("../../plane/bpf/hitless.bpf.o");

/// Room for what comes out of a program.
const LARGEST_FRAME: usize = 256;

/// Where a program hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Hook {
    /// Traffic control, ingress.
    Tc,
    /// The driver's own hook.
    Xdp,
}

impl Hook {
    /// Its name, and the end of the names of programs that are for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tc => "tc",
            Self::Xdp => "xdp",
        }
    }

    fn fits(self, program: &Program) -> bool {
        match self {
            Self::Tc => matches!(program, Program::SchedClassifier(_)),
            Self::Xdp => matches!(program, Program::Xdp(_)),
        }
    }

    /// The verdict that sends a frame out.
    pub(crate) fn redirect(self) -> u32 {
        match self {
            Self::Tc => 7,
            Self::Xdp => 4,
        }
    }

    /// The verdict that leaves it to the kernel.
    pub(crate) fn pass(self) -> u32 {
        match self {
            Self::Tc => u32::MAX,
            Self::Xdp => 2,
        }
    }

    /// A context that says which interface a frame arrived at.
    fn context(self, ifindex: u32) -> Vec<u8> {
        let frame_len = u32::try_from(FRAME_LEN).unwrap_or(u32::MAX);
        let words: &[u32] = match self {
            // `struct __sk_buff`: ifindex is the eleventh word.
            Self::Tc => &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ifindex, 0],
            // `struct xdp_md`: data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress.
            Self::Xdp => &[0, frame_len, 0, ifindex, 0, 0],
        };
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }
}

/// A loaded object.
pub(crate) struct Object(Ebpf);

impl Object {
    /// The benchmark's own, its floor with room for this many flows.
    pub(crate) fn bench(flows: u32) -> Result<Self> {
        let mut loader = EbpfLoader::new();
        for table in ["FLOOR_FWD", "FLOOR_REV"] {
            loader.map_max_entries(table, flows);
        }
        Ok(Self(loader.load(BENCH).context("cannot load the benchmark's BPF object")?))
    }

    /// The data plane's, or another build of it, on maps that are pinned already.
    pub(crate) fn hitless(pins: &Path, other: Option<&[u8]>) -> Result<Self> {
        let entries = std::fs::read_dir(pins).with_context(|| pins.display().to_string())?;
        let maps: Vec<(String, std::path::PathBuf)> = entries
            .flatten()
            .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
            .collect();
        let mut loader = EbpfLoader::new();
        for (name, path) in &maps {
            loader.map_pin_path(name.as_str(), path);
        }
        Ok(Self(
            loader
                .load(other.unwrap_or(HITLESS))
                .context("cannot load the data plane's BPF object")?,
        ))
    }

    /// Loads a program.
    pub(crate) fn load(&mut self, name: &str) -> Result<()> {
        let program = self.0.program_mut(name).with_context(|| format!("no program {name}"))?;
        let loaded = if let Program::SchedClassifier(program) = program {
            program.load()
        } else if let Program::Xdp(program) = program {
            program.load()
        } else {
            bail!("{name} is for no hook of a benchmark")
        };
        match loaded {
            Ok(()) | Err(ProgramError::AlreadyLoaded) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("cannot load the program {name}")),
        }
    }

    /// The name of the program for a hook, if the object has one.
    pub(crate) fn program_for(&self, hook: Hook) -> Option<String> {
        let mut all = self.0.programs();
        all.find(|(_, program)| hook.fits(program)).map(|(name, _)| name.to_owned())
    }

    /// The descriptor of a loaded program.
    pub(crate) fn fd(&self, name: &str) -> Result<&ProgramFd> {
        let program = self.0.program(name).with_context(|| format!("no program {name}"))?;
        program.fd().with_context(|| format!("{name} is not loaded"))
    }

    /// An XDP program, for attaching.
    pub(crate) fn xdp(&mut self, name: &str) -> Result<&mut aya::programs::Xdp> {
        self.load(name)?;
        let program = self.0.program_mut(name).with_context(|| format!("no program {name}"))?;
        Ok(program.try_into()?)
    }

    /// Says what is written into frames.
    pub(crate) fn set_plan(&mut self, plan: &Plan) -> Result<()> {
        self.set_element::<{ size_of::<Plan>() }>("PLAN", plan)
    }

    /// Says what the floor balances.
    pub(crate) fn set_service(&mut self, service: &Service) -> Result<()> {
        self.set_element::<{ size_of::<Service>() }>("SERVICE", service)
    }

    fn set_element<const LEN: usize>(
        &mut self,
        name: &str,
        value: &(impl IntoBytes + Immutable),
    ) -> Result<()> {
        let map = self.0.map_mut(name).with_context(|| format!("no map {name}"))?;
        let mut map: Array<&mut MapData, [u8; LEN]> = map.try_into()?;
        let value: [u8; LEN] = value.as_bytes().try_into()?;
        Ok(map.set(0, value, 0)?)
    }

    /// Puts a program under test.
    pub(crate) fn set_under_test(&mut self, program: &ProgramFd) -> Result<()> {
        let map = self.0.map_mut("UNDER_TEST").context("no map UNDER_TEST")?;
        let mut map: ProgramArray<&mut MapData> = map.try_into()?;
        map.set(0, program, 0)
            .context("the program does not fit under the one that restores frames")
    }

    /// The same with a program of this object.
    pub(crate) fn set_own_under_test(&mut self, name: &str) -> Result<()> {
        let program = self.0.program(name).with_context(|| format!("no program {name}"))?;
        let fd = program.fd()?.try_clone()?;
        self.set_under_test(&fd)
    }

    /// Datagrams that reached the sink so far.
    pub(crate) fn arrived(&self) -> Result<u64> {
        let map = self.0.map("ARRIVED").context("no map ARRIVED")?;
        let map: PerCpuArray<&MapData, u64> = map.try_into()?;
        Ok(map.get(&0, 0)?.iter().sum())
    }

    /// Runs a program this many times on a frame that arrives at an interface; the last verdict.
    pub(crate) fn run(&self, name: &str, run: &Run<'_>) -> Result<Ran> {
        let program = self.0.program(name).with_context(|| format!("no program {name}"))?;
        let hook = if Hook::Xdp.fits(program) { Hook::Xdp } else { Hook::Tc };
        let mut frame = vec![0_u8; LARGEST_FRAME];
        let context = hook.context(run.ifindex);
        let options = TestRunOptions {
            data_in: Some(run.frame),
            data_out: Some(&mut frame),
            ctx_in: Some(&context),
            repeat: run.repeat,
            ..TestRunOptions::default()
        };
        let result = test_run(program, options).with_context(|| format!("test run of {name}"))?;
        frame.truncate(result.data_size_out as usize);
        Ok(Ran { verdict: result.return_value, frame })
    }

    /// Lets an XDP program loose on frames that really leave.
    pub(crate) fn send(&self, name: &str, frame: &[u8], count: u32) -> Result<()> {
        let program = self.0.program(name).with_context(|| format!("no program {name}"))?;
        let options = TestRunOptions {
            data_in: Some(frame),
            repeat: count,
            attrs: TestRunAttrs::new().xdp_live_frames(64),
            ..TestRunOptions::default()
        };
        test_run(program, options).with_context(|| format!("live frames of {name}"))?;
        Ok(())
    }
}

/// What to run a program on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    /// The frame.
    pub(crate) frame: &'a [u8],
    /// Where it arrives.
    pub(crate) ifindex: u32,
    /// How often.
    pub(crate) repeat: u32,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The last verdict.
    pub(crate) verdict: u32,
    /// The frame as the last run left it.
    pub(crate) frame: Vec<u8>,
}

fn test_run(
    program: &Program,
    options: TestRunOptions<'_>,
) -> Result<aya::programs::TestRunResult> {
    if let Program::SchedClassifier(program) = program {
        Ok(program.test_run(options)?)
    } else if let Program::Xdp(program) = program {
        Ok(program.test_run(options)?)
    } else {
        bail!("the program is for no hook of a benchmark")
    }
}
