//! System policies that exist. Their documents are short stand-ins; only the administrator's is whole.

/// Name, default version, pattern of the actions it allows.
type Entry = (&'static str, &'static str, &'static str);

const CATALOGUE: &[Entry] = &[
    ("AdministratorAccess", "v1", "*"),
    ("AliyunCDNReadOnlyAccess", "v3", "cdn:Describe*"),
    ("AliyunDNSReadOnlyAccess", "v3", "alidns:Describe*"),
    ("AliyunDRDSReadOnlyAccess", "v2", "drds:Describe*"),
    ("AliyunDTSFullAccess", "v6", "dts:*"),
    ("AliyunDTSReadOnlyAccess", "v3", "dts:Describe*"),
    ("AliyunDTSRolePolicy", "v59", "rds:Describe*"),
    ("AliyunECSFullAccess", "v12", "ecs:*"),
    ("AliyunECSReadOnlyAccess", "v8", "ecs:Describe*"),
    ("AliyunEIPReadOnlyAccess", "v2", "vpc:Describe*"),
    ("AliyunESSReadOnlyAccess", "v2", "ess:Describe*"),
    ("AliyunElasticsearchReadOnlyAccess", "v2", "elasticsearch:Describe*"),
    ("AliyunFCFullAccess", "v4", "fc:*"),
    ("AliyunFCReadOnlyAccess", "v3", "fc:Describe*"),
    ("AliyunHBaseReadOnlyAccess", "v2", "hbase:Describe*"),
    ("AliyunKvstoreReadOnlyAccess", "v3", "kvstore:Describe*"),
    ("AliyunLogFullAccess", "v3", "log:*"),
    ("AliyunLogReadOnlyAccess", "v3", "log:Get*"),
    ("AliyunMNSReadOnlyAccess", "v2", "mns:Describe*"),
    ("AliyunMongoDBReadOnlyAccess", "v2", "dds:Describe*"),
    ("AliyunNASReadOnlyAccess", "v2", "nas:Describe*"),
    ("AliyunOSSFullAccess", "v2", "oss:*"),
    ("AliyunOSSReadOnlyAccess", "v2", "oss:Get*"),
    ("AliyunOTSReadOnlyAccess", "v2", "ots:Describe*"),
    ("AliyunPolardbFullAccess", "v2", "polardb:*"),
    ("AliyunPolardbReadOnlyAccess", "v2", "polardb:Describe*"),
    ("AliyunRAMFullAccess", "v3", "ram:*"),
    ("AliyunRAMReadOnlyAccess", "v3", "ram:Get*"),
    ("AliyunRDSFullAccess", "v4", "rds:*"),
    ("AliyunRDSReadOnlyAccess", "v4", "rds:Describe*"),
    ("AliyunResourceDirectoryFullAccess", "v1", "resourcemanager:*"),
    ("AliyunSLBReadOnlyAccess", "v3", "slb:Describe*"),
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
