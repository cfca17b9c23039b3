use std::fs::File;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::*;
use crate::netlink::testing::in_own_namespace;
use crate::netlink::{Netlink, VethEnd};

const OWN: Mac = Mac([6, 0, 0, 0, 0, 1]);
const THEIRS: Mac = Mac([6, 0, 0, 0, 0, 2]);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 6, 0, 1);
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 6, 0, 245);

/// The other end of the cable: sees every ARP frame, and says what a test wants.
struct FarEnd {
    socket: OwnedFd,
    ifindex: u32,
}

impl FarEnd {
    fn hear(&self) -> Option<[u8; FRAME]> {
        let mut frame = [0; FRAME];
        wait(&self.socket);
        rustix::net::recv(&self.socket, &mut frame, RecvFlags::empty()).ok().map(|_| frame)
    }

    /// A link that was just set up carries nothing for a moment.
    fn await_link(&self, near: &Link) {
        let hears = || rustix::net::recv(&self.socket, &mut [0; FRAME], RecvFlags::empty()).is_ok();
        let begun = std::time::Instant::now();
        while !hears() {
            assert!(begun.elapsed() < Duration::from_secs(10), "the cable carries nothing");
            let arp = Arp { to: THEIRS, sender: near.sender, target: ADDRESS };
            let _not_yet = packet::send(&near.socket, &arp.request(), near.ifindex, THEIRS);
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(20));
        while hears() {}
    }

    fn say(&self, reply: &[u8]) {
        packet::send(&self.socket, reply, self.ifindex, OWN).unwrap();
    }
}

fn wait(socket: &OwnedFd) {
    let mut waiting = [PollFd::new(socket, PollFlags::IN)];
    poll(&mut waiting, Some(&Timespec { tv_sec: 2, tv_nsec: 0 })).unwrap();
}

fn reply(from: (Mac, Ipv4Addr), to: Mac) -> [u8; FRAME] {
    let mut frame = Arp { to, sender: from, target: ADDRESS }.request();
    frame[21] = 2;
    frame
}

/// A cable, with a module's gateways at one end.
async fn cable(gateways: Vec<Ipv4Addr>) -> (Gateways, FarEnd) {
    let netlink = Netlink::connect().unwrap();
    let here = File::open("/proc/thread-self/ns/net").unwrap();
    let far = VethEnd { name: "far", mac: THEIRS, namespace: here.as_fd() };
    netlink.create_veth("near", far).await.unwrap();
    let near = netlink.link("near").await.unwrap().unwrap().index;
    let ifindex = netlink.link("far").await.unwrap().unwrap().index;
    for index in [near, ifindex] {
        netlink.set_up(index).await.unwrap();
    }
    let segment = Segment { ifindex: near, mac: OWN, own: ADDRESS, gateways };
    let socket = packet::socket(SocketFlags::NONBLOCK).unwrap();
    let everything = [step(libc::BPF_RET | libc::BPF_K, 64, 0, 0)];
    packet::receive_arp(&socket, ifindex, &everything).unwrap();
    let (gateways, far) = (Gateways::open(vec![segment]).unwrap(), FarEnd { socket, ifindex });
    far.await_link(&gateways.links[0]);
    (gateways, far)
}

/// Gives an answer two seconds to come.
fn is_answered(gateways: &mut Gateways) -> bool {
    if let Some(link) = gateways.links.first() {
        wait(&link.socket);
    }
    gateways.answered()
}

fn nothing_came(gateways: &mut Gateways) -> bool {
    std::thread::sleep(Duration::from_millis(30));
    !gateways.answered()
}

#[test]
fn a_gateway_is_asked_by_broadcast_until_it_answers_and_then_by_its_mac() {
    in_own_namespace(async || {
        let (mut gateways, far) = cable(vec![GATEWAY]).await;
        gateways.ask();
        let asked = Arp { to: Mac::BROADCAST, sender: (OWN, ADDRESS), target: GATEWAY };
        assert_eq!(far.hear().unwrap(), asked.request());
        assert_eq!(gateways.descriptors().count(), 1);
        far.say(&reply((THEIRS, GATEWAY), OWN));
        assert!(is_answered(&mut gateways));
        assert_eq!(gateways.descriptors().count(), 0, "nothing is waited for any more");
        gateways.ask();
        assert_eq!(far.hear().unwrap(), Arp { to: THEIRS, ..asked }.request());
        gateways.ask();
        assert_eq!(far.hear().unwrap(), asked.request(), "it did not answer the last one");
    });
}

#[test]
fn only_replies_of_gateways_to_this_box_get_out_of_the_kernel() {
    in_own_namespace(async || {
        let (mut gateways, far) = cable(vec![GATEWAY, Ipv4Addr::new(10, 6, 0, 2)]).await;
        gateways.ask();
        let stranger = Ipv4Addr::new(10, 6, 0, 9);
        far.say(&reply((THEIRS, stranger), OWN));
        far.say(&reply((THEIRS, GATEWAY), Mac::BROADCAST));
        far.say(&reply((THEIRS, GATEWAY), Mac([6, 0, 0, 0, 0, 9])));
        far.say(&Arp { to: OWN, sender: (THEIRS, GATEWAY), target: ADDRESS }.request());
        assert!(nothing_came(&mut gateways));
        far.say(&reply((THEIRS, Ipv4Addr::new(10, 6, 0, 2)), OWN));
        assert!(is_answered(&mut gateways), "the second gateway is as good as the first");
    });
}

#[test]
fn an_answer_counts_once_and_only_for_a_question_before_it() {
    in_own_namespace(async || {
        let (mut gateways, far) = cable(vec![GATEWAY]).await;
        far.say(&reply((THEIRS, GATEWAY), OWN));
        assert!(nothing_came(&mut gateways), "nobody asked");
        gateways.ask();
        assert!(nothing_came(&mut gateways), "it came before the question");
        far.say(&reply((THEIRS, GATEWAY), OWN));
        far.say(&reply((THEIRS, GATEWAY), OWN));
        assert!(is_answered(&mut gateways));
        assert!(nothing_came(&mut gateways));
    });
}

#[test]
fn of_many_gateways_a_few_are_asked_at_a_time_and_all_in_turn() {
    in_own_namespace(async || {
        let many: Vec<_> = (1..=20).map(|host| Ipv4Addr::new(10, 6, 0, host)).collect();
        let (mut gateways, far) = cable(many.clone()).await;
        let mut asked = std::collections::BTreeSet::new();
        for _ in 0..5 {
            gateways.ask();
            for _ in 0..ASKED_AT_A_TIME {
                let frame = far.hear().unwrap();
                asked.insert(Ipv4Addr::new(frame[38], frame[39], frame[40], frame[41]));
            }
        }
        assert_eq!(asked.len(), many.len());
        far.say(&reply((THEIRS, many[19]), OWN));
        assert!(is_answered(&mut gateways));
        gateways.ask();
        assert_eq!(far.hear().unwrap()[38..42], many[19].octets(), "who answers comes first");
    });
}
