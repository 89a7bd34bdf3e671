output "function_arn" {
  description = "The function."
  value       = alicloud_fcv3_function.guard.function_arn
}

output "role_arn" {
  description = "The function's role. Members' own roles trust it: policies/member-trust.json."
  value       = alicloud_ram_role.function.arn
}

output "failures" {
  description = "The queue to watch."
  value       = local.queue["failures"]
}

output "log" {
  description = "Project and log store."
  value       = "${alicloud_log_project.guard.project_name}/${alicloud_log_store.guard.logstore_name}"
}
