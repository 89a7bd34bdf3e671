//! What the explorer leaves out leads to nothing that the rest does not lead to: on small bounds, all orders end as the visited
//! ones do, and break the same promises.

use std::collections::BTreeSet;

use testkit::model::{Bug, Cloud, Explored, Reduction, Scenario, broken, explore_by};

fn promises(explored: &Explored) -> BTreeSet<&str> {
    explored.violations.iter().filter_map(|violation| Some(violation.split_once(": ")?.0)).collect()
}

fn ends_alike(scenario: &Scenario, other: Reduction) {
    let [visited, all] = [Reduction::Whole, other].map(|reduction| explore_by(reduction, scenario));
    println!("{} states of {}, {} ends of {}", visited.states, all.states, visited.ends, all.ends);
    assert!(all.ends > visited.ends, "nothing is left out");
    assert_eq!(visited.outcomes, all.outcomes);
    assert_eq!(promises(&visited), promises(&all));
}

/// One guard has the turn, and it passes once while that one could go on.
fn once(cloud: Cloud) -> Scenario {
    Scenario { switches: Some(1), ..Scenario::of(cloud) }
}

#[test]
fn states_that_are_merged_end_alike() {
    for scenario in [
        Scenario { journal: true, crashes: true, ..once(Cloud::new(None)) },
        Scenario { crashes: true, ..once(broken(true)) },
        Scenario { stranger: true, ..once(broken(true)) },
        Scenario { journal: true, ..once(broken(true)) },
    ] {
        ends_alike(&scenario, Reduction::Steps);
    }
}

/// Without a crash, which may come between any two steps.
#[test]
fn steps_that_are_one_end_alike() {
    for scenario in [
        Scenario { journal: true, ..once(Cloud::new(None)) },
        Scenario { journal: true, ..once(broken(false)) },
        once(broken(true)),
    ] {
        ends_alike(&scenario, Reduction::Nothing);
    }
}

/// What a bug breaks, it breaks in the visited orders too.
#[test]
fn bugs_end_alike() {
    let scenario = Scenario { journal: true, ..once(broken(true)) };
    for bug in [Bug::ExtraForgotten, Bug::PutBackSkipped, Bug::ClaimRefused] {
        ends_alike(&Scenario { bug: Some(bug), ..scenario.clone() }, Reduction::Steps);
    }
}
