//! Ethernet addresses, and how the virtual one of a floating address is made.

use core::fmt;

use crate::ids::{GroupId, VlanId};

/// A 48-bit Ethernet address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Everybody on the segment.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// The MAC that a pair's floating addresses have on one VLAN.
    ///
    /// `02` (locally administered) and 40 bits of a hash of group, fault-tolerant VLAN and VLAN:
    /// the same on both boxes without talking, different for two pairs that share a client VLAN,
    /// and never HSRP's 0000.0c07.acXX, which the same topology may use.
    pub fn virtual_for(group: GroupId, ft_vlan: VlanId, vlan: VlanId) -> Self {
        let seed = (u64::from(group) << 32) | (u64::from(ft_vlan) << 16) | u64::from(vlan);
        let hash = mix(seed).to_be_bytes();
        Self([0x02, hash[0], hash[1], hash[2], hash[3], hash[4]])
    }

    /// A locally administered unicast MAC made from a seed: the stable own MAC of a module's port.
    pub fn derived_from(seed: u64) -> Self {
        let hash = mix(seed).to_be_bytes();
        Self([0x06, hash[0], hash[1], hash[2], hash[3], hash[4]])
    }

    /// The IPv6 link-local address that a kernel interface with this MAC has (RFC 4291, appendix A).
    pub const fn link_local(self) -> [u8; 16] {
        let m = self.0;
        [0xfe, 0x80, 0, 0, 0, 0, 0, 0, m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]]
    }

    /// The MAC inside a link-local address made by [`Mac::link_local`].
    pub const fn from_link_local(a: [u8; 16]) -> Option<Self> {
        if a[0] != 0xfe || a[1] != 0x80 || a[11] != 0xff || a[12] != 0xfe {
            return None;
        }
        Some(Self([a[8] ^ 2, a[9], a[10], a[13], a[14], a[15]]))
    }
}

/// Finaliser of MurmurHash3: every bit of the input reaches every bit of the output.
const fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x ^= x >> 33;
    x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
    x ^= x >> 33;
    x = x.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, rest @ ..] = self.0;
        write!(f, "{first:02x}")?;
        rest.iter().try_for_each(|octet| write!(f, ":{octet:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn virtual_mac(group: u64, ft: u64, vlan: u64) -> Mac {
        Mac::virtual_for(
            group.try_into().unwrap(),
            ft.try_into().unwrap(),
            vlan.try_into().unwrap(),
        )
    }

    #[test]
    fn virtual_macs_are_local_unicast_and_differ_by_every_part() {
        let mac = virtual_mac(90, 9, 2);
        assert_eq!(mac.0[0], 0x02);
        assert_eq!(mac, virtual_mac(90, 9, 2));
        for other in [virtual_mac(91, 9, 2), virtual_mac(90, 10, 2), virtual_mac(90, 9, 3)] {
            assert_ne!(mac, other);
        }
    }

    #[test]
    fn link_local_round_trips() {
        let mac = Mac([6, 1, 2, 3, 4, 5]);
        assert_eq!(Mac::from_link_local(mac.link_local()), Some(mac));
        assert_eq!(Mac::from_link_local([0; 16]), None);
    }
}
