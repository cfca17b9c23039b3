use hitless_config::model::{Name, StickyAddress};
use hitless_model::{Protocol, StickyRecord};

use super::*;
use crate::exec::Answer;
use crate::show::text;

fn shown(answer: &Answer) -> String {
    text(answer, &crate::log::Zone::default())
}

fn sticky(owner: StickyOwner, source: [u8; 4], destination: [u8; 4]) -> StickyInfo {
    let client = StickyClient { owner, source: source.into(), destination: destination.into() };
    let real = "192.158.39.101:80".parse().expect("an address");
    let idle = std::time::Duration::from_secs(4);
    StickyInfo {
        record: StickyRecord { client, real, idle },
        virtual_server: None,
        timeout_s: Some(596),
        replicated: true,
        from_peer: false,
    }
}

#[test]
fn clients_that_stick_stand_in_columns() {
    let group = StickyOwner::Group(35.try_into().expect("a group"));
    let listens = "192.158.38.30:80".parse().expect("an address");
    let alone = StickyOwner::Server { listens, protocol: Protocol::Tcp };
    let mut of_server = sticky(alone, [10, 9, 8, 7], [0; 4]);
    of_server.virtual_server = Name::try_from("WEB_VIP".to_owned()).ok();
    of_server.timeout_s = None;
    let entries = vec![
        sticky(group, [10, 9, 8, 0], [0; 4]),
        sticky(group, [10, 9, 8, 7], [192, 158, 38, 30]),
        of_server,
        sticky(alone, [0; 4], [192, 158, 38, 30]),
    ];
    assert_eq!(
        shown(&Answer::Sticky(StickyPage { entries, next: None })),
        "group    sticky-data                          real                   timeout
----------------------------------------------------------------------------
35       ip 10.9.8.0                          192.158.39.101:80      596
35       ip 10.9.8.7 to 192.158.38.30         192.158.39.101:80      596
0        ip 10.9.8.7 vs WEB_VIP               192.158.39.101:80      never
0        to 192.158.38.30 vs 192.158.38.30:80 192.158.39.101:80      596
"
    );
}

#[test]
fn sticky_groups_stand_in_columns_and_those_without_effect_are_told() {
    let group = |number: u64, by| {
        (number.try_into().expect("a group"), StickyGroupConfig { by, timeout_min: 60 })
    };
    let by_address = StickyBy::Address { prefix: 24, of: StickyAddress::Both };
    assert_eq!(
        shown(&Answer::StickyGroups(vec![group(7, by_address), group(35, StickyBy::Ssl)])),
        "group    type         netmask          address      timeout
----------------------------------------------------------------
7        netmask      255.255.255.0    both         60
35       ssl                                        60
% Sticky by cookie, header or SSL session is not built in this release.
"
    );
}
