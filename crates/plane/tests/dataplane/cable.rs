//! Hosts with a real network stack: a client and a real, each in a namespace of its own, and this box
//! between them with the program attached.

use std::fs::File;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};

use aya::programs::{TcAttachType, tc};

use crate::support::kernel::{self, CLIENT_SIDE, SERVER_SIDE, enter, ip, new_namespace};
use crate::support::scene::{
    CLIENT, CLIENT_MAC, OWN_CLIENT_IP, OWN_CLIENT_MAC, OWN_SERVER_IP, OWN_SERVER_MAC, SERVER_ALIAS,
    real, real_mac,
};
use crate::support::world::World;

/// Name of the only interface of a client and of a real.
pub(crate) const OUTSIDE: &str = "outside";

/// The three hosts; the test's thread is in the box.
pub(crate) struct Cable {
    pub(crate) client: File,
    pub(crate) real: File,
    pub(crate) world: World,
}

impl Cable {
    /// Plugs everything together and attaches the program.
    pub(crate) fn plug() -> Self {
        let (client, real_host, own) = (new_namespace(), new_namespace(), new_namespace());
        enter(&own);
        link(CLIENT_SIDE, (OWN_CLIENT_MAC, OWN_CLIENT_IP), &client);
        link(SERVER_SIDE, (OWN_SERVER_MAC, OWN_SERVER_IP), &real_host);
        configure(&client, CLIENT_MAC, *CLIENT.ip());
        configure(&real_host, real_mac(1), *real(1).ip());
        on(&real_host, || ip(&format!("route add default via {SERVER_ALIAS}")))
            .join()
            .expect("route");
        let mut world = World::active_at(kernel::ports());
        for name in [CLIENT_SIDE, SERVER_SIDE] {
            attach(&mut world, name);
        }
        Self { client, real: real_host, world }
    }
}

/// Attaches the program to the ingress of an interface of this thread's namespace.
fn attach(world: &mut World, name: &str) {
    // Kernels before 6.6 need the queueing discipline; the others do not mind it.
    tc::qdisc_add_clsact(name).expect("clsact");
    kernel::classifier_mut(&mut world.ebpf)
        .attach(name, TcAttachType::Ingress)
        .expect("the program attaches");
}

/// Runs something in a namespace, on a thread of its own.
pub(crate) fn on<R, F>(namespace: &File, work: F) -> JoinHandle<R>
where
    R: Send + 'static,
    F: FnOnce() -> R + Send + 'static,
{
    let namespace = namespace.try_clone().expect("another handle");
    thread::spawn(move || {
        enter(&namespace);
        work()
    })
}

/// An interface of the box whose other end is in another namespace.
fn link(name: &str, (mac, address): ([u8; 6], std::net::Ipv4Addr), other: &File) {
    // A namespace without a name is addressed by a thread that is in it.
    let (tell, told) = channel();
    let (release, released) = channel::<()>();
    let inside = on(other, move || {
        tell.send(nix::unistd::gettid()).expect("somebody listens");
        released.recv().ok();
    });
    let thread = told.recv().expect("a thread's number");
    ip(&format!(
        "link add {name} address {} type veth peer name {OUTSIDE} netns {thread}",
        text(mac)
    ));
    drop(release);
    inside.join().expect("the thread ends");
    ip(&format!("address add {address}/24 dev {name}"));
    ip(&format!("link set {name} up"));
}

/// Gives a host its address.
fn configure(host: &File, mac: [u8; 6], address: std::net::Ipv4Addr) {
    let work = move || {
        ip(&format!("link set {OUTSIDE} address {}", text(mac)));
        ip(&format!("address add {address}/24 dev {OUTSIDE}"));
        ip(&format!("link set {OUTSIDE} up"));
    };
    on(host, work).join().expect("configured");
}

fn text(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}
