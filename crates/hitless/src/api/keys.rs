//! Keys in configurations: hidden from everybody on the way out, and put back where a client sends
//! them back hidden.

use hitless_config::Configuration;
use hitless_config::model::{Hsrp, HsrpAuthentication, KeyString, Layer, Module, ProbeCheck};

/// What a key is shown as, and what is taken for "as it is" when it comes back.
pub(crate) const HIDDEN: &str = "******";

/// A copy whose keys cannot be read.
pub(crate) fn hidden(configuration: &Configuration) -> Configuration {
    let mut copy = configuration.clone();
    visit(&mut copy, &mut |_, key| *key = KeyString::new(HIDDEN.to_owned()));
    copy
}

/// Puts the keys of what runs in the place of hidden ones.
///
/// # Errors
/// Where there is none to put.
pub(crate) fn restore(wanted: &mut Configuration, running: &Configuration) -> Result<(), String> {
    let mut known = Vec::new();
    visit(&mut running.clone(), &mut |place, key| known.push((place, key.clone())));
    let mut missing = None;
    visit(wanted, &mut |place, key| {
        if key.expose() != HIDDEN {
            return;
        }
        match known.iter().find(|(known, _)| *known == place) {
            Some((_, found)) => *key = found.clone(),
            None => missing = Some(place),
        }
    });
    missing.map_or(Ok(()), |place| Err(format!("{place}: the key is hidden, and none is known")))
}

/// Calls `with` for each key and the place where it stands.
fn visit(configuration: &mut Configuration, with: &mut impl FnMut(String, &mut KeyString)) {
    for (slot, module) in &mut configuration.modules {
        in_module(&format!("module csm {slot}"), module, with);
    }
    for (vlan, interface) in &mut configuration.vlan_interfaces {
        let groups = interface.routed.hsrp.iter_mut();
        groups
            .for_each(|(group, hsrp)| in_hsrp(format!("vlan {vlan} standby {group}"), hsrp, with));
    }
    let ports = configuration.interfaces.iter_mut();
    let ports = ports.map(|(name, port)| (name.to_string(), &mut port.layer));
    let channels = configuration.port_channels.iter_mut();
    let channels = channels.map(|(number, port)| (format!("channel {number}"), &mut port.layer));
    for (name, layer) in ports.chain(channels) {
        let Layer::Routed(routed) = layer else { continue };
        let groups = routed.hsrp.iter_mut();
        groups.for_each(|(group, hsrp)| in_hsrp(format!("{name} standby {group}"), hsrp, with));
    }
}

fn in_module(place: &str, module: &mut Module, with: &mut impl FnMut(String, &mut KeyString)) {
    if let Some(ft) = &mut module.ft {
        ft.key.iter_mut().for_each(|key| with(format!("{place} ft"), key));
        ft.accepted_key.iter_mut().for_each(|key| with(format!("{place} ft, accepted"), key));
    }
    for (name, probe) in &mut module.probes {
        let ProbeCheck::Http(http) = &mut probe.check else { continue };
        if let Some(key) = http.credentials.as_mut().and_then(|known| known.password.as_mut()) {
            with(format!("{place} probe {name}"), key);
        }
    }
}

/// A text password is no key: everybody on the segment can read it.
fn in_hsrp(place: String, hsrp: &mut Hsrp, with: &mut impl FnMut(String, &mut KeyString)) {
    match &mut hsrp.authentication {
        Some(HsrpAuthentication::Md5Key(key)) => with(place, key),
        Some(HsrpAuthentication::Text(_) | HsrpAuthentication::Md5Chain(_)) | None => {}
    }
}

#[cfg(test)]
mod tests {
    use hitless_config::parse;

    use super::*;

    const TEXT: &str = "interface vlan 4\n ip address 10.0.4.1 255.255.255.0\n standby 1 \
        authentication md5 key-string opensesame1\nmodule csm 5\n probe P http\n  credentials bob \
        opensesame2\n ft group 90 vlan 9\n  key-string opensesame3\n  key-string opensesame4 accept\n";

    #[test]
    fn every_key_is_hidden_and_comes_back() {
        let known = parse(TEXT, "a").unwrap_or_else(|wrong| panic!("{wrong:?}"));
        let hidden = hidden(&known);
        let shown = serde_json::to_string(&hidden).unwrap();
        assert!(!shown.contains("opensesame"), "{shown}");
        assert_eq!(shown.matches(HIDDEN).count(), 4, "{shown}");
        let mut back = hidden.clone();
        restore(&mut back, &known).unwrap();
        assert_eq!(back, known);
        let refused = restore(&mut hidden.clone(), &Configuration::default()).unwrap_err();
        assert!(refused.contains("none is known"), "{refused}");
    }
}
