//! Connections of the hosts' own network stacks: how much one to four of them carry, how many come and go.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hitless_lab::interrupt::Interrupt;
use hitless_lab::namespace::Namespace;
use hitless_lab::network::Network;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::core_time::{CoreTime, Work};
use super::ground::{REAL, client};
use super::report::{Bulk, Connections};

const PORT: u16 = 80;
const BULK: u8 = b'b';
const SHORT: u8 = b's';
/// Octets given to the kernel at once.
const CHUNK: usize = 128 << 10;
/// Clients that open connections one after the other, each of them.
const CLIENTS: u8 = 8;
const SERVERS: usize = 8;
/// What stands still for this long will not go on.
const PATIENCE: Duration = Duration::from_secs(3);
const SETTLING: Duration = Duration::from_millis(400);
/// How often a server that has nothing to do looks whether it is to end.
const GLANCE: Duration = Duration::from_millis(100);
const BACKLOG: i32 = 1024;

/// A server that takes connections of both kinds, and whom clients ask for it.
pub(crate) struct Service {
    ends: Arc<Ends>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Ends {
    stop: AtomicBool,
    octets: AtomicU64,
    connections: AtomicU64,
    failures: AtomicU64,
}

impl Service {
    /// Listens on the real.
    pub(crate) fn start(network: &Network) -> Result<Self> {
        let ends = Arc::new(Ends::default());
        let listener = network.node("server")?.namespace.within(|| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
            socket.bind(&SockAddr::from(SocketAddrV4::new(REAL, PORT)))?;
            socket.listen(BACKLOG)?;
            // Accepting waits as long as reading would.
            socket.set_read_timeout(Some(GLANCE))?;
            Ok(TcpListener::from(socket))
        })?;
        let mut threads = Vec::new();
        for _ in 0..SERVERS {
            let (listener, ends) = (listener.try_clone()?, Arc::clone(&ends));
            threads.push(std::thread::spawn(move || serve(&listener, &ends)));
        }
        Ok(Self { ends, threads })
    }

    /// So many streams at once for a while.
    pub(crate) fn bulk(
        &self,
        (from, to): (&Namespace, Ipv4Addr),
        streams: u8,
        time: Duration,
        interrupt: &Interrupt,
    ) -> Result<Bulk> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut senders = Vec::new();
        for number in 0..streams {
            let mut stream = from.within(|| connect(client(number), to))?;
            let stop = Arc::clone(&stop);
            senders.push(std::thread::spawn(move || {
                let chunk = vec![BULK; CHUNK];
                while !stop.load(Ordering::Relaxed) && stream.write_all(&chunk).is_ok() {}
            }));
        }
        let measured = interrupt.sleep(SETTLING).and_then(|()| {
            let (start, core) = (Instant::now(), CoreTime::now()?);
            let before = self.ends.octets.load(Ordering::Relaxed);
            interrupt.sleep(time)?;
            let octets = self.ends.octets.load(Ordering::Relaxed) - before;
            let busy = CoreTime::now()?.busy_since(core);
            Ok(Bulk::new(octets, start.elapsed().as_secs_f64(), busy))
        });
        stop.store(true, Ordering::Relaxed);
        for sender in senders {
            // It ends at its next write, or when the write's time is over.
            let _ = sender.join();
        }
        measured
    }

    /// Connections one after the other for a while: open, a question, an answer, close. `work` tells what
    /// the box's processes and its peer's have done so far.
    pub(crate) fn connections(
        &self,
        (from, to): (&Namespace, Ipv4Addr),
        time: Duration,
        work: impl Fn() -> Result<Vec<Work>>,
        interrupt: &Interrupt,
    ) -> Result<Connections> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = Vec::new();
        for number in 0..CLIENTS {
            let (stop, ends) = (Arc::clone(&stop), Arc::clone(&self.ends));
            let spawned = from.within(|| {
                Ok(std::thread::spawn(move || open_and_close(number, to, &stop, &ends)))
            });
            clients.push(spawned?);
        }
        let measured = interrupt.sleep(SETTLING).and_then(|()| {
            let (start, core) = (Instant::now(), CoreTime::now()?);
            let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            let before = (count(&self.ends.connections), count(&self.ends.failures));
            let earlier = work()?;
            interrupt.sleep(time)?;
            let made = count(&self.ends.connections) - before.0;
            let failed = count(&self.ends.failures) - before.1;
            let busy = CoreTime::now()?.busy_since(core);
            let seconds = start.elapsed().as_secs_f64();
            let done = work()?.into_iter().zip(earlier).map(|(now, then)| now.since(then));
            Ok(Connections::new((made, failed), seconds, busy).with_daemons(done, seconds))
        });
        stop.store(true, Ordering::Relaxed);
        for client in clients {
            let _ = client.join();
        }
        measured
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.ends.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Connects from an address to the service.
fn connect(from: Ipv4Addr, to: Ipv4Addr) -> Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    // The kernel then chooses a port that is free for this destination, at connect.
    nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::IpBindAddressNoPort, &true)?;
    socket.bind(&SockAddr::from(SocketAddrV4::new(from, 0)))?;
    let to = SockAddr::from(SocketAddr::from((to, PORT)));
    socket.connect_timeout(&to, PATIENCE).with_context(|| format!("connecting from {from}"))?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn open_and_close(number: u8, to: Ipv4Addr, stop: &AtomicBool, ends: &Ends) {
    let mut round = 0_u8;
    while !stop.load(Ordering::Relaxed) {
        let done = connect(client(number.wrapping_add(round.wrapping_mul(CLIENTS))), to).and_then(
            |mut stream| {
                stream.write_all(&[SHORT])?;
                Ok(stream.read_exact(&mut [0])?)
            },
        );
        round = round.wrapping_add(1);
        let counter = if done.is_ok() { &ends.connections } else { &ends.failures };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

fn serve(listener: &TcpListener, ends: &Ends) {
    let mut chunk = vec![0; CHUNK];
    while !ends.stop.load(Ordering::Relaxed) {
        match listener.accept() {
            // A client that goes away is no failure of the server's.
            Ok((stream, _)) => drop(answer(stream, &mut chunk, ends)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

/// Swallows a stream, or answers a question.
fn answer(mut stream: TcpStream, chunk: &mut [u8], ends: &Ends) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    loop {
        let read = stream.read(chunk)?;
        match chunk.first().filter(|_| read > 0) {
            None => return Ok(()),
            Some(&SHORT) if read == 1 => stream.write_all(&[SHORT])?,
            Some(_) => {
                ends.octets.fetch_add(read as u64, Ordering::Relaxed);
            }
        }
        if ends.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
    }
}
