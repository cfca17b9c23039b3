//! The laboratory's own standing with the kernel: real-time threads, locked memory, descriptors,
//! orphans. All `unsafe` of the crate is here.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

/// Real-time priority of measuring threads: below the daemons' own core threads, which must never
/// wait for those who measure them.
const PRIORITY: i32 = 3;
/// Two descriptors per connection (both ends live in this process), and some to spare.
const DESCRIPTORS: u64 = 65_536;

/// Says what is missing when the caller is not root.
pub fn require_root() -> Result<()> {
    anyhow::ensure!(
        rustix::process::geteuid().is_root(),
        "this makes network namespaces and needs root: use `cargo xtask`, which goes through sudo"
    );
    Ok(())
}

/// Prepares this process: memory locked, descriptors allowed, orphaned grandchildren its own.
pub fn prepare_process() -> Result<()> {
    // Without the permission the measuring threads may wait for pages, and the baseline shows it.
    let _ = mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE);
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = maximum.map_or(DESCRIPTORS, |most| most.min(DESCRIPTORS));
    setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum })
        .context("cannot raise the limit of open files")?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .context("cannot adopt orphaned processes")
}

/// Puts the calling thread under SCHED_FIFO.
#[expect(unsafe_code, reason = "no crate in use wraps sched_setscheduler")]
pub fn become_realtime() -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: PRIORITY };
    // SAFETY: `parameters` is a valid structure that outlives the call; 0 means the calling thread.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// `PACKET_IGNORE_OUTGOING` of linux/if_packet.h.
const IGNORE_OUTGOING: libc::c_int = 23;
/// `PACKET_VNET_HDR`, likewise.
const VNET_HEADER: libc::c_int = 15;

/// Binds a packet socket to an interface; it receives frames of this protocol, none if it is 0.
#[expect(unsafe_code, reason = "no safe wrapper takes a link-layer address")]
pub fn bind_packets(socket: &OwnedFd, ifindex: u32, protocol: u16) -> io::Result<()> {
    let address = libc::sockaddr_ll {
        sll_family: u16::try_from(libc::AF_PACKET).unwrap_or(0),
        sll_protocol: protocol.to_be(),
        sll_ifindex: i32::try_from(ifindex).unwrap_or(0),
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let length = libc::socklen_t::try_from(size_of_val(&address)).unwrap_or(0);
    // SAFETY: the address lives for the call, and its length is that of its type.
    let bound = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) };
    if bound == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Has a packet socket receive only what came in, not what others send out of its interface.
pub fn ignore_outgoing(socket: &OwnedFd) -> io::Result<()> {
    set_packet_option(socket, IGNORE_OUTGOING)
}

/// Has a packet socket hand over, and take, what a card would do for a frame in front of it: checksums that
/// are not written yet stay so.
pub fn keep_offloads(socket: &OwnedFd) -> io::Result<()> {
    set_packet_option(socket, VNET_HEADER)
}

#[expect(unsafe_code, reason = "no crate in use wraps these options")]
fn set_packet_option(socket: &OwnedFd, option: libc::c_int) -> io::Result<()> {
    let on: libc::c_int = 1;
    let length = libc::socklen_t::try_from(size_of_val(&on)).unwrap_or(0);
    // SAFETY: the value lives for the call, and its length is that of its type.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            option,
            (&raw const on).cast(),
            length,
        )
    };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Makes the kernel send SIGTERM to the child when the thread that starts it ends: a killed
/// laboratory leaves no daemon behind.
#[expect(unsafe_code, reason = "only a hook between fork and exec can ask for this")]
pub fn die_with_parent(command: &mut Command) {
    // SAFETY: the hook makes one system call, allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(|| {
            rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
            Ok(())
        });
    }
}
