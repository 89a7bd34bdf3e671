//! The shapes that `--seed` plants.

use emulator::{DTS_POLICY, DTS_TRUST, Emulator, PolicyType, Seed, World};

use crate::support::{ACCOUNT, ROLE};

#[test]
fn each_seed_is_broken_in_its_own_way() {
    let shape = |seed| {
        let emulator = Emulator::start(World::new().seed(seed, ACCOUNT)).unwrap();
        let role = emulator.role(ACCOUNT, ROLE)?;
        Some((
            role.trust == DTS_TRUST,
            role.has_policy(PolicyType::System, DTS_POLICY),
            role.policies.len(),
            role.tags.len(),
        ))
    };
    assert_eq!(shape(Seed::Healthy), Some((true, true, 1, 0)));
    assert_eq!(shape(Seed::Missing), None);
    assert_eq!(shape(Seed::Trust), Some((false, true, 1, 0)));
    assert_eq!(shape(Seed::Policy), Some((true, false, 0, 0)));
    assert_eq!(shape(Seed::Extras), Some((false, true, 3, 2)));
    assert_eq!(shape(Seed::Unreadable), Some((false, true, 1, 0)));
    assert_eq!(shape(Seed::Privileged), Some((false, true, 2, 0)));
}
