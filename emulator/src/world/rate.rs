//! How often an account may call `AssumeRole`: all of its users and roles together.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// A limit over any one second, so that a client cannot pass by spending two seconds' worth around the turn of a second.
#[derive(Clone, Debug, Default)]
pub(crate) struct RateLimit {
    per_second: Option<usize>,
    admitted: BTreeMap<String, Vec<Timestamp>>,
}

impl RateLimit {
    pub(crate) fn per_second(calls: usize) -> Self {
        Self { per_second: Some(calls), admitted: BTreeMap::new() }
    }

    /// Whether the account may call now; calls that were refused do not count.
    pub(crate) fn admits(&mut self, account: &str, now: Timestamp) -> bool {
        let Some(limit) = self.per_second else {
            return true;
        };
        let recent = self.admitted.entry(account.to_owned()).or_default();
        // The clock may have been put back.
        recent.retain(|then| now.duration_since(*then).abs() < SECOND);
        let admits = recent.len() < limit;
        recent.extend(admits.then_some(now));
        admits
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::RateLimit;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    fn admitted(limit: &mut RateLimit, account: &str, times: &[i64]) -> Vec<bool> {
        times.iter().map(|time| limit.admits(account, at(*time))).collect()
    }

    #[test]
    fn the_second_may_begin_anywhere() {
        let mut limit = RateLimit::per_second(2);
        let seen = admitted(&mut limit, "a", &[900, 950, 1000, 1899, 1900, 1949, 1950]);
        assert_eq!(seen, [true, true, false, false, true, false, true]);
    }

    #[test]
    fn accounts_do_not_share_a_limit() {
        let mut limit = RateLimit::per_second(1);
        assert_eq!(admitted(&mut limit, "a", &[0, 1]), [true, false]);
        assert_eq!(admitted(&mut limit, "b", &[2]), [true]);
    }

    #[test]
    fn a_clock_that_was_put_back_locks_nobody_out() {
        let mut limit = RateLimit::per_second(1);
        assert_eq!(admitted(&mut limit, "a", &[50_000, 10_000]), [true, true]);
    }

    #[test]
    fn without_a_limit_everything_goes() {
        assert_eq!(admitted(&mut RateLimit::default(), "a", &[0; 1000]), [true; 1000]);
    }
}
