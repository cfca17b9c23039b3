//! Reading what tools and /proc print. Pure: text in, value out.

/// `1.95.0` of `rustc 1.95.0 (59807616e 2026-04-14)`, as numbers.
pub(super) fn tool_version(line: &str) -> Option<(u32, u32, u32)> {
    let word =
        line.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    version(word)
}

/// `1.95` or `1.95.0` as numbers; what is not said is zero.
pub(super) fn version(text: &str) -> Option<(u32, u32, u32)> {
    let number = text.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let mut parts = number.split('.');
    let major = parts.next()?.parse().ok()?;
    let mut next = || parts.next().map_or(Some(0), |part| part.parse().ok());
    Some((major, next()?, next()?))
}

/// The last number of what `df --output=avail` prints.
pub(super) fn available(df: &str) -> Option<u64> {
    df.lines().last()?.trim().parse().ok()
}

/// Kibibytes of a line of /proc/meminfo.
pub(super) fn meminfo(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A line of the first processor in /proc/cpuinfo.
pub(super) fn cpuinfo<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

/// Hundredths of a percent of all processor time that a hypervisor gave to others, since the start.
pub(super) fn stolen(stat: &str) -> Option<u64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let times: Vec<u64> = line.split_whitespace().map_while(|word| word.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal; what follows is part of user.
    let all: u64 = times.iter().take(8).sum();
    (*times.get(7)? * 10_000).checked_div(all)
}

/// Names of vulnerabilities whose mitigation costs something, of (name, what the kernel says).
pub(super) fn mitigated(of: &[(String, String)]) -> Vec<&str> {
    let costs = |says: &&(String, String)| says.1.starts_with("Mitigation");
    of.iter().filter(costs).map(|(name, _)| name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        assert_eq!(tool_version("rustc 1.95.0 (59807616e 2026-04-14)"), Some((1, 95, 0)));
        let qemu = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\nCopyright";
        assert_eq!(tool_version(qemu), Some((7, 2, 22)));
        assert_eq!(tool_version("bpf-linker 0.13.0"), Some((0, 13, 0)));
        assert_eq!(version("1.95"), Some((1, 95, 0)));
        assert_eq!(version("1.97.0-nightly"), Some((1, 97, 0)));
        assert_eq!(tool_version("no version"), None);
        assert!(version("1.100") > version("1.95"));
    }

    #[test]
    fn free_space_and_memory_are_read() {
        assert_eq!(available("     Avail\n67801092096\n"), Some(67_801_092_096));
        assert_eq!(available("df: no such file\n"), None);
        let meminfo_text = "MemTotal:  24000 kB\nMemAvailable:   22888 kB\n";
        assert_eq!(meminfo(meminfo_text, "MemAvailable"), Some(22_888));
        assert_eq!(meminfo(meminfo_text, "Mem"), None);
    }

    #[test]
    fn processor_lines_are_read() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t\t: fpu hypervisor\n";
        assert_eq!(cpuinfo(text, "model name"), Some("Some CPU @ 2 GHz"));
        assert_eq!(cpuinfo(text, "model"), None);
    }

    #[test]
    fn stolen_time_is_a_share_of_all() {
        assert_eq!(stolen("cpu  100 0 100 600 0 0 0 200 50 0\ncpu0 1"), Some(2000));
        assert_eq!(stolen("cpu  0 0 0 0 0 0 0 0 0 0\n"), None);
        assert_eq!(stolen("cpu  1 2 3\n"), None);
    }

    #[test]
    fn only_mitigations_in_force_are_named() {
        let pair = |name: &str, says: &str| (name.to_owned(), says.to_owned());
        let all = [
            pair("l1tf", "Not affected"),
            pair("retbleed", "Mitigation: IBRS"),
            pair("spectre_v2", "Vulnerable"),
        ];
        assert_eq!(mitigated(&all), ["retbleed"]);
    }
}
