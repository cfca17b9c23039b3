//! What modules need while they change over from one configuration to the next. Pure.

use super::desired::Desired;

impl Desired {
    /// The same, and what running modules still have of `running`: their interfaces are taken away
    /// only when they have changed over.
    pub(crate) fn beside(mut self, running: &Self) -> Self {
        for (slot, wirings) in &running.modules {
            let Some(wanted) = self.modules.get_mut(slot) else { continue };
            for (vlan, wiring) in wirings {
                wanted.entry(*vlan).or_insert_with(|| wiring.clone());
                if running.vlans.contains(vlan) {
                    self.vlans.insert(*vlan);
                }
            }
        }
        self
    }

    /// The same, and everything that `before` has that is not in its way: what is not wanted any more
    /// is taken away only when everybody has changed over.
    pub(crate) fn joined_with(mut self, before: &Self) -> Self {
        self.vlans.extend(&before.vlans);
        for (name, vlan) in &before.access {
            self.access.entry(name.clone()).or_insert(*vlan);
        }
        for (slot, wirings) in &before.modules {
            let wanted = self.modules.entry(*slot).or_default();
            for (vlan, wiring) in wirings {
                wanted.entry(*vlan).or_insert_with(|| wiring.clone());
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desired(text: &str) -> Desired {
        Desired::new(&hitless_config::parse(text, "a.conf").unwrap())
    }

    #[test]
    fn a_vlan_that_a_module_leaves_stays_until_it_has_left() {
        let before =
            desired("module csm 4\n vlan 2 client\n vlan 3 server\nmodule csm 5\n vlan 8 client\n");
        let after = desired("module csm 4\n vlan 2 client\n vlan 5 server\n");
        let both = after.clone().beside(&before);
        let numbers = |desired: &Desired| -> Vec<String> {
            desired.vlans.iter().map(ToString::to_string).collect()
        };
        assert_eq!(numbers(&after), ["2", "5"]);
        assert_eq!(numbers(&both), ["2", "3", "5"]);
        let (_, wirings) = both.modules.first_key_value().unwrap();
        assert_eq!(wirings.len(), 3);
        assert_eq!(both.modules.len(), 1, "a module that goes takes its VLANs with it");
    }
}
