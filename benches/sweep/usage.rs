//! What the system says a process has used.

use std::time::Duration;

use testkit::platform::{Failure, Instance};

/// The unit of `/proc/PID/stat`.
const TICK: Duration = Duration::from_millis(10);
/// Where user and system time stand there, counted behind the name.
const TIMES: std::ops::Range<usize> = 11..13;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// The most memory that was ever resident.
    pub(crate) peak_kib: u32,
    pub(crate) cpu: Duration,
}

impl Usage {
    pub(crate) fn of(instance: &Instance) -> Result<Self, Failure> {
        let told = |file| instance.told_by_system(file).ok_or("this system keeps no /proc");
        let peak_kib = peak_kib(&told("status")?).ok_or("/proc does not tell the peak")?;
        Ok(Self { peak_kib, cpu: cpu(&told("stat")?).ok_or("/proc does not tell the time")? })
    }
}

/// The processor time of this process, which is that of the emulator.
pub(crate) fn own_cpu() -> Result<Duration, Failure> {
    Ok(cpu(&std::fs::read_to_string("/proc/self/stat")?).ok_or("/proc does not tell the time")?)
}

fn peak_kib(status: &str) -> Option<u32> {
    let size = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    size.split_whitespace().next()?.parse().ok()
}

fn cpu(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks: Option<u32> = fields.get(TIMES)?.iter().map(|ticks| ticks.parse::<u32>().ok()).sum();
    Some(TICK * ticks?)
}
