//! What surrounds the modules: clock, interfaces, virtual routers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use hitless_config::Configuration;
use hitless_config::model::{
    Clock, Encapsulation, Hsrp, HsrpAddress, HsrpAuthentication, HsrpPassword, HsrpTime,
    HsrpTimers, HsrpVersion, Interface, Layer, PortChannel, PortMode, PreemptDelay, Routed, Subnet,
    SwitchPort, TimeZone, UtcOffset, VlanInterface,
};
use hitless_model::{HsrpGroup, Slot, VlanId};
use proptest::collection::{btree_map, btree_set};
use proptest::option::of;
use proptest::prelude::*;

use super::module::module;
use super::{address, description, id, interface_name, key, label, mac, port_name};

pub(crate) fn configuration() -> impl Strategy<Value = Configuration> {
    let clock = (of(timezone()), any::<bool>());
    let logging_hosts = btree_set(address(), 0..3);
    let chassis = (of("[a-z][a-z0-9]{0,20}"), clock, any::<bool>(), logging_hosts);
    let vlans = btree_set(id::<VlanId>(2, 4094), 0..6);
    let ports = btree_map(port_name(), interface(), 0..4);
    let channels = btree_map(id(1, 256), port_channel(), 0..3);
    let own = btree_map(id(2, 4094), vlan_interface(), 0..3);
    let modules = (of(id::<Slot>(1, 13)), module());
    (chassis, vlans, ports, channels, own, modules).prop_map(
        |(chassis, vlans, interfaces, port_channels, vlan_interfaces, (slot, module))| {
            let (hostname, (timezone, calendar_valid), floods_multicast, logging_hosts) = chassis;
            let mut configuration = Configuration {
                hostname,
                clock: Clock { timezone, calendar_valid },
                floods_multicast,
                logging_hosts,
                vlans,
                interfaces,
                port_channels,
                vlan_interfaces,
                modules: slot.map(|slot| (slot, module)).into_iter().collect(),
            };
            mention(&mut configuration);
            configuration
        },
    )
}

/// Every VLAN that is mentioned anywhere is among the chassis' VLANs, and so are port-channels.
fn mention(configuration: &mut Configuration) {
    let channels = configuration.interfaces.values().filter_map(|port| port.channel_group);
    for channel in channels.collect::<Vec<_>>() {
        configuration.port_channels.entry(channel).or_default();
    }
    let access = configuration.interfaces.values().filter_map(Interface::access_vlan);
    configuration.vlans.extend(access);
    configuration.vlans.extend(configuration.vlan_interfaces.keys());
    for module in configuration.modules.values() {
        configuration.vlans.extend(module.vlans.keys());
        configuration.vlans.extend(&module.ft_vlans);
    }
}

fn timezone() -> impl Strategy<Value = TimeZone> {
    let offset = (-1439..1440i16).prop_filter_map("a zone", |m| UtcOffset::try_from(m).ok());
    (label(), offset).prop_map(|(name, offset)| TimeZone { name, offset })
}

fn interface() -> impl Strategy<Value = Interface> {
    (description(), layer(), of(id(1, 256)), any::<bool>()).prop_map(
        |(description, layer, channel_group, shutdown)| Interface {
            description,
            layer,
            channel_group,
            shutdown,
        },
    )
}

fn port_channel() -> impl Strategy<Value = PortChannel> {
    (description(), layer(), any::<bool>()).prop_map(|(description, layer, shutdown)| PortChannel {
        description,
        layer,
        shutdown,
    })
}

fn vlan_interface() -> impl Strategy<Value = VlanInterface> {
    (description(), routed(), any::<bool>())
        .prop_map(|(description, routed, shutdown)| VlanInterface { description, routed, shutdown })
}

fn layer() -> impl Strategy<Value = Layer> {
    prop_oneof![
        Just(Layer::Unsaid),
        switch_port().prop_map(Layer::Switched),
        routed().prop_map(Layer::Routed),
    ]
}

fn switch_port() -> impl Strategy<Value = SwitchPort> {
    let mode = of(prop_oneof![Just(PortMode::Access), Just(PortMode::Trunk)]);
    let vlan = || of(id::<VlanId>(2, 4094));
    let allowed = of(btree_set(id::<VlanId>(2, 4094), 0..5));
    (mode, vlan(), of(Just(Encapsulation::Dot1q)), vlan(), allowed).prop_map(
        |(mode, access_vlan, encapsulation, native_vlan, allowed_vlans)| SwitchPort {
            mode,
            access_vlan,
            encapsulation,
            native_vlan,
            allowed_vlans,
        },
    )
}

fn routed() -> impl Strategy<Value = Routed> {
    let own = of(1..=99u8).prop_map(|host| {
        host.map(|host| Subnet { address: Ipv4Addr::new(10, 100, 0, host), prefix: 16 })
    });
    let groups = prop_oneof![
        (Just(HsrpVersion::One), btree_map(id::<HsrpGroup>(0, 255), hsrp(), 0..3)),
        (Just(HsrpVersion::Two), btree_map(id::<HsrpGroup>(0, 4095), hsrp(), 0..3)),
    ];
    (own, groups, any::<bool>()).prop_map(
        |(address, (hsrp_version, mut hsrp), hsrp_uses_own_mac)| {
            // A group of which nothing is said is none.
            hsrp.retain(|_, group| *group != Hsrp::default());
            Routed { address, hsrp_version, hsrp_uses_own_mac, hsrp }
        },
    )
}

fn hsrp() -> impl Strategy<Value = Hsrp> {
    let virtual_address = (100..=199u8).prop_map(|host| Ipv4Addr::new(10, 100, 0, host));
    let address = of(prop_oneof![
        Just(HsrpAddress::Learnt),
        virtual_address.prop_map(HsrpAddress::Configured),
    ]);
    let delay = of((0..=3600u16, 0..=3600u16, 0..=3600u16)
        .prop_map(|(minimum_s, reload_s, sync_s)| PreemptDelay { minimum_s, reload_s, sync_s }));
    let secondary = btree_set(super::address(), 0..3);
    let tracks = btree_map(interface_name(), 1..=255u8, 0..3);
    let rest = (of(authentication()), of(label()), of(mac()));
    (address, secondary, any::<u8>(), delay, timers(), tracks, rest).prop_map(
        |(address, secondary, priority, preempt, timers, tracks, (authentication, name, mac))| {
            let secondary: BTreeSet<Ipv4Addr> = secondary;
            let tracks: BTreeMap<_, _> = tracks;
            Hsrp {
                address,
                secondary,
                priority,
                preempt,
                timers,
                tracks,
                authentication,
                name,
                mac,
            }
        },
    )
}

fn timers() -> impl Strategy<Value = HsrpTimers> {
    let seconds = (1..=200u8, 1..=50u8).prop_map(|(hello, more)| HsrpTimers {
        hello: HsrpTime::Seconds(hello),
        hold: HsrpTime::Seconds(hello + more),
    });
    let millis = (15..=999u16, 50..=2000u16).prop_map(|(hello, more)| HsrpTimers {
        hello: HsrpTime::Milliseconds(hello),
        hold: HsrpTime::Milliseconds(hello + more),
    });
    let mixed = (15..=999u16, 2..=255u8).prop_map(|(hello, hold)| HsrpTimers {
        hello: HsrpTime::Milliseconds(hello),
        hold: HsrpTime::Seconds(hold),
    });
    let slow = (1..=2u8, 2050..=3000u16).prop_map(|(hello, hold)| HsrpTimers {
        hello: HsrpTime::Seconds(hello),
        hold: HsrpTime::Milliseconds(hold),
    });
    prop_oneof![seconds, millis, mixed, slow]
}

fn authentication() -> impl Strategy<Value = HsrpAuthentication> {
    let password =
        "[!-~]{1,8}".prop_filter_map("a password", |text| HsrpPassword::try_from(text).ok());
    prop_oneof![
        password.prop_map(HsrpAuthentication::Text),
        key().prop_map(HsrpAuthentication::Md5Key),
        label().prop_map(HsrpAuthentication::Md5Chain),
    ]
}
