//! The limits on broken accounts and failed repairs in one run: above them the cause is more likely the guard or the cloud than
//! drift.

use std::fmt;
use std::str::FromStr;

/// Fewer than this hold nothing back: of three accounts, one alone would be a third.
pub(crate) const BRAKE_FROM: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Brake {
    Off,
    /// More than this share in percent is too much.
    Above(u8),
}

impl Default for Brake {
    fn default() -> Self {
        Self::Above(20)
    }
}

impl FromStr for Brake {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let percent = text.parse().ok().filter(|percent| *percent <= 100);
        percent.map(Self::Above).ok_or("a whole number of percent from 0 to 100, or `off`")
    }
}

/// Some accounts out of all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ratio {
    pub(crate) some: usize,
    pub(crate) of: usize,
}

impl Brake {
    /// Whether this is too much, and for which limit.
    pub(crate) fn exceeded(self, share: Ratio) -> Option<BrakeTripped> {
        let Self::Above(percent) = self else { return None };
        let too_much = share.some >= BRAKE_FROM && share.some * 100 > share.of * usize::from(percent);
        too_much.then_some(BrakeTripped { share, percent })
    }
}

/// Why the brake holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BrakeTripped {
    share: Ratio,
    percent: u8,
}

impl BrakeTripped {
    pub(crate) fn broken(self) -> String {
        let why = "more likely a mistake or an outage than drift; nothing was written";
        format!("the brake holds: {self} judged accounts are broken, {why}. {LIFT}")
    }

    pub(crate) fn failing(self) -> String {
        format!("the brake holds: {self} repairs failed, so no further one was begun. {LIFT}")
    }
}

const LIFT: &str = "`DTS_GUARD_BRAKE` lifts it; fewer than 5 named accounts are never held";

impl fmt::Display for BrakeTripped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { share: Ratio { some, of }, percent } = self;
        write!(f, "{some} of {of} (more than {percent} percent)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_above_the_share_and_from_five_on() {
        for (some, of, holds) in
            [(4, 4, false), (5, 5, true), (5, 25, false), (5, 24, true), (21, 100, true), (20, 100, false)]
        {
            assert_eq!(Brake::default().exceeded(Ratio { some, of }).is_some(), holds, "{some} of {of}");
        }
        assert_eq!(Brake::Off.exceeded(Ratio { some: 100, of: 100 }), None);
        assert!(Brake::Above(0).exceeded(Ratio { some: 5, of: 10_000 }).is_some());
        assert!(Brake::Above(100).exceeded(Ratio { some: 100, of: 100 }).is_none());
    }

    #[test]
    fn it_is_read_from_percent_or_off() {
        assert_eq!("20".parse(), Ok(Brake::default()));
        assert_eq!("off".parse(), Ok(Brake::Off));
        for bad in ["101", "-1", "20%", "2.5", "OFF", "none", "256"] {
            assert_eq!(bad.parse::<Brake>(), Err("a whole number of percent from 0 to 100, or `off`"), "{bad}");
        }
    }
}
