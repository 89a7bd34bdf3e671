//! Somebody who has stolen the keys of the function, and owns an account elsewhere.
#![expect(clippy::disallowed_methods, reason = "a thief keeps no record")]

use std::sync::Arc;

use aliyun::clock::Deadline;
use aliyun::credentials::{Credentials, Source};
use aliyun::signing::Method;
use aliyun::{Api, AssumeRole, Connection, Endpoint, Endpoints, Http, RateLimits, Session};
use authorization::role::RoleChange;
use authorization::target::{PolicyRef, PolicyType};
use dts_role_guard::USER_AGENT;
use emulator::{AccessKey, DTS_ROLE, Member, Role, World};
use testkit::{ACCOUNT, Lab};

use crate::MEMBER_TRUST;
use crate::place::MEMBER;

const ELSEWHERE: &str = "9999999999999999";
const FUNCTION: [&str; 2] = ["LTAI5tFunction", "function-secret-0123456789"];
const MALLORY: [&str; 2] = ["LTAI5tMallory", "mallory-secret-0123456789"];
/// A role that is none of the guard's business, in the own account and in a member.
const PAYMENTS: &str = "payments";
/// A policy of the account, as mighty as an administrator's.
pub(crate) const OWNER: &str = "Owner";

#[derive(Clone, Copy, Debug)]
pub(crate) enum Attack {
    /// The role that DTS uses becomes mighty, and lets an account elsewhere in.
    Takeover(PolicyType, &'static str),
    /// The role that DTS uses may become any other role.
    EntryByTheRole,
    /// The role that DTS uses may do what it likes with the directory.
    DirectoryByTheRole,
    DeletionOfAnotherRole,
    PolicyForAnotherRole,
    LookAtAnotherRole,
    EntryByAnotherRole,
}

pub(crate) struct Thief {
    lab: Lab,
    function: Session,
}

impl Thief {
    /// With the keys of a role that has this document.
    pub(crate) fn new(document: &str) -> Self {
        let key = AccessKey::permanent(FUNCTION[0], FUNCTION[1]).of_role(ACCOUNT, "dts-role-guard-role", "stolen");
        let mallory = AccessKey::permanent(MALLORY[0], MALLORY[1]).of_user(ELSEWHERE, "mallory");
        let owner = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        let member = Member::new(MEMBER).role(Role::named(PAYMENTS).trusting_account(ACCOUNT));
        let world = World::new().key(key.policy(document)).key(mallory).account(ACCOUNT, |account| {
            account.custom_policy_with(OWNER, owner).role(Role::dts()).role(Role::named(PAYMENTS))
        });
        let lab = Lab::of(world.directory(ACCOUNT, |directory| directory.member(member)));
        let function = session(&lab, FUNCTION);
        Self { lab, function }
    }

    pub(crate) async fn succeeds(&self, attack: Attack) -> bool {
        let function = &self.function;
        match attack {
            Attack::Takeover(kind, policy) => self.takes_over(&PolicyRef { kind, name: policy.to_owned() }).await,
            Attack::EntryByTheRole => {
                let role = self.mighty_role(&PolicyRef::system("AliyunSTSAssumeRoleAccess")).await;
                role.assume_role(&into(MEMBER, PAYMENTS)).await.is_ok()
            }
            Attack::DirectoryByTheRole => {
                let role = self.mighty_role(&PolicyRef::system("AliyunResourceDirectoryFullAccess")).await;
                role.get_account(&MEMBER.parse().unwrap()).await.is_ok()
            }
            Attack::DeletionOfAnotherRole => function.writer().delete_role(PAYMENTS).await.is_ok(),
            Attack::PolicyForAnotherRole => function
                .writer()
                .attach_policy_to_role(PAYMENTS, &PolicyRef::system("AliyunOSSFullAccess"))
                .await
                .is_ok(),
            Attack::LookAtAnotherRole => function.get_role(PAYMENTS).await.is_ok(),
            Attack::EntryByAnotherRole => function.assume_role(&into(MEMBER, PAYMENTS)).await.is_ok(),
        }
    }

    /// From an account elsewhere, a role is deleted in this one.
    async fn takes_over(&self, policy: &PolicyRef) -> bool {
        self.mighty_role(policy).await.writer().delete_role(PAYMENTS).await.is_ok()
    }

    /// The keys of the role that DTS uses, in the hands of an account elsewhere, with one more policy if that can be had.
    async fn mighty_role(&self, policy: &PolicyRef) -> Session {
        let trust = MEMBER_TRUST.replace(&format!("{ACCOUNT}:role/dts-role-guard-role"), &format!("{ELSEWHERE}:root"));
        self.function.writer().update_role(DTS_ROLE, &RoleChange { trust }).await.unwrap();
        let _ = self.function.writer().attach_policy_to_role(DTS_ROLE, policy).await;
        let mallory = session(&self.lab, MALLORY);
        let keys = mallory.assume_role(&into(ACCOUNT, DTS_ROLE)).await.unwrap();
        mallory.with_keys(keys, ACCOUNT)
    }
}

fn session(lab: &Lab, [id, secret]: [&str; 2]) -> Session {
    let url = || Endpoint::parse(Api::Ram, &lab.emulator.url()).unwrap();
    let endpoints = Endpoints { ram: url(), sts: url(), resource_manager: url() };
    let rate = RateLimits::per_second(1000.try_into().unwrap(), lab.clock());
    let http = Arc::new(Http::new(USER_AGENT).unwrap());
    let connection = Connection::new(http, endpoints, Method::HmacSha1, rate, lab.clock());
    let credentials = Credentials {
        access_key_id: id.to_owned(),
        access_key_secret: secret.into(),
        security_token: None,
        source: Source::Environment,
    };
    Session::new(Arc::new(connection), credentials, ACCOUNT, Deadline::NONE)
}

fn into(account: &str, role: &str) -> AssumeRole {
    AssumeRole {
        role_arn: format!("acs:ram::{account}:role/{role}"),
        session_name: "mallory".to_owned(),
        duration_seconds: 3600,
        policy: None,
        external_id: None,
    }
}
