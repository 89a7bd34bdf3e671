//! Two guards on one role: the second takes the repair over while a call of the first is on its way. Then the first goes
//! on, and must do no harm.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aliyun::{BoxFuture, Http, Reply, SignedRequest, Transport, TransportError};
use authorization::settings::Mode;
use dts_role_guard::USER_AGENT;
use dts_role_guard::report::{Report, Status};
use emulator::Rule;
use testkit::{ACCOUNT, Folder, Lab, full, json};
use tokio::sync::Notify;

use crate::{lab_with, nothing_is_open};

/// Holds one call back until it is let go: on its way there, or on its way back.
struct Gate {
    beyond: Arc<dyn Transport>,
    operation: &'static str,
    nth: usize,
    way: Way,
    seen: AtomicUsize,
    reached: Notify,
    open: Notify,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    There,
    Back,
}

impl Gate {
    fn at(operation: &'static str, nth: usize, way: Way) -> Arc<Self> {
        Self::before(Arc::new(Http::new(USER_AGENT).unwrap()), operation, nth, way)
    }

    fn before(beyond: Arc<dyn Transport>, operation: &'static str, nth: usize, way: Way) -> Arc<Self> {
        let (seen, reached, open) = (AtomicUsize::new(0), Notify::new(), Notify::new());
        Arc::new(Self { beyond, operation, nth, way, seen, reached, open })
    }

    async fn hold(&self) {
        self.reached.notify_one();
        self.open.notified().await;
    }

    fn is_it(&self, request: &SignedRequest) -> bool {
        request.body.split('&').any(|field| field.strip_prefix("Action=") == Some(self.operation))
            && self.seen.fetch_add(1, Ordering::SeqCst) + 1 == self.nth
    }
}

impl Transport for Gate {
    fn send(&self, request: SignedRequest) -> BoxFuture<'_, Result<Reply, TransportError>> {
        let held = self.is_it(&request);
        Box::pin(async move {
            if held && self.way == Way::There {
                self.hold().await;
            }
            let reply = self.beyond.send(request).await;
            if held && self.way == Way::Back {
                self.hold().await;
            }
            reply
        })
    }
}

async fn through(lab: &Lab, gate: &Arc<Gate>) -> Report {
    lab.ask_app(
        &lab.app().wired(|wiring| wiring.transport = Some(gate.clone())),
        Mode::Remediate,
        None,
        Duration::from_mins(10),
    )
    .await
}

/// What the first guard takes away after it was let go.
fn taken_away_since(lab: &Lab, calls: usize) -> Vec<String> {
    let operations = lab.emulator.operations().split_off(calls);
    operations.into_iter().filter(|name| name == "DetachPolicyFromRole" || name == "DeleteRole").collect()
}

#[tokio::test]
async fn a_run_that_was_taken_over_takes_nothing_more_away_and_nothing_is_lost() {
    let held =
        [("DetachPolicyFromRole", 1), ("DetachPolicyFromRole", 2), ("DetachPolicyFromRole", 3), ("DeleteRole", 1)];
    for (operation, nth) in held {
        for way in [Way::There, Way::Back] {
            let case = format!("{operation} {nth} {way:?}");
            let folder = Folder::new();
            let lab = lab_with(&folder, Some(full()));
            let before = lab.role().unwrap();
            let gate = Gate::at(operation, nth, way);
            let second = async {
                gate.reached.notified().await;
                let report = lab.run(Mode::Remediate).await;
                assert_eq!(report.status, Status::Remediated, "{case}: {}", json(&report));
                assert!(lab.authorized() && lab.kept(&before), "{case}: the second has finished");
                let calls = lab.emulator.operations().len();
                gate.open.notify_one();
                calls
            };
            let (first, calls) = tokio::join!(through(&lab, &gate), second);
            let on_its_way = usize::from(way == Way::There);
            let taken_away = taken_away_since(&lab, calls);
            assert!(taken_away.len() <= on_its_way, "{case}: {taken_away:?}");
            assert!(lab.authorized() && lab.kept(&before), "{case}: {}\n{:#?}", json(&first), lab.role());
            assert!(matches!(first.status, Status::Refused | Status::Remediated), "{case}: {}", json(&first));
            nothing_is_open(&lab, &folder).await;
            let writes = lab.writes().len();
            assert_eq!(lab.run(Mode::Remediate).await.status, Status::Authorized, "{case}");
            assert_eq!(lab.writes().len(), writes, "{case}");
        }
    }
}

/// The first guard's deletion meets the new role of the second, before that has any policy.
#[tokio::test]
async fn a_late_deletion_of_the_new_role_is_made_good_by_both() {
    for way in [Way::There, Way::Back] {
        let folder = Folder::new();
        let lab = lab_with(&folder, Some(full()));
        let before = lab.role().unwrap();
        let deletion = Gate::at("DeleteRole", 1, Way::There);
        // After its creation, or before its first attachment to the new role.
        let building = match way {
            Way::Back => Gate::at("CreateRole", 2, Way::Back),
            // Those that are put back first, and those that are rehearsed.
            Way::There => Gate::at("AttachPolicyToRole", 1 + 2 * before.policies.len(), Way::There),
        };
        let second = async {
            deletion.reached.notified().await;
            through(&lab, &building).await
        };
        let first = async {
            building.reached.notified().await;
            assert!(way == Way::There || lab.role().unwrap().policies.is_empty(), "{way:?}: the new role is bare");
            deletion.open.notify_one();
        };
        let first_run = async {
            let report = through(&lab, &deletion).await;
            building.open.notify_one();
            report
        };
        let (one, two, ()) = tokio::join!(first_run, second, first);
        let case = format!("{way:?}: {}\n{}\n{:#?}", json(&one), json(&two), lab.role());
        assert!(lab.authorized() && lab.kept(&before), "{case}");
        assert_eq!(lab.writes().iter().filter(|name| *name == "DeleteRole").count(), 2, "{case}");
        assert_ne!(two.status, Status::Stuck, "{case}");
        let report = lab.run(Mode::Remediate).await;
        assert!(matches!(report.status, Status::Authorized | Status::Remediated), "{}", json(&report));
        assert!(lab.authorized() && lab.kept(&before), "{case}");
        nothing_is_open(&lab, &folder).await;
    }
}

/// Both begin at the same moment: only one of them may.
#[tokio::test]
async fn of_two_that_begin_at_once_one_is_refused_before_its_first_write() {
    let folder = Folder::new();
    let lab = lab_with(&folder, Some(full()));
    let before = lab.role().unwrap();
    let gate = Gate::at("ListTagResources", 1, Way::Back);
    let second = async {
        gate.reached.notified().await;
        let report = lab.run(Mode::Remediate).await;
        let writes = lab.writes().len();
        gate.open.notify_one();
        (report, writes)
    };
    let (first, (second, writes)) = tokio::join!(through(&lab, &gate), second);
    assert_eq!((first.status, second.status), (Status::Refused, Status::Remediated), "{}", json(&first));
    assert_eq!(lab.writes().len(), writes, "the one that was too late wrote nothing");
    assert!(lab.authorized() && lab.kept(&before));
    nothing_is_open(&lab, &folder).await;
}

/// The first goes on between the second's look at the record and its claim: what the first wrote last counts.
#[tokio::test]
async fn what_the_first_wrote_before_it_was_taken_over_is_not_missed() {
    let folder = Folder::new();
    let lab = lab_with(&folder, Some(full()));
    let before = lab.role().unwrap();
    let (detaching, asking) =
        (Gate::at("DetachPolicyFromRole", 1, Way::There), Gate::at("GetCallerIdentity", 1, Way::Back));
    let created = Gate::before(detaching.clone(), "CreateRole", 2, Way::Back);
    let adopted = folder.path().join(format!("{ACCOUNT}.2.json"));
    let seen = Arc::new(Mutex::new(String::new()));
    let file = seen.clone();
    // The third look at the role is the second's first, and the fourth comes after its claim.
    let _look = lab.emulator.on_call(Rule::on("GetRole").nth(4), move |_| {
        *file.lock().unwrap() = std::fs::read_to_string(&adopted).unwrap();
    });
    let second = async {
        detaching.reached.notified().await;
        through(&lab, &asking).await
    };
    let order = async {
        asking.reached.notified().await;
        detaching.open.notify_one();
        created.reached.notified().await;
        asking.open.notify_one();
    };
    let second = async {
        let (report, ()) = tokio::join!(second, order);
        report
    };
    // The first is killed there: it waits for a reply that it never reads.
    let report = tokio::select! {
        report = second => report,
        report = through(&lab, &created) => panic!("it ended before it was killed: {}", json(&report)),
    };
    assert_eq!(report.status, Status::Remediated, "{}", json(&report));
    assert!(lab.authorized() && lab.kept(&before), "{:#?}", lab.role());
    assert_eq!(lab.writes().iter().filter(|name| *name == "DeleteRole").count(), 1);
    assert!(seen.lock().unwrap().contains("\"phase\": \"replacing\""), "a third run must know it too");
    nothing_is_open(&lab, &folder).await;
}
