//! The real servers: TCP echo for many connections on one thread, UDP echo for the probes on
//! another one that runs under SCHED_FIFO like their sender.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use socket2::{Domain, Socket, Type};

use super::{TCP_PORT, UDP_PORT};
use crate::namespace::Namespace;
use crate::system;

/// Often enough to see the stop flag soon.
const TURN: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
const BACKLOG: i32 = 4096;

/// Running servers.
#[derive(Debug)]
pub struct Servers {
    stop: Arc<AtomicBool>,
    accepted: Arc<Vec<AtomicU64>>,
    threads: Vec<JoinHandle<Result<()>>>,
}

impl Servers {
    /// Starts one TCP and one UDP server per place.
    pub fn start(places: &[(&Namespace, Ipv4Addr)]) -> Result<Self> {
        let mut listeners = Vec::new();
        let mut sockets = Vec::new();
        for (namespace, address) in places {
            listeners.push(namespace.within(|| listen(*address))?);
            sockets.push(namespace.within(|| datagrams(*address))?);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let accepted: Arc<Vec<_>> = Arc::new(places.iter().map(|_| AtomicU64::new(0)).collect());
        let (stop_tcp, counts) = (Arc::clone(&stop), Arc::clone(&accepted));
        let stop_udp = Arc::clone(&stop);
        let threads = vec![
            std::thread::Builder::new()
                .name("tcp-echo".to_owned())
                .spawn(move || echo_streams(listeners, &stop_tcp, &counts))?,
            std::thread::Builder::new()
                .name("udp-echo".to_owned())
                .spawn(move || echo_datagrams(&sockets, &stop_udp))?,
        ];
        Ok(Self { stop, accepted, threads })
    }

    /// TCP connections that each server has taken so far.
    pub fn accepted(&self) -> Vec<u64> {
        self.accepted.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn listen(address: Ipv4Addr) -> Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
    socket.set_reuse_address(true)?;
    let place = std::net::SocketAddrV4::new(address, TCP_PORT);
    socket.bind(&place.into()).with_context(|| format!("cannot listen on {place}"))?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn datagrams(address: Ipv4Addr) -> Result<UdpSocket> {
    let socket = UdpSocket::bind((address, UDP_PORT))
        .with_context(|| format!("cannot listen on {address}:{UDP_PORT}"))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Registers `source` under a number.
fn watch(epoll: &OwnedFd, source: impl AsFd, number: usize) -> Result<()> {
    let data = EventData::new_u64(u64::try_from(number)?);
    epoll::add(epoll, source, data, EventFlags::IN).context("cannot watch a socket")
}

/// The numbers of the sources that are ready; empty after a while without any.
fn ready(epoll: &OwnedFd, numbers: &mut Vec<usize>) -> Result<()> {
    let mut events = Vec::with_capacity(256);
    numbers.clear();
    match epoll::wait(epoll, rustix::buffer::spare_capacity(&mut events), Some(&TURN)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error).context("cannot wait for sockets"),
    }
    numbers.extend(events.iter().filter_map(|e| usize::try_from(e.data.u64()).ok()));
    Ok(())
}

/// Streams are numbered after the listeners; a closed one leaves its place to the next.
struct Streams {
    epoll: OwnedFd,
    listeners: Vec<TcpListener>,
    taken: Vec<Option<TcpStream>>,
    free: Vec<usize>,
}

fn echo_streams(
    listeners: Vec<TcpListener>,
    stop: &AtomicBool,
    accepted: &[AtomicU64],
) -> Result<()> {
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    for (number, listener) in listeners.iter().enumerate() {
        watch(&epoll, listener, number)?;
    }
    let mut all = Streams { epoll, listeners, taken: Vec::new(), free: Vec::new() };
    let mut numbers = Vec::new();
    while !stop.load(Ordering::Acquire) {
        ready(&all.epoll, &mut numbers)?;
        for number in &numbers {
            match number.checked_sub(all.listeners.len()) {
                None => all.accept(*number, &accepted[*number])?,
                Some(stream) => all.serve(stream),
            }
        }
    }
    Ok(())
}

impl Streams {
    fn accept(&mut self, listener: usize, accepted: &AtomicU64) -> Result<()> {
        while let Ok((stream, _)) = self.listeners[listener].accept() {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let place = self.free.pop().unwrap_or_else(|| {
                self.taken.push(None);
                self.taken.len() - 1
            });
            watch(&self.epoll, &stream, self.listeners.len() + place)?;
            self.taken[place] = Some(stream);
            accepted.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn serve(&mut self, place: usize) {
        let Some(stream) = &mut self.taken[place] else { return };
        // Closing is the honest answer to trouble: the client counts its connection as broken.
        if !echo(stream) {
            self.taken[place] = None;
            self.free.push(place);
        }
    }
}

/// Sends back what came; false when the stream is over.
fn echo(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer) {
        Ok(0) => false,
        Ok(length) => stream.write_all(&buffer[..length]).is_ok(),
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

fn echo_datagrams(sockets: &[UdpSocket], stop: &AtomicBool) -> Result<()> {
    // Without the permission answers come late, and the baseline shows it.
    let _ = system::become_realtime();
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    for (number, socket) in sockets.iter().enumerate() {
        watch(&epoll, socket, number)?;
    }
    let mut numbers = Vec::new();
    while !stop.load(Ordering::Acquire) {
        ready(&epoll, &mut numbers)?;
        for number in &numbers {
            answer(&sockets[*number]);
        }
    }
    Ok(())
}

fn answer(socket: &UdpSocket) {
    let mut buffer = [0; 2048];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        // An answer that cannot be sent is a lost probe, which the sender counts.
        let _ = socket.send_to(&buffer[..length], from);
    }
}
