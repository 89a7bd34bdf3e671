//! System policies that exist. Their documents are short stand-ins; only the administrator's is whole.

/// Name, default version, pattern of the actions it allows.
type Entry = (&'static str, &'static str, &'static str);

const CATALOGUE: &[Entry] = &[
    ("AdministratorAccess", "v1", "*"),
    ("AliyunDTSFullAccess", "v6", "dts:*"),
    ("AliyunDTSReadOnlyAccess", "v3", "dts:Describe*"),
    ("AliyunDTSRolePolicy", "v59", "rds:Describe*"),
    ("AliyunECSFullAccess", "v12", "ecs:*"),
    ("AliyunECSReadOnlyAccess", "v8", "ecs:Describe*"),
    ("AliyunFCFullAccess", "v4", "fc:*"),
    ("AliyunLogFullAccess", "v3", "log:*"),
    ("AliyunLogReadOnlyAccess", "v3", "log:Get*"),
    ("AliyunOSSFullAccess", "v2", "oss:*"),
    ("AliyunOSSReadOnlyAccess", "v2", "oss:Get*"),
    ("AliyunPolardbFullAccess", "v2", "polardb:*"),
    ("AliyunRAMFullAccess", "v3", "ram:*"),
    ("AliyunRAMReadOnlyAccess", "v3", "ram:Get*"),
    ("AliyunRDSFullAccess", "v4", "rds:*"),
    ("AliyunRDSReadOnlyAccess", "v4", "rds:Describe*"),
    ("AliyunResourceDirectoryFullAccess", "v1", "resourcemanager:*"),
    ("AliyunSTSAssumeRoleAccess", "v1", "sts:AssumeRole"),
    ("AliyunVPCReadOnlyAccess", "v3", "vpc:Describe*"),
];

pub(super) fn version(name: &str) -> Option<&'static str> {
    find(name).map(|(_, version, _)| *version)
}

pub(crate) fn is_system_policy(name: &str) -> bool {
    find(name).is_some()
}

/// The policy document of a system policy.
pub(super) fn document(name: &str) -> Option<String> {
    let (_, _, actions) = find(name)?;
    Some(format!(r#"{{"Version":"1","Statement":[{{"Action":["{actions}"],"Resource":"*","Effect":"Allow"}}]}}"#))
}

fn find(name: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|(known, ..)| *known == name)
}

#[cfg(test)]
mod tests {
    use super::{CATALOGUE, document};
    use crate::policy::Document;

    #[test]
    fn every_document_is_a_policy() {
        for (name, ..) in CATALOGUE {
            assert!(Document::parse(&document(name).unwrap()).is_some(), "{name}");
        }
    }
}
