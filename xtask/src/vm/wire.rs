//! What the guest tells: lines of `hitless-machine` as the first process, read.

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told<'a> {
    /// The kernel has handed over to the first process.
    Booted { kernel: &'a str, millis: u64 },
    /// All modules are loaded.
    Ready { modules: &'a str },
    /// A step begins.
    Begin(&'a str),
    /// A step has ended.
    End { step: &'a str, status: &'a str, millis: u64 },
    /// Something failed that is no step.
    Fault(&'a str),
    /// Nothing more will come.
    Over,
    /// A line of a step's standard output.
    Output(&'a str),
    /// A line of a step's standard error.
    Error(&'a str),
}

/// Reads a line; `None` is something that is not of our making, like a message of the firmware.
pub(super) fn parse(line: &str) -> Option<Told<'_>> {
    let line = line.trim_end_matches('\r');
    if let Some(text) = line.strip_prefix('|') {
        return Some(Told::Output(text));
    }
    if let Some(text) = line.strip_prefix('!') {
        return Some(Told::Error(text));
    }
    let mut fields = line.split('\t');
    let kind = fields.next()?;
    let mut next = || fields.next();
    Some(match kind {
        "@booted" => Told::Booted { kernel: next()?, millis: next()?.parse().ok()? },
        "@ready" => Told::Ready { modules: next()? },
        "@begin" => Told::Begin(next()?),
        "@end" => Told::End { step: next()?, status: next()?, millis: next()?.parse().ok()? },
        "@fault" => Told::Fault(next()?),
        "@over" => Told::Over,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_is_read() {
        let all = [
            ("@booted\t6.1.0\t1500\r", Told::Booted { kernel: "6.1.0", millis: 1500 }),
            ("@ready\t9\t1600", Told::Ready { modules: "9" }),
            ("@begin\tpower loss", Told::Begin("power loss")),
            ("@end\tprobe\t0\t12", Told::End { step: "probe", status: "0", millis: 12 }),
            ("@fault\tcannot load", Told::Fault("cannot load")),
            ("@over", Told::Over),
            ("|  @over", Told::Output("  @over")),
            ("!oh\r", Told::Error("oh")),
        ];
        for (line, told) in all {
            assert_eq!(parse(line), Some(told));
        }
    }

    #[test]
    fn what_is_not_of_our_making_is_nothing() {
        for line in ["", "SeaBIOS (version 1.16)", "@end\tprobe\t0", "@end\tprobe\t0\tsoon"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
