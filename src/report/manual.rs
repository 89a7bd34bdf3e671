//! What a person would type to finish a repair by hand, with the vendor's command line tool.

use serde_json::json;

use crate::observe::{ObservedRole, Role, Tags};
use crate::plan::restorable;
use crate::policy::{DTS_TRUST_POLICY, with_service};
use crate::target::{PolicyRef, ROLE_NAME};
use crate::verify::{Baseline, DTS_SERVICE, Finding, FindingId, role as verify};

/// The vendor's page that creates the role and attaches the policy after one click (source: the DTS user guide;
/// accounts of the international site use the host `ram.console.alibabacloud.com`).
pub const QUICK_AUTHORIZATION: &str = "https://ram.console.aliyun.com/role/authorization?request=%7B%22Services%22%3A%5B%7B%22Service%22%3A%22DTS%22%2C%22Roles%22%3A%5B%7B%22RoleName%22%3A%22AliyunDTSDefaultRole%22%2C%22TemplateId%22%3A%22DefaultRole%22%7D%5D%7D%5D%2C%22ReturnUrl%22%3A%22https%3A%2F%2Fdts.console.aliyun.com%2F%22%7D";

/// The commands that lead from what is there to what should be, each quoted for a POSIX shell.
#[must_use]
pub fn commands(before: Option<&Role>, tags: Option<&Tags>, now: &ObservedRole) -> Vec<String> {
    let dts = PolicyRef::system(crate::verify::DTS_POLICY);
    let extras = before.into_iter().flat_map(|role| &role.policies).filter(|policy| **policy != dts).cloned();
    let policies = std::iter::once(dts.clone()).chain(extras.collect::<Vec<_>>());
    let held = now.present().map(|role| role.policies.clone()).unwrap_or_default();
    let missing = policies.filter(|policy| !held.contains(policy));
    let mut commands: Vec<String> = role_command(before, now).into_iter().collect();
    commands.extend(missing.map(|policy| attach(&policy)));
    commands.extend(tags.and_then(tag));
    commands
}

fn role_command(before: Option<&Role>, now: &ObservedRole) -> Option<String> {
    let Some(role) = now.present() else {
        let description = before.map(|role| ("Description", role.description.clone()));
        let duration = before.and_then(|role| role.max_session_duration);
        let duration = duration.map(|seconds| ("MaxSessionDuration", seconds.to_string()));
        let console = before.and_then(|role| role.console_login);
        let console = console.map(|allowed| ("AllowConsoleLogin", allowed.to_string()));
        let trust = Some(("AssumeRolePolicyDocument", DTS_TRUST_POLICY.to_owned()));
        return Some(command("CreateRole", [trust, description, duration, console].into_iter().flatten()));
    };
    let trusts = |findings: Vec<Finding>| !findings.iter().any(|found| found.id == FindingId::TrustServiceMissing);
    // Others who may assume the role go on to, unless the document cannot be extended.
    let trust = with_service(&role.trust, DTS_SERVICE).unwrap_or_else(|_| DTS_TRUST_POLICY.to_owned());
    (!trusts(verify(now, &Baseline::DTS))).then(|| command("UpdateRole", [("NewAssumeRolePolicyDocument", trust)]))
}

fn attach(policy: &PolicyRef) -> String {
    let options = [("PolicyType", policy.kind.as_str().to_owned()), ("PolicyName", policy.name.clone())];
    command("AttachPolicyToRole", options)
}

fn tag(tags: &Tags) -> Option<String> {
    let list: Vec<_> = restorable(tags).map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    if list.is_empty() {
        return None;
    }
    let names = quote(&json!([ROLE_NAME]).to_string());
    let list = quote(&json!(list).to_string());
    Some(format!("aliyun ram TagResources --ResourceType role --ResourceNames {names} --Tag {list}"))
}

fn command(operation: &str, options: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let options: String = options.into_iter().map(|(name, value)| format!(" --{name} {}", quote(&value))).collect();
    format!("aliyun ram {operation} --RoleName {ROLE_NAME}{options}")
}

/// One word of a POSIX shell. A line break or an escape character in a value would do harm on the way to the shell, so
/// such a character is left out.
fn quote(value: &str) -> String {
    let printable: String = value.chars().filter(|character| !character.is_control()).collect();
    format!("'{}'", printable.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        assert_eq!(quote("it's; rm -rf /"), r"'it'\''s; rm -rf /'");
    }

    #[test]
    fn a_tag_that_only_the_vendor_may_write_is_left_out() {
        let tags = |key: &str| Tags::from([(key.to_owned(), "it's".to_owned())]);
        assert_eq!(tag(&tags("acs:x")), None);
        let command = tag(&tags("team")).unwrap();
        assert!(command.ends_with(r#"--Tag '[{"Key":"team","Value":"it'\''s"}]'"#), "{command}");
    }

    #[test]
    fn a_missing_role_is_created_and_gets_its_policies_back() {
        let commands = commands(None, None, &ObservedRole::Missing);
        assert!(commands[0].starts_with("aliyun ram CreateRole --RoleName AliyunDTSDefaultRole "), "{commands:?}");
        assert_eq!(
            commands[1],
            "aliyun ram AttachPolicyToRole --RoleName AliyunDTSDefaultRole --PolicyType 'System' --PolicyName 'AliyunDTSRolePolicy'"
        );
        assert_eq!(commands.len(), 2);
    }

    #[test]
    fn a_role_that_is_made_again_has_the_settings_of_the_old_one() {
        let before = Role {
            id: "1".to_owned(),
            trust: DTS_TRUST_POLICY.to_owned(),
            description: "ours".to_owned(),
            max_session_duration: Some(7200),
            console_login: Some(false),
            service_linked: false,
            policies: std::collections::BTreeSet::new(),
        };
        let create = &commands(Some(&before), None, &ObservedRole::Missing)[0];
        assert!(
            create.ends_with(" --Description 'ours' --MaxSessionDuration '7200' --AllowConsoleLogin 'false'"),
            "{create}"
        );
    }
}
