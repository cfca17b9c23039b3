//! Names of well-known ports, as `virtual ... tcp www` writes them.

/// One name a port and one port a name, whatever the protocol, so that rendering needs no context.
const PORTS: &[(&str, u16)] = &[
    ("bgp", 179),
    ("chargen", 19),
    ("daytime", 13),
    ("discard", 9),
    ("domain", 53),
    ("echo", 7),
    ("finger", 79),
    ("ftp", 21),
    ("ftp-data", 20),
    ("gopher", 70),
    ("https", 443),
    ("ident", 113),
    ("irc", 194),
    ("lpd", 515),
    ("matip-a", 350),
    ("nntp", 119),
    ("ntp", 123),
    ("pop2", 109),
    ("pop3", 110),
    ("radius", 1812),
    ("smtp", 25),
    ("snmp", 161),
    ("sunrpc", 111),
    ("tacacs", 49),
    ("talk", 517),
    ("telnet", 23),
    ("tftp", 69),
    ("time", 37),
    ("uucp", 540),
    ("whois", 43),
    ("www", 80),
    ("xot", 1998),
];

/// Second spellings: understood, never rendered.
const ALIASES: &[(&str, u16)] = &[("dns", 53), ("http", 80)];

/// The port of a name or of its unique abbreviation.
pub fn port_by_name(word: &str) -> Option<u16> {
    let word = word.to_ascii_lowercase();
    let known = || PORTS.iter().chain(ALIASES);
    if let Some((_, port)) = known().find(|(name, _)| *name == word) {
        return Some(*port);
    }
    let mut found = known().filter(|(name, _)| !word.is_empty() && name.starts_with(&word));
    let (_, first) = found.next()?;
    found.all(|(_, port)| port == first).then_some(*first)
}

/// The name of a port, if it has one.
pub fn port_name(port: u16) -> Option<&'static str> {
    PORTS.iter().find(|(_, number)| *number == port).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rendered_name_is_read_back() {
        for (name, port) in PORTS {
            assert_eq!(port_by_name(name), Some(*port));
            assert_eq!(port_name(*port), Some(*name));
        }
    }

    #[test]
    fn an_abbreviation_must_be_unique() {
        assert_eq!(port_by_name("tel"), Some(23));
        assert_eq!(port_by_name("t"), None);
        assert_eq!(port_by_name("FTP"), Some(21));
        assert_eq!(port_by_name("ftp-"), Some(20));
    }
}
