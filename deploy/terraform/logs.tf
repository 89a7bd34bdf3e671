# Timers and events drop the answer, so people read in the log what was found. docs/observability.md describes the index
# and the alerts of deploy/sls.

locals {
  log_project = var.log_project == null ? "dts-role-guard-${local.account}" : var.log_project
  index       = jsondecode(file("${path.module}/../sls/index.json"))
  alerts = {
    for name in fileset("${path.module}/../sls", "alert-*.json") :
    trimsuffix(name, ".json") => jsondecode(file("${path.module}/../sls/${name}")) if var.alerts
  }
}

resource "alicloud_log_project" "guard" {
  project_name = local.log_project
  description  = "What dts-role-guard found and did"
}

resource "alicloud_log_store" "guard" {
  project_name     = alicloud_log_project.guard.project_name
  logstore_name    = "dts-role-guard"
  shard_count      = 1
  retention_period = var.log_retention
}

resource "alicloud_log_store_index" "guard" {
  project      = alicloud_log_project.guard.project_name
  logstore     = alicloud_log_store.guard.logstore_name
  max_text_len = local.index.max_text_len

  full_text {
    case_sensitive  = local.index.line.caseSensitive
    include_chinese = local.index.line.chn
    token           = join("", local.index.line.token)
  }

  dynamic "field_search" {
    for_each = local.index.keys
    content {
      name             = field_search.key
      type             = field_search.value.type
      case_sensitive   = field_search.value.caseSensitive
      include_chinese  = field_search.value.chn
      token            = join("", field_search.value.token)
      enable_analytics = field_search.value.doc_value

      dynamic "json_keys" {
        for_each = lookup(field_search.value, "json_keys", {})
        content {
          name      = json_keys.key
          type      = json_keys.value.type
          doc_value = json_keys.value.doc_value
        }
      }
    }
  }
}

resource "alicloud_log_alert" "guard" {
  for_each = local.alerts

  project_name      = alicloud_log_project.guard.project_name
  alert_name        = each.value.name
  alert_displayname = each.value.displayName
  alert_description = each.value.description
  version           = each.value.configuration.version
  type              = each.value.configuration.type
  threshold         = each.value.configuration.threshold
  no_data_fire      = each.value.configuration.noDataFire
  no_data_severity  = each.value.configuration.noDataSeverity
  auto_annotation   = each.value.configuration.autoAnnotation
  send_resolved     = each.value.configuration.sendResolved

  schedule {
    type     = each.value.schedule.type
    interval = each.value.schedule.interval
  }

  dynamic "query_list" {
    for_each = each.value.configuration.queryList
    content {
      store_type     = query_list.value.storeType
      region         = local.region
      project        = alicloud_log_project.guard.project_name
      store          = alicloud_log_store.guard.logstore_name
      query          = query_list.value.query
      time_span_type = query_list.value.timeSpanType
      start          = query_list.value.start
      end            = query_list.value.end
      power_sql_mode = query_list.value.powerSqlMode
    }
  }

  group_configuration {
    type   = each.value.configuration.groupConfiguration.type
    fields = each.value.configuration.groupConfiguration.fields
  }

  dynamic "severity_configurations" {
    for_each = each.value.configuration.severityConfigurations
    content {
      severity = severity_configurations.value.severity
      eval_condition = {
        condition       = severity_configurations.value.evalCondition.condition
        count_condition = severity_configurations.value.evalCondition.countCondition
      }
    }
  }

  dynamic "annotations" {
    for_each = each.value.configuration.annotations
    content {
      key   = annotations.value.key
      value = annotations.value.value
    }
  }

  policy_configuration {
    alert_policy_id  = each.value.configuration.policyConfiguration.alertPolicyId
    action_policy_id = each.value.configuration.policyConfiguration.actionPolicyId
    repeat_interval  = each.value.configuration.policyConfiguration.repeatInterval
  }

  depends_on = [alicloud_log_store_index.guard]
}
