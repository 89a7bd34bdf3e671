# The function and its triggers. The values and their reasons are those of s.yaml; a test compares the two.

data "alicloud_account" "current" {}

data "alicloud_regions" "current" {
  current = true
}

locals {
  account = data.alicloud_account.current.id
  region  = data.alicloud_regions.current.regions[0].id
  package = var.package == null ? "${path.module}/../../dist.zip" : var.package
  journal = "/mnt/journal"

  environment = merge(
    { DTS_GUARD_MODE = var.mode },
    var.organization == null ? {} : {
      DTS_GUARD_SCOPE           = "organization"
      DTS_GUARD_MEMBER_ROLE     = var.organization.member_role
      DTS_GUARD_BRAKE           = tostring(var.organization.brake)
      DTS_GUARD_CONCURRENCY     = tostring(var.organization.concurrency)
      DTS_GUARD_FOLDERS         = join(",", var.organization.folders)
      DTS_GUARD_EXCLUDE_FOLDERS = join(",", var.organization.exclude_folders)
    },
    # Empty counts as unset.
    var.journal_nas == null && var.journal_oss == null ? {} : {
      DTS_GUARD_JOURNAL_DIR = local.journal
      DTS_GUARD_JOURNAL_KEY = var.journal_key
    },
    var.notify == "" ? {} : { DTS_GUARD_NOTIFY = var.notify },
    var.settings,
  )
}

resource "alicloud_fcv3_function" "guard" {
  function_name = "dts-role-guard"
  # The provider does not see every change of the package alone, but it does see this one.
  description          = "Keeps the RAM role that DTS needs authorized (package ${substr(filesha256(local.package), 0, 12)})"
  runtime              = "custom.debian12"
  handler              = "index.handler" # Asked for, and not used by this runtime.
  role                 = alicloud_ram_role.function.arn
  timeout              = var.organization == null ? 120 : var.organization.timeout
  cpu                  = var.organization == null ? 0.1 : 0.2
  memory_size          = 256
  disk_size            = 512
  instance_concurrency = 1
  internet_access      = true

  environment_variables = local.environment

  code {
    zip_file = filebase64(local.package)
  }

  custom_runtime_config {
    command = ["/code/bootstrap"]
    port    = 9000
  }

  log_config {
    project                 = alicloud_log_project.guard.project_name
    logstore                = alicloud_log_store.guard.logstore_name
    enable_request_metrics  = true
    enable_instance_metrics = false
    log_begin_rule          = "None"
  }

  dynamic "vpc_config" {
    for_each = var.journal_nas[*]
    content {
      vpc_id            = vpc_config.value.vpc_id
      vswitch_ids       = vpc_config.value.vswitch_ids
      security_group_id = vpc_config.value.security_group_id
    }
  }

  dynamic "nas_config" {
    for_each = var.journal_nas[*]
    content {
      user_id  = nas_config.value.user_id
      group_id = nas_config.value.group_id
      mount_points {
        server_addr = nas_config.value.server_addr
        mount_dir   = local.journal
      }
    }
  }

  dynamic "oss_mount_config" {
    for_each = var.journal_oss[*]
    content {
      mount_points {
        bucket_name = oss_mount_config.value.bucket
        bucket_path = oss_mount_config.value.path
        endpoint    = "http://oss-${local.region}-internal.aliyuncs.com"
        mount_dir   = local.journal
        read_only   = false
      }
    }
  }

  lifecycle {
    precondition {
      condition     = var.journal_nas == null || var.journal_oss == null
      error_message = "The journal has one folder: journal_nas or journal_oss."
    }
  }

  # What the role may do is there before the first run.
  depends_on = [alicloud_ram_role_policy_attachment.function]
}

# Two guards must not work on one role at once: one instance, one invocation at a time. Triggers come after it.
resource "alicloud_fcv3_concurrency_config" "guard" {
  function_name        = alicloud_fcv3_function.guard.function_name
  reserved_concurrency = 1
}

resource "alicloud_fcv3_async_invoke_config" "guard" {
  function_name                  = alicloud_fcv3_function.guard.function_name
  qualifier                      = "LATEST"
  max_async_retry_attempts       = 3
  max_async_event_age_in_seconds = 3600

  destination_config {
    on_failure {
      destination = "${local.queue["failures"]}/messages"
    }

    dynamic "on_success" {
      for_each = var.reports ? ["reports"] : []
      content {
        destination = "${local.queue["reports"]}/messages"
      }
    }
  }
}

resource "alicloud_fcv3_trigger" "nightly" {
  function_name = alicloud_fcv3_concurrency_config.guard.function_name
  qualifier     = "LATEST"
  trigger_name  = "nightly"
  trigger_type  = "timer"
  trigger_config = jsonencode({
    cronExpression = var.schedule
    enable         = true
    payload        = ""
  })
  depends_on = [alicloud_fcv3_async_invoke_config.guard]
}

locals {
  # The names of the calls after which the guard looks; s.yaml says why these, and why no other field is asked for.
  events = {
    role-changes = {
      description = "Writes to RAM roles, by ActionTrail"
      names       = ["CreateRole", "UpdateRole", "DeleteRole", { prefix = "AttachPolicy" }, { prefix = "DetachPolicy" }]
    }
    new-accounts = {
      description = "Accounts that join the resource directory or move in it, by ActionTrail"
      names       = ["CreateResourceAccount", "CreateCloudAccount", "AcceptHandshake", "MoveAccount"]
    }
  }
}

resource "alicloud_fcv3_trigger" "events" {
  for_each = local.events

  function_name = alicloud_fcv3_concurrency_config.guard.function_name
  qualifier     = "LATEST"
  trigger_name  = each.key
  trigger_type  = "eventbridge"
  description   = each.value.description
  trigger_config = jsonencode({
    triggerEnable       = true
    asyncInvocationType = true
    eventRuleFilterPattern = jsonencode({
      type = [
        { suffix = ":ActionTrail:ApiCall" },
        { suffix = ":ActionTrail:ConsoleOperation" },
        { suffix = ":ActionTrail:AliyunServiceEvent" },
      ]
      data = { eventName = each.value.names }
    })
    eventSourceConfig = { eventSourceType = "Default", eventSourceParameters = {} }
    eventSinkConfig   = { deliveryOption = { eventSchema = "CloudEvents" } }
    runOptions = {
      mode            = "event-driven"
      errorsTolerance = "ALL"
      retryStrategy   = { PushRetryStrategy = "BACKOFF_RETRY" }
      deadLetterQueue = { Arn = local.queue["failures"] }
    }
  })
  depends_on = [
    alicloud_fcv3_async_invoke_config.guard,
    alicloud_event_bridge_service_linked_role.to_function_compute,
  ]
}

resource "alicloud_event_bridge_service_linked_role" "to_function_compute" {
  count        = var.event_bridge_role ? 1 : 0
  product_name = "AliyunServiceRoleForEventBridgeSendToFC"
}
