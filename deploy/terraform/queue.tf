# The queue for what failed for good: runs of the function, and events that never reached it. Watch it. With `reports`, a
# second queue gets the other reports.

resource "alicloud_message_service_queue" "guard" {
  for_each = toset(var.reports ? ["failures", "reports"] : ["failures"])

  queue_name = "dts-role-guard-${each.key}"
  # Seconds: a week, the longest there is.
  message_retention_period = 604800
}

locals {
  queue = {
    for name, queue in alicloud_message_service_queue.guard :
    name => "acs:mns:${local.region}:${local.account}:/queues/${queue.queue_name}"
  }
}
