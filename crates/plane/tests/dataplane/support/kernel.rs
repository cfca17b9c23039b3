//! Loading the object, and a network namespace to test in.

use std::fs::File;
use std::os::fd::AsFd;
use std::process::Command;
use std::sync::OnceLock;

use aya::programs::{ProgramError, SchedClassifier, TcAttachType, tc};
use aya::{Ebpf, EbpfLoader};
use hitless_model::abi;
use nix::sched::{CloneFlags, setns, unshare};

/// The object that ships.
pub(crate) static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/bpf/hitless.bpf.o"));

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
    let mut ebpf = loader.load(OBJECT).expect("the kernel takes the maps");
    let program = program_mut(&mut ebpf);
    match program.load() {
        Ok(()) => ebpf,
        Err(ProgramError::LoadError { io_error, verifier_log }) => {
            panic!("the verifier refuses the program: {io_error}\n{verifier_log}")
        }
        Err(error) => panic!("the program does not load: {error}"),
    }
}

/// The TC program.
pub(crate) fn program(ebpf: &Ebpf) -> &SchedClassifier {
    let program = ebpf.program(abi::PROGRAM_TC).expect("the object has the program");
    program.try_into().expect("it is for TC")
}

/// The TC program, to be loaded.
pub(crate) fn program_mut(ebpf: &mut Ebpf) -> &mut SchedClassifier {
    let program = ebpf.program_mut(abi::PROGRAM_TC).expect("the object has the program");
    program.try_into().expect("it is for TC")
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

/// Attaches the program to the ingress of an interface of this thread's namespace.
pub(crate) fn attach(ebpf: &mut Ebpf, name: &str) {
    // Kernels before 6.6 need the queueing discipline; the others do not mind it.
    tc::qdisc_add_clsact(name).expect("clsact");
    program_mut(ebpf).attach(name, TcAttachType::Ingress).expect("the program attaches");
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
