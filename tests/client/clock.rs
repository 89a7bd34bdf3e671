//! A wrong clock, ours or the cloud's, does no harm.

use std::sync::Arc;
use std::time::Duration;

use aliyun::BoxFuture;
use aliyun::clock::{Clock, SystemClock};
use authorization::settings::Mode;
use dts_role_guard::report::Status;
use emulator::{DTS_POLICY, DTS_ROLE, ErrorDate, PolicyType, Role, RoleSnapshot, Rule};
use jiff::{SignedDuration, Timestamp};
use testkit::{ACCOUNT, Lab, account};

/// What a gateway in trouble said (source: aliyun/aliyun-oss-android-sdk issue 167).
const GATEWAY_1970: &str = "Thu, 01 Jan 1970 12:52:37 GMT";
const GATEWAY_9999: &str = "Thu, 30 Dec 9999 12:52:37 GMT";

fn broken() -> Role {
    let role = Role::dts().trust(r#"{"Version":"1","Statement":[]}"#).attach_custom("TeamExtra");
    role.description("Used by team blue").tag("team", "blue")
}

fn assert_whole(role: &RoleSnapshot, case: &str) {
    assert!(role.has_policy(PolicyType::System, DTS_POLICY), "{case}: {role:?}");
    assert!(role.has_policy(PolicyType::Custom, "TeamExtra"), "{case}: {role:?}");
    assert_eq!((role.description.as_str(), role.tags["team"].as_str()), ("Used by team blue", "blue"), "{case}");
}

fn dates(now: Timestamp) -> [ErrorDate; 6] {
    let says = |date: &str| ErrorDate::Says(date.to_owned());
    let in_an_hour = now + SignedDuration::from_hours(1);
    let plausible = in_an_hour.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    [ErrorDate::Absent, says(GATEWAY_1970), says(GATEWAY_9999), says("never"), says(&plausible), ErrorDate::Right]
}

/// The gateway refuses one request as expired, before or after the deletion, whatever its `Date` says.
#[tokio::test]
async fn one_refusal_for_the_time_spoils_nothing() {
    let writes = ["DetachPolicyFromRole", "DeleteRole", "CreateRole", "AttachPolicyToRole", "TagResources"];
    for operation in ["GetRole", "GetCallerIdentity", "ListTagResources"].into_iter().chain(writes) {
        for date in dates(SystemClock::start().now()) {
            for times in [1, 2] {
                let case = format!("{operation}, {date:?}, {times}");
                let lab = Lab::new(Some(broken()));
                lab.emulator.set_error_date(date.clone());
                let rule = Rule::on(operation).times(times);
                let _refused = lab.emulator.fault(rule.error(400, "InvalidTimeStamp.Expired"));
                let report = lab.run(Mode::Remediate).await;
                assert_eq!(report.status, Status::Remediated, "{case}: {}", account(&report));
                assert_whole(&lab.role().unwrap(), &case);
                let refused = lab.emulator.calls().into_iter().filter(|call| call.status == Some(400)).count();
                // Those of the rule, and at most one try with what each said.
                assert!(refused <= 2 * times, "{case}: {refused} refused");
                if matches!(&date, ErrorDate::Says(said) if said == GATEWAY_1970) {
                    assert_eq!(refused, times, "{case}");
                }
            }
        }
    }
}

/// The time of day of a machine whose clock stands somewhere else.
struct Standing(Arc<dyn Clock>, SignedDuration);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        let end = if self.1.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
        self.0.now().checked_add(self.1).unwrap_or(end)
    }

    fn uptime(&self) -> Duration {
        self.0.uptime()
    }

    fn nonce(&self) -> String {
        self.0.nonce()
    }

    fn random(&self) -> f64 {
        self.0.random()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        self.0.sleep(pause)
    }
}

#[tokio::test]
async fn a_clock_before_1970_or_after_9999_does_no_harm() {
    for years in [-20_000, -100, -56, -1, 1, 100, 7_973, 20_000] {
        for acs3 in [false, true] {
            let lab = Lab::new(Some(broken()));
            let lab = if acs3 { lab.set("DTS_GUARD_SIGNATURE", "acs3") } else { lab };
            let skew = SignedDuration::from_hours(24 * 365 * years);
            let app = lab.app_with(Arc::new(Standing(lab.clock(), skew)));
            let report = lab.ask_app(&app, Mode::Remediate, None, Duration::from_mins(10)).await;
            assert_eq!(report.status, Status::Remediated, "{years} years: {}", account(&report));
            assert_whole(&lab.role().unwrap(), &format!("{years} years"));
        }
    }
}

/// The cloud's own clock, in a good `Date`, stays in use: only the first calls are refused.
#[tokio::test]
async fn what_the_cloud_then_accepts_stays_in_use() {
    let lab = Lab::new(Some(broken()));
    lab.emulator.shift_clock(-3600);
    assert_eq!(lab.run(Mode::Remediate).await.status, Status::Remediated);
    let calls = lab.emulator.calls();
    let refused = calls.iter().filter(|call| call.code.as_deref() == Some("InvalidTimeStamp.Expired")).count();
    // Two reads are made at the same time.
    assert!((1..=2).contains(&refused), "{refused} of {}", calls.len());
    assert!(lab.emulator.role(ACCOUNT, DTS_ROLE).is_some());
}

/// A gateway that goes on refusing is an error that may pass, not one for a person.
#[tokio::test]
async fn a_gateway_that_takes_every_time_for_wrong_may_pass() {
    let lab = Lab::new(Some(broken()));
    lab.emulator.set_error_date(ErrorDate::Absent);
    let _refused = lab.emulator.fault(Rule::any().error(400, "InvalidTimeStamp.Expired"));
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Failed, "{}", account(&report));
    assert!(report.accounts[0].next.as_ref().is_some_and(|next| next.contains("it may pass")), "{}", account(&report));
    let said = account(&report)["error"]["message"].as_str().unwrap().to_owned();
    assert!(said.contains("time"), "{said}");
    assert_eq!(lab.writes(), [""; 0]);
}
