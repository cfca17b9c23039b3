//! A topology made real: one namespace per host, one more for the switches.

use std::cell::Cell;
use std::collections::BTreeMap;

use anyhow::{Context, Result};

use crate::namespace::Namespace;
use crate::netlink::{Frames, LinkState, Netlink};
use crate::topology::{Host, Kind, Port, Segment, Topology};

/// A host that exists.
#[derive(Debug)]
pub struct Node {
    /// Its namespace.
    pub namespace: Namespace,
    /// A netlink socket in it.
    pub netlink: Netlink,
}

impl Node {
    fn new() -> Result<Self> {
        let namespace = Namespace::new()?;
        let netlink = Netlink::open(&namespace)?;
        Ok(Self { namespace, netlink })
    }

    /// Sets these interfaces up or down, all at once.
    pub fn set_ports(&self, names: &[&str], state: LinkState) -> Result<()> {
        let indices =
            names.iter().map(|name| self.netlink.index(name)).collect::<Result<Vec<_>>>()?;
        self.netlink.set_links(&indices, state)
    }
}

/// All hosts of a topology, alive as long as this value.
#[derive(Debug)]
pub struct Network {
    nodes: BTreeMap<&'static str, Node>,
    fabric: Node,
    plugs: BTreeMap<(&'static str, &'static str), u32>,
    /// A bridge without ports, made when the first frames are to be dropped.
    sink: Cell<Option<u32>>,
}

impl Network {
    /// Makes everything that `topology` says.
    pub fn build(topology: &Topology) -> Result<Self> {
        let mut network = Self {
            nodes: BTreeMap::new(),
            fabric: Node::new()?,
            plugs: BTreeMap::new(),
            sink: Cell::new(None),
        };
        quiet(&network.fabric.namespace)?;
        for host in &topology.hosts {
            let node = Node::new().with_context(|| format!("host {}", host.name))?;
            prepare(&node.namespace, host.kind).with_context(|| format!("host {}", host.name))?;
            network.nodes.insert(host.name, node);
        }
        for segment in &topology.segments {
            network.join(segment)?;
        }
        for host in &topology.hosts {
            network.configure(host).with_context(|| format!("host {}", host.name))?;
        }
        Ok(network)
    }

    /// A host by its name.
    pub fn node(&self, name: &str) -> Result<&Node> {
        self.nodes.get(name).with_context(|| format!("there is no host {name}"))
    }

    /// Sets the switch's end of a host's cable up or down: the host only sees its carrier.
    pub fn set_switch_port(&self, port: Port, state: LinkState) -> Result<()> {
        self.fabric.netlink.set_links(&[self.plug_of(port)?], state)
    }

    /// Drops frames that a host sends into its switch.
    pub fn drop_from(&self, port: Port, frames: Frames) -> Result<()> {
        let sink = if let Some(sink) = self.sink.get() {
            sink
        } else {
            self.fabric.netlink.bridge("sink")?;
            self.fabric.netlink.index("sink")?
        };
        self.sink.set(Some(sink));
        self.fabric.netlink.drop_incoming(self.plug_of(port)?, frames, sink)
    }

    /// Ends every [`Self::drop_from`] of this host.
    pub fn pass_from(&self, port: Port) -> Result<()> {
        self.fabric.netlink.pass_incoming(self.plug_of(port)?)
    }

    /// The namespace of the switches.
    pub fn fabric(&self) -> &Namespace {
        &self.fabric.namespace
    }

    /// The interface among the switches that a host's cable ends at.
    pub fn plug_name(&self, port: Port) -> Result<String> {
        let number = self.plug_of(port)?;
        let links = self.fabric.netlink.links()?.into_iter();
        let name = links.filter(|(index, _)| *index == number).map(|(_, name)| name).next();
        name.with_context(|| format!("{port:?} is in no switch"))
    }

    fn plug_of(&self, port: Port) -> Result<u32> {
        let plug = self.plugs.get(&(port.host, port.interface)).copied();
        plug.with_context(|| format!("{port:?} is in no switch"))
    }

    fn configure(&self, host: &Host) -> Result<()> {
        self.node(host.name)?.netlink.configure(host)
    }

    fn join(&mut self, segment: &Segment) -> Result<()> {
        match segment {
            Segment::Cable(a, b) => {
                let near = self.node(a.host)?;
                near.netlink.cable(a.interface, b.interface, &self.node(b.host)?.namespace)
            }
            Segment::Switch(name, ports) => {
                self.fabric.netlink.bridge(name)?;
                (1..).zip(ports).try_for_each(|(number, port)| self.plug(name, number, *port))
            }
        }
    }

    fn plug(&mut self, switch: &str, number: u32, port: Port) -> Result<()> {
        let near = format!("{switch}.{number}");
        let far = &self.node(port.host)?.namespace;
        self.fabric.netlink.cable(&near, port.interface, far)?;
        let index = self.fabric.netlink.index(&near)?;
        // A kernel that cannot do this can do everything but cuts, which say so.
        let _ = self.fabric.netlink.prepare_drops(index);
        self.fabric.netlink.attach(&near, switch)?;
        self.plugs.insert((port.host, port.interface), index);
        Ok(())
    }
}

/// Keeps IPv6 and the firewall hooks of bridges out of where nobody needs them.
fn quiet(namespace: &Namespace) -> Result<()> {
    for conf in ["all", "default"] {
        namespace.sysctl_if_there(&format!("ipv6/conf/{conf}/disable_ipv6"), "1")?;
    }
    namespace.sysctl_if_there("bridge/bridge-nf-call-iptables", "0")
}

fn prepare(namespace: &Namespace, kind: Kind) -> Result<()> {
    match kind {
        Kind::Station => {
            quiet(namespace)?;
            // The lowered retransmission time-out also shortens the time after which the kernel
            // gives a connection up: this many tries outlast every outage of a scenario.
            namespace.sysctl("ipv4/tcp_retries2", "60")
        }
        Kind::Router => {
            quiet(namespace)?;
            namespace.sysctl("ipv4/conf/all/forwarding", "1")?;
            namespace.sysctl("ipv4/conf/all/send_redirects", "0")?;
            namespace.sysctl("ipv4/conf/default/send_redirects", "0")
        }
        // A namespace may inherit disabled IPv6 from its maker; the fault-tolerant VLAN needs it.
        Kind::Chassis => ["all", "default"].iter().try_for_each(|conf| {
            namespace.sysctl_if_there(&format!("ipv6/conf/{conf}/disable_ipv6"), "0")
        }),
    }
}
