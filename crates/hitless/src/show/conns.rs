//! `show module csm N conns [detail]`: two rows for each connection, as each side sees it.

use std::net::SocketAddrV4;

use hitless_model::tcp::seen;
use hitless_model::{ConnRecord, ConnStage, Protocol, VlanId};

use super::Page;
use crate::api::types::{ConnInfo, ConnPage};
use crate::exec::Depth;

/// One of the two rows.
struct Row {
    direction: &'static str,
    vlan: VlanId,
    source: SocketAddrV4,
    destination: SocketAddrV4,
}

pub(super) fn show(page: &mut Page, shown: &ConnPage, depth: Depth) {
    page.line(format_args!("    prot vlan source                destination           state"));
    page.rule(70);
    for conn in &shown.conns {
        for row in rows(&conn.record) {
            let Row { direction, vlan, source, destination } = row;
            let (source, destination) = (source.to_string(), destination.to_string());
            let (protocol, vlan) = (conn.record.key.protocol, vlan.to_string());
            let state = state(conn);
            page.line(format_args!(
                "{direction:<3} {protocol:<4} {vlan:<4} {source:<21} {destination:<21} {state}"
            ));
        }
        if depth == Depth::Full {
            detail(page, conn);
        }
    }
    if shown.next.is_some() {
        page.line(format_args!("% There are more: ask for those of a virtual server or a client."));
    }
}

/// What comes in from the client, and what goes out to it from the real.
fn rows(record: &ConnRecord) -> [Row; 2] {
    let key = &record.key;
    [
        Row {
            direction: "In",
            vlan: record.client_vlan,
            source: key.client,
            destination: key.virtual_server,
        },
        Row {
            direction: "Out",
            vlan: record.server_vlan,
            source: record.real,
            destination: key.client,
        },
    ]
}

/// The original's words for it.
fn state(conn: &ConnInfo) -> &'static str {
    let seen = conn.record.seen;
    let has = |bit: u8| seen & bit != 0;
    match (conn.stage, conn.record.key.protocol) {
        (ConnStage::Closing, _) => "CLOSING",
        (ConnStage::Established, _) if has(seen::FIN_CLIENT) => "FINCLIENT",
        (ConnStage::Established, _) if has(seen::FIN_REAL) => "FINSERVER",
        (ConnStage::Established, _) => "ESTAB",
        (ConnStage::Embryonic, Protocol::Udp) => "INIT",
        (ConnStage::Embryonic, Protocol::Tcp) if has(seen::REAL_ANSWERED) => "SYNBOTH",
        (ConnStage::Embryonic, Protocol::Tcp) => "SYNCLIENT",
    }
}

fn detail(page: &mut Page, conn: &ConnInfo) {
    let name = conn.virtual_server.as_ref().map_or("<none>", |name| name.as_str());
    let replicated = if conn.replicated { "True" } else { "False" };
    let from_peer = if conn.from_peer { "True" } else { "False" };
    let (to_real, to_client) = conn.packets;
    let (bytes_to_real, bytes_to_client) = conn.bytes;
    let idle = conn.record.idle.as_secs();
    page.line(format_args!("    vs = {name}, ftp = No, csrp = {replicated}"));
    page.line(format_args!(
        "    from peer = {from_peer}, idle = {idle}, packets = {to_real}/{to_client}, \
         bytes = {bytes_to_real}/{bytes_to_client}"
    ));
}
