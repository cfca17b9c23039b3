//! Frames that are dropped on their way into an interface: cuts in one direction, without touching
//! the link itself, whose other users go on.
//!
//! The oldest means are used, a `u32` filter that redirects to a bridge without ports: it is there
//! in kernels that have neither `matchall` nor a dropping action.

use anyhow::{Context, Result};
use hitless_model::Mac;
use netlink_packet_route::tc::{
    TcAction, TcActionAttribute, TcActionMirror, TcActionMirrorOption, TcActionOption,
    TcActionType, TcFilterU32Option, TcMirror, TcMirrorActionType, TcU32Key, TcU32Selector,
    TcU32SelectorFlags,
};

use super::Netlink;

/// `ETH_P_ALL` in network byte order, as the kernel's header wants it.
const EVERY_PROTOCOL: u16 = 0x0003_u16.to_be();

/// The place where filters for incoming frames hang.
const INGRESS: u32 = 0xffff_0000;

/// Which frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// Every one.
    All,
    /// Those to this address.
    To(Mac),
}

impl Netlink {
    /// Prepares an interface for [`Self::drop_incoming`], before anything passes: the kernel stops an
    /// interface that is up for this, and frames are lost.
    pub fn prepare_drops(&self, index: u32) -> Result<()> {
        let request = self.handle.qdisc().add(i32::try_from(index)?).ingress();
        self.runtime.block_on(request.execute()).context("cannot prepare an interface for cuts")
    }

    /// Drops frames that come in at `index` by redirecting them to `sink`.
    pub fn drop_incoming(&self, index: u32, frames: Frames, sink: u32) -> Result<()> {
        let port = i32::try_from(index)?;
        let options = [
            TcFilterU32Option::Selector(selector(frames)),
            TcFilterU32Option::Action(vec![to(sink)]),
        ];
        let filter = self.handle.traffic_filter(port).add().parent(INGRESS);
        let filter = filter.protocol(EVERY_PROTOCOL).u32(&options)?;
        self.runtime.block_on(filter.execute()).context("cannot drop frames")
    }

    /// Ends every [`Self::drop_incoming`] at `index`.
    pub fn pass_incoming(&self, index: u32) -> Result<()> {
        let filters = self.handle.traffic_filter(i32::try_from(index)?).del().parent(INGRESS);
        self.runtime.block_on(filters.execute()).context("cannot let frames pass again")
    }
}

fn selector(frames: Frames) -> TcU32Selector {
    let keys = match frames {
        Frames::All => vec![TcU32Key::default()],
        Frames::To(mac) => destination(mac),
    };
    let mut selector = TcU32Selector::default();
    selector.flags = TcU32SelectorFlags::Terminal;
    selector.nkeys = u8::try_from(keys.len()).unwrap_or(u8::MAX);
    selector.keys = keys;
    selector
}

/// Offsets count from the network header, which the destination MAC lies 14 octets before, and are
/// multiples of four.
fn destination(mac: Mac) -> Vec<TcU32Key> {
    let mut octets = [0; 8];
    octets[2..].copy_from_slice(&mac.0);
    let bits = u64::from_be_bytes(octets);
    let key = |off, bits: u64, mask: u32| {
        let mut key = TcU32Key::default();
        let val = u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(0);
        (key.off, key.mask, key.val) = (off, mask, val);
        key
    };
    vec![key(-16, bits >> 32, 0x0000_ffff), key(-12, bits, u32::MAX)]
}

fn to(sink: u32) -> TcAction {
    let mut mirror = TcMirror::default();
    mirror.generic.action = TcActionType::Stolen;
    mirror.eaction = TcMirrorActionType::EgressRedir;
    mirror.ifindex = sink;
    let mut action = TcAction::default();
    action.attributes = vec![
        TcActionAttribute::Kind(TcActionMirror::KIND.to_owned()),
        TcActionAttribute::Options(vec![TcActionOption::Mirror(TcActionMirrorOption::Parms(
            mirror,
        ))]),
    ];
    action
}
