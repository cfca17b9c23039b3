//! The least that any balancer does with a packet at a hook: parse, one look-up, rewrite, send out.
//!
//! No role, no lease, no VLANs, no counters, no idle times, one virtual server. What the data plane costs more
//! than this is what its features cost, and its mistakes.

use zerocopy::transmute;

use crate::frame::{Change, Frame, after_change, read, write};
use crate::maps::{FLOOR_FWD, FLOOR_NEW_FWD, FLOOR_NEW_REV, FLOOR_REV, PLAN, SERVICE};
use crate::plan::{Key, PORTS, REALS, Target};

const IPV4: u16 = 0x0800_u16.to_be();
const WITHOUT_OPTIONS: u8 = 0x45;
const FRAGMENT: u16 = 0x3fff_u16.to_be();
const TCP: u32 = 6;
const UDP: u32 = 17;

/// A packet that the floor takes.
struct Packet {
    key: Key,
    ttl: u32,
}

/// Client to real.
#[inline(always)]
pub(crate) fn forward<F: Frame>(frame: &mut F) -> i32 {
    let Some(packet) = parse(frame) else { return F::PASS };
    // SAFETY: the kernel keeps the element for the run of the program.
    let found = unsafe { FLOOR_FWD.get(&packet.key) };
    let Some(target) = found.or_else(|| open(&packet.key)) else { return F::PASS };
    send::<F, true>(frame, &packet, target).unwrap_or(F::DROP)
}

/// Real to client.
#[inline(always)]
pub(crate) fn reverse<F: Frame>(frame: &mut F) -> i32 {
    let Some(packet) = parse(frame) else { return F::PASS };
    // SAFETY: as above.
    let Some(target) = (unsafe { FLOOR_REV.get(&packet.key) }) else { return F::PASS };
    send::<F, false>(frame, &packet, target).unwrap_or(F::DROP)
}

/// Stores a new flow to the virtual server, both directions, as every balancer that translates has to.
#[inline(always)]
fn open(key: &Key) -> Option<&'static Target> {
    let service = SERVICE.get(0)?;
    if key.dst != service.reverse.ip || key.dst_port != service.reverse.port {
        return None;
    }
    let target = &service.forward;
    FLOOR_NEW_FWD.insert(key, target, 0).ok()?;
    FLOOR_NEW_REV.insert(&key.reversed(target), &service.reverse, 0).ok()?;
    Some(target)
}

/// Opens the next flow of the plan.
#[inline(always)]
pub(crate) fn fill<F: Frame>(_frame: &mut F) -> i32 {
    match fill_one() {
        Some(()) => F::PASS,
        None => F::DROP,
    }
}

#[inline(always)]
fn fill_one() -> Option<()> {
    // SAFETY: the element of this benchmark alone, and one program uses it at a time.
    let plan = unsafe { &mut *PLAN.get_ptr_mut(0)? };
    let service = SERVICE.get(0)?;
    // In the order in which the data plane is told them, not in the one in which they will be asked for.
    let flow = plan.state & plan.mask;
    plan.state += 1;
    let bytes = &plan.frame;
    let client = u32::from_be_bytes([bytes[26], bytes[27], 0, 0]) + flow / PORTS;
    let port = u16::from_be_bytes([bytes[34], bytes[35]]) | u16::try_from(flow % PORTS).ok()?;
    let key = Key {
        src: client.to_be(),
        dst: service.reverse.ip,
        src_port: port.to_be(),
        dst_port: service.reverse.port,
        protocol: bytes[23].into(),
    };
    let target = service.forward.of_real(flow % REALS);
    FLOOR_FWD.insert(&key, &target, 0).ok()?;
    FLOOR_REV.insert(&key.reversed(&target), &service.reverse, 0).ok()
}

#[inline(always)]
fn parse<F: Frame>(frame: &F) -> Option<Packet> {
    let bytes = frame.bytes()?;
    // SAFETY: all of this lies within a frame of the least length.
    unsafe {
        let protocol = u32::from(read::<u8>(bytes, 23));
        if read::<u16>(bytes, 12) != IPV4
            || read::<u8>(bytes, 14) != WITHOUT_OPTIONS
            || read::<u16>(bytes, 20) & FRAGMENT != 0
            || (protocol != TCP && protocol != UDP)
        {
            return None;
        }
        // Two whole words, so that the kernel's reads of the key do not wait for a store of each part.
        let (addresses, ports): (u64, u32) = (read(bytes, 26), read(bytes, 34));
        let key = transmute!([addresses, u64::from(ports) | u64::from(protocol) << 32]);
        Some(Packet { key, ttl: u32::from(read::<u8>(bytes, 22)) })
    }
}

/// Rewrites one side and sends the frame out.
#[inline(always)]
fn send<F: Frame, const DESTINATION: bool>(
    frame: &mut F,
    packet: &Packet,
    target: &Target,
) -> Option<i32> {
    if packet.ttl <= 1 {
        return None;
    }
    let key = &packet.key;
    let (address_at, port_at) = if DESTINATION { (30, 36) } else { (26, 34) };
    let (ip, port) = if DESTINATION { (key.dst, key.dst_port) } else { (key.src, key.src_port) };
    let change = Change { ip: (ip, target.ip), port: (port, target.port) };
    let sum_at = if key.protocol == TCP { 50 } else { 40 };
    if !frame.replace_checksum(sum_at, &change, key.protocol == UDP) {
        return None;
    }
    let bytes = frame.bytes()?;
    // As they lie in memory: the time to live, then the protocol.
    let word = |ttl: u32| u32::from_le(ttl | key.protocol << 8);
    // SAFETY: all of this lies within a frame of the least length.
    unsafe {
        let sum = after_change(read(bytes, 24), ip, target.ip);
        write(bytes, 24, after_change(sum, word(packet.ttl), word(packet.ttl - 1)));
        #[expect(clippy::cast_possible_truncation, reason = "it came from one octet")]
        write(bytes, 22, (packet.ttl - 1) as u8);
        write(bytes, address_at, target.ip);
        write(bytes, port_at, target.port);
        write(bytes, 0, target.macs[0]);
        write(bytes, 4, target.macs[1]);
        write(bytes, 8, target.macs[2]);
    }
    Some(frame.redirect(target.ifindex))
}
