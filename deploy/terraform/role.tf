# The function's role. policies/ alone says what it may do. Account, region and names there are examples, and are replaced
# by those of this deployment.

locals {
  policies = "${path.module}/../../policies"
  verify   = var.mode == "remediate" ? "remediate" : "verify"

  documents = merge(
    {
      (local.verify) = file("${local.policies}/${local.verify}.json")
      failures = replace(
        file("${local.policies}/failures.json"),
        "acs:mns:cn-hangzhou:1234567890123456:/queues/dts-role-guard-failures",
        local.queue["failures"],
      )
      logs = replace(
        file("${local.policies}/logs.json"),
        "acs:log:cn-hangzhou:1234567890123456:project/example-project/logstore/dts-role-guard",
        "acs:log:${local.region}:${local.account}:project/${local.log_project}/logstore/dts-role-guard",
      )
    },
    var.reports ? {
      reports = replace(
        file("${local.policies}/reports.json"),
        "acs:mns:cn-hangzhou:1234567890123456:/queues/dts-role-guard-reports",
        local.queue["reports"],
      )
    } : {},
    var.organization == null ? {} : {
      organization = replace(
        file("${local.policies}/organization.json"),
        "role/ResourceDirectoryAccountAccessRole",
        "role/${var.organization.member_role}",
      )
    },
    var.journal_oss == null ? {} : {
      journal-oss = replace(
        replace(
          file("${local.policies}/journal-oss.json"),
          "example-bucket/dts-role-guard/",
          "example-bucket${var.journal_oss.path}/",
        ),
        "1234567890123456:example-bucket",
        "${local.account}:${var.journal_oss.bucket}",
      )
    },
  )
}

resource "alicloud_ram_role" "function" {
  role_name                   = "dts-role-guard-role"
  description                 = "Function Compute runs dts-role-guard with it"
  assume_role_policy_document = file("${local.policies}/function-trust.json")
}

resource "alicloud_ram_policy" "function" {
  for_each = local.documents

  policy_name     = "dts-role-guard-${each.key}"
  policy_document = each.value
  description     = "policies/${each.key}.json of dts-role-guard"
}

resource "alicloud_ram_role_policy_attachment" "function" {
  for_each = alicloud_ram_policy.function

  role_name   = alicloud_ram_role.function.role_name
  policy_name = each.value.policy_name
  policy_type = "Custom"
}
