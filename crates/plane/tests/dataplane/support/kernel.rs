//! Loading the object, and a network namespace to test in.

use std::fs::File;
use std::os::fd::AsFd;
use std::process::Command;
use std::sync::OnceLock;

use aya::programs::{
    ProgramError, ProgramInfo, SchedClassifier, TestRun as _, TestRunOptions, TestRunResult, Xdp,
};
use aya::{Ebpf, EbpfLoader};
use hitless_model::abi;
use nix::sched::{CloneFlags, setns, unshare};

/// The object that ships.
pub(crate) static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/bpf/hitless.bpf.o"));

/// Clients that can stick.
pub(crate) const STICKY_CLIENTS: u32 = 4;

/// Name of the interface towards the clients.
pub(crate) const CLIENT_SIDE: &str = "client";
/// Name of the interface towards the reals.
pub(crate) const SERVER_SIDE: &str = "server";

/// Interface numbers of both sides of the box.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    /// Towards the clients.
    pub(crate) client: u32,
    /// Towards the reals.
    pub(crate) server: u32,
}

/// Where the program under test hangs.
#[expect(dead_code, reason = "each of the two test binaries is about one of them")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hook {
    /// At TC ingress.
    Tc,
    /// In the driver.
    Xdp,
}

/// Stops with one sentence unless the test may load programs.
pub(crate) fn demand_root() {
    assert!(
        nix::unistd::geteuid().is_root(),
        "these tests load BPF programs into the kernel and need root: run them through sudo"
    );
}

/// Loads the object with tables of this many connections.
pub(crate) fn load(connections: u32) -> Ebpf {
    demand_root();
    let mut loader = EbpfLoader::new();
    for table in [abi::map::CONN_FWD, abi::map::CONN_REV] {
        loader.map_max_entries(table, connections);
    }
    loader.map_max_entries(abi::map::STICKY, STICKY_CLIENTS);
    let mut ebpf = loader.load(OBJECT).expect("the kernel takes the maps");
    let loaded = match crate::HOOK {
        Hook::Tc => classifier_mut(&mut ebpf).load(),
        Hook::Xdp => driver_program_mut(&mut ebpf).load(),
    };
    match loaded {
        Ok(()) => ebpf,
        Err(ProgramError::LoadError { io_error, verifier_log }) => {
            panic!("the verifier refuses the program: {io_error}\n{verifier_log}")
        }
        Err(error) => panic!("the program does not load: {error}"),
    }
}

/// Runs the program under test on a frame.
pub(crate) fn test_run(ebpf: &Ebpf, options: TestRunOptions<'_>) -> TestRunResult {
    let result = match crate::HOOK {
        Hook::Tc => classifier(ebpf).test_run(options),
        Hook::Xdp => driver_program(ebpf).test_run(options),
    };
    result.expect("a test run")
}

/// What the kernel tells about the program under test.
pub(crate) fn info(ebpf: &Ebpf) -> ProgramInfo {
    let info = match crate::HOOK {
        Hook::Tc => classifier(ebpf).info(),
        Hook::Xdp => driver_program(ebpf).info(),
    };
    info.expect("the kernel tells about the program")
}

fn classifier(ebpf: &Ebpf) -> &SchedClassifier {
    let program = ebpf.program(abi::PROGRAM_TC).expect("the object has the program");
    program.try_into().expect("it is for TC")
}

/// The TC program, to be loaded.
pub(crate) fn classifier_mut(ebpf: &mut Ebpf) -> &mut SchedClassifier {
    let program = ebpf.program_mut(abi::PROGRAM_TC).expect("the object has the program");
    program.try_into().expect("it is for TC")
}

fn driver_program(ebpf: &Ebpf) -> &Xdp {
    let program = ebpf.program(abi::PROGRAM_XDP).expect("the object has the program");
    program.try_into().expect("it is for XDP")
}

fn driver_program_mut(ebpf: &mut Ebpf) -> &mut Xdp {
    let program = ebpf.program_mut(abi::PROGRAM_XDP).expect("the object has the program");
    program.try_into().expect("it is for XDP")
}

/// Enters the namespace that all tests share, with one interface to each side; test runs send nothing
/// through them, they only need their numbers.
pub(crate) fn enter_namespace() -> Ports {
    static NAMESPACE: OnceLock<(File, Ports)> = OnceLock::new();
    demand_root();
    let (namespace, ports) = NAMESPACE.get_or_init(|| {
        let namespace = new_namespace();
        enter(&namespace);
        ip(&format!("link add {CLIENT_SIDE} type veth peer name {SERVER_SIDE}"));
        (namespace, ports())
    });
    enter(namespace);
    *ports
}

/// The numbers of both sides' interfaces in this thread's namespace.
pub(crate) fn ports() -> Ports {
    Ports { client: ifindex(CLIENT_SIDE), server: ifindex(SERVER_SIDE) }
}

/// A network namespace that lives as long as the file is open.
pub(crate) fn new_namespace() -> File {
    demand_root();
    let made = std::thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace");
        File::open("/proc/thread-self/ns/net").expect("this thread's namespace")
    });
    made.join().expect("a namespace")
}

/// Takes this thread into a namespace.
pub(crate) fn enter(namespace: &File) {
    setns(namespace.as_fd(), CloneFlags::CLONE_NEWNET).expect("into the namespace");
}

/// Runs `ip` in this thread's namespace.
pub(crate) fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split(' ')).output().expect("iproute2's ip");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments}: {error}");
}

/// Number of an interface of this thread's namespace.
pub(crate) fn ifindex(name: &str) -> u32 {
    nix::net::if_::if_nametoindex(name).expect("the interface exists")
}
