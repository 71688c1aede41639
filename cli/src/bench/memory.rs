//! What the process holds, where the system says so.

use std::fs;

/// Bytes of this process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resident {
    /// In memory now.
    pub(super) now: u64,
    /// The most that ever were.
    pub(super) peak: u64,
}

/// As the system counts it; `None` where it does not say.
pub(super) fn resident() -> Option<Resident> {
    parse(&fs::read_to_string("/proc/self/status").ok()?)
}

/// `VmRSS:      1234 kB`.
fn parse(status: &str) -> Option<Resident> {
    let of = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        let number = line.trim().strip_suffix("kB")?.trim();
        number.parse::<u64>().ok()?.checked_mul(1024)
    };
    Some(Resident { now: of("VmRSS")?, peak: of("VmHWM")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_counts_in_kibibytes() {
        let status = "Name:\tetiolog\nVmHWM:\t    2048 kB\nVmRSS:\t      10 kB\n";
        let resident = parse(status).map(|resident| (resident.now, resident.peak));
        assert_eq!(resident, Some((10 * 1024, 2048 * 1024)));
        assert!(parse("Name:\tetiolog\n").is_none());
    }
}
