//! What a virtual server reads of requests. Nothing here decides yet by what is in a connection.

use crate::commands::{label, small};
use crate::defaults::REQUESTS;
use crate::grammar::{Command, Kind, Value, arg, keyword};
use crate::model::{SslSticky, VirtualServer};

pub(super) fn commands() -> Vec<Command<VirtualServer>> {
    let mut commands = vec![persistent(), parse_length(), ssl_sticky()];
    commands.extend(url_hash());
    commands
}

/// The default is that every request is balanced; without it nothing that hitless does would change.
fn persistent() -> Command<VirtualServer> {
    let path = [
        keyword("persistent", "Connections with several requests"),
        keyword("rebalance", "Each of them is balanced (default)"),
    ];
    Command::<VirtualServer>::new(&path)
        .puts(|server| server.requests.persistent_rebalance = true)
        .clears(2, |server| server.requests.persistent_rebalance = false)
        .shows(|server, lines| {
            if !server.requests.persistent_rebalance {
                lines.no(&[]);
            }
        })
        .without_effect("persistent rebalance")
}

fn parse_length() -> Command<VirtualServer> {
    let path = [
        keyword("parse-length", "How much of a request is read"),
        arg(Kind::Number { min: 1, max: 4000 }, "Octets"),
    ];
    Command::<VirtualServer>::new(&path)
        .sets(|server, args| {
            server.requests.parse_length = small(args.get(0)?)?;
            Ok(())
        })
        .clears(1, |server| server.requests.parse_length = REQUESTS.parse_length)
        .shows(|server, lines| {
            let length = server.requests.parse_length;
            lines.line_if(length != REQUESTS.parse_length, &[Value::Number(length.into())]);
        })
        .without_effect("parse-length")
}

fn ssl_sticky() -> Command<VirtualServer> {
    let path = [
        keyword("ssl-sticky", "Part of an SSL session's identity that sticks"),
        keyword("offset", "Where it begins"),
        arg(Kind::Number { min: 0, max: 127 }, "Octets"),
        keyword("length", "How long it is"),
        arg(Kind::Number { min: 1, max: 128 }, "Octets"),
    ];
    Command::<VirtualServer>::new(&path)
        .sets(|server, args| {
            let (offset, length) = (small(args.nth(0)?)?, small(args.nth(1)?)?);
            server.requests.ssl_sticky = SslSticky { offset, length };
            Ok(())
        })
        .clears(1, |server| server.requests.ssl_sticky = REQUESTS.ssl_sticky)
        .shows(|server, lines| {
            let sticky = server.requests.ssl_sticky;
            let values = [Value::Number(sticky.offset.into()), Value::Number(sticky.length.into())];
            lines.line_if(sticky != REQUESTS.ssl_sticky, &values);
        })
        .without_effect("ssl-sticky")
}

fn url_hash() -> [Command<VirtualServer>; 2] {
    let first = keyword("url-hash", "Part of a URL that predictor hash url takes");
    let pattern = arg(Kind::Word, "Pattern");
    let begin = keyword("begin-pattern", "Where it begins");
    let begin = Command::<VirtualServer>::new(&[first, begin, pattern])
        .sets(|server, args| {
            server.requests.url_hash_begin = Some(label(args.get(0)?)?);
            Ok(())
        })
        .clears(2, |server| server.requests.url_hash_begin = None)
        .shows(|server, lines| {
            if let Some(pattern) = &server.requests.url_hash_begin {
                lines.line(&[Value::Word(pattern.to_string())]);
            }
        });
    let end = keyword("end-pattern", "Where it ends");
    let end = Command::<VirtualServer>::new(&[first, end, pattern])
        .sets(|server, args| {
            server.requests.url_hash_end = Some(label(args.get(0)?)?);
            Ok(())
        })
        .clears(2, |server| server.requests.url_hash_end = None)
        .shows(|server, lines| {
            if let Some(pattern) = &server.requests.url_hash_end {
                lines.line(&[Value::Word(pattern.to_string())]);
            }
        });
    [begin, end].map(|command| command.without_effect("url-hash"))
}
