//! What a person would type to finish a repair by hand, with the vendor's command line tool.

use authorization::plan::{Difference, restorable};
use authorization::role::Tags;
use authorization::target::{PolicyRef, RoleName};
use serde_json::json;

/// The vendor's page that creates the role and attaches the policy after one click (source: the DTS user guide;
/// accounts of the international site use the host `ram.console.alibabacloud.com`).
pub(super) const QUICK_AUTHORIZATION: &str = "https://ram.console.aliyun.com/role/authorization?request=%7B%22Services%22%3A%5B%7B%22Service%22%3A%22DTS%22%2C%22Roles%22%3A%5B%7B%22RoleName%22%3A%22AliyunDTSDefaultRole%22%2C%22TemplateId%22%3A%22DefaultRole%22%7D%5D%7D%5D%2C%22ReturnUrl%22%3A%22https%3A%2F%2Fdts.console.aliyun.com%2F%22%7D";

/// `TagResources` takes so many tags in one call.
const TAGS_A_CALL: usize = 20;

/// The commands that lead from what is there to what should be, each quoted for a POSIX shell.
pub(super) fn commands(role: &RoleName, left: &Difference) -> Vec<String> {
    let mut commands = Vec::new();
    if let Some(new) = &left.create {
        let options = [
            ("AssumeRolePolicyDocument", Some(new.trust.clone())),
            ("Description", Some(new.description.clone()).filter(|description| !description.is_empty())),
            ("MaxSessionDuration", new.max_session_duration.map(|seconds| seconds.to_string())),
            ("AllowConsoleLogin", new.allow_console_login.map(|allowed| allowed.to_string())),
        ];
        commands.extend(command("CreateRole", role, options));
    }
    let options = [
        ("NewAssumeRolePolicyDocument", left.trust.clone()),
        ("NewDescription", left.description.clone()),
        ("NewMaxSessionDuration", left.max_session_duration.map(|seconds| seconds.to_string())),
        ("NewAllowConsoleLogin", left.allow_console_login.map(|allowed| allowed.to_string())),
    ];
    commands.extend(command("UpdateRole", role, options));
    for PolicyRef { kind, name } in &left.attach {
        let options = [("PolicyType", Some(kind.as_str().to_owned())), ("PolicyName", Some(name.clone()))];
        commands.extend(command("AttachPolicyToRole", role, options));
    }
    commands.extend(tag(role, &left.tags));
    commands
}

fn tag(role: &RoleName, tags: &Tags) -> Vec<String> {
    let list: Vec<_> = restorable(tags).map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    let names = quote(&json!([role]).to_string());
    let call = |tags: &[_]| {
        let list = quote(&json!(tags).to_string());
        format!("aliyun ram TagResources --ResourceType role --ResourceNames {names} --Tag {list}")
    };
    list.chunks(TAGS_A_CALL).map(call).collect()
}

/// Nothing where no option is given.
fn command<const N: usize>(operation: &str, role: &RoleName, options: [(&str, Option<String>); N]) -> Option<String> {
    let given = options.into_iter().filter_map(|(name, value)| Some(format!(" --{name} {}", quote(&value?))));
    let options: String = given.collect();
    (!options.is_empty()).then(|| format!("aliyun ram {operation} --RoleName {role}{options}"))
}

/// One word of a POSIX shell. A line break or an escape character in a value would do harm on the way to the shell, so
/// such a character is left out.
pub(crate) fn quote(value: &str) -> String {
    let printable: String = value.chars().filter(|character| !character.is_control()).collect();
    format!("'{}'", printable.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use authorization::baseline;
    use authorization::plan::ExpectedRole;
    use authorization::role::{ObservedRole, Role};

    use super::*;

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        assert_eq!(quote("it's; rm -rf /"), r"'it'\''s; rm -rf /'");
    }

    #[test]
    fn a_tag_that_only_the_vendor_may_write_is_left_out() {
        let tags = |key: &str| Tags::from([(key.to_owned(), "it's".to_owned())]);
        assert_eq!(tag(&baseline::DTS.role, &tags("acs:x")), [""; 0]);
        let commands = tag(&baseline::DTS.role, &tags("team"));
        assert!(commands[0].ends_with(r#"--Tag '[{"Key":"team","Value":"it'\''s"}]'"#), "{commands:?}");
    }

    #[test]
    fn more_tags_than_one_call_takes_are_several_commands() {
        let tags: Tags = (0..41).map(|number| (format!("key{number}"), String::new())).collect();
        assert_eq!(tag(&baseline::DTS.role, &tags).len(), 3);
    }

    #[test]
    fn a_missing_role_is_created_and_gets_its_policies_back() {
        let commands =
            commands(&baseline::DTS.role, &ExpectedRole::new(&baseline::DTS).left(&ObservedRole::Missing, None));
        assert!(commands[0].starts_with("aliyun ram CreateRole --RoleName AliyunDTSDefaultRole "), "{commands:?}");
        assert_eq!(
            commands[1],
            "aliyun ram AttachPolicyToRole --RoleName AliyunDTSDefaultRole --PolicyType 'System' --PolicyName 'AliyunDTSRolePolicy'"
        );
        assert_eq!(commands.len(), 2);
    }

    fn role() -> Role {
        Role {
            id: "1".to_owned(),
            trust: baseline::DTS.trust.to_owned(),
            description: "ours".to_owned(),
            max_session_duration: Some(7200),
            console_login: Some(false),
            service_linked: false,
            policies: std::collections::BTreeSet::new(),
        }
    }

    #[test]
    fn a_role_that_is_made_again_has_the_settings_of_the_old_one() {
        let before = role();
        let left = ExpectedRole { before: Some(&before), ..ExpectedRole::new(&baseline::DTS) }
            .left(&ObservedRole::Missing, None);
        let create = &commands(&baseline::DTS.role, &left)[0];
        assert!(
            create.ends_with(" --Description 'ours' --MaxSessionDuration '7200' --AllowConsoleLogin 'false'"),
            "{create}"
        );
    }

    #[test]
    fn each_setting_that_differs_has_its_option() {
        let before = role();
        let now = Role { description: String::new(), max_session_duration: Some(3600), ..role() };
        let expected = ExpectedRole { before: Some(&before), ..ExpectedRole::new(&baseline::DTS) };
        let update = commands(&baseline::DTS.role, &expected.left(&ObservedRole::Present(now), None)).remove(0);
        assert_eq!(
            update,
            "aliyun ram UpdateRole --RoleName AliyunDTSDefaultRole --NewDescription 'ours' --NewMaxSessionDuration '7200'"
        );
    }
}
