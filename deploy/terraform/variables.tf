variable "mode" {
  description = "The most that the guard may do: verify and plan write nothing, remediate repairs. It also decides which of policies/verify.json and policies/remediate.json the function's role gets. To look first: -var mode=verify."
  type        = string
  default     = "remediate"

  validation {
    condition     = contains(["verify", "plan", "remediate"], var.mode)
    error_message = "The mode is verify, plan or remediate."
  }
}

variable "package" {
  description = "The package, as `sh package/build` makes it."
  type        = string
  default     = null
}

variable "organization" {
  description = "All members of the resource directory, and not only the function's own account. member_role is the role that is assumed in a member; folders and exclude_folders are ids of the directory's folders; brake is a percentage; timeout is three seconds for each hundred members plus a minute."
  type = object({
    member_role     = optional(string, "ResourceDirectoryAccountAccessRole")
    folders         = optional(list(string), [])
    exclude_folders = optional(list(string), [])
    brake           = optional(number, 20)
    concurrency     = optional(number, 8)
    timeout         = optional(number, 360)
  })
  default = null
}

variable "journal_nas" {
  description = "A NAS folder for the journal, such as file-system.cn-hangzhou.nas.aliyuncs.com:/dts-role-guard, and the VPC that it is in. The folder must exist."
  type = object({
    server_addr       = string
    vpc_id            = string
    vswitch_ids       = list(string)
    security_group_id = string
    user_id           = optional(number, 0)
    group_id          = optional(number, 0)
  })
  default = null
}

variable "journal_oss" {
  description = "An OSS bucket for the journal. The object that is the folder, `dts-role-guard/` with the default path, must exist."
  type = object({
    bucket = string
    path   = optional(string, "/dts-role-guard")
  })
  default = null
}

variable "journal_key" {
  description = "A secret of at least 16 characters that signs the journal's records."
  type        = string
  default     = ""
  sensitive   = true
}

variable "notify" {
  description = "Webhook URLs, comma-separated, that are told what a run found or did (DTS_GUARD_NOTIFY)."
  type        = string
  default     = ""
  sensitive   = true
}

variable "settings" {
  description = "More settings of the guard, by the names of their environment variables, such as { DTS_GUARD_STRATEGY = \"in-place\" }."
  type        = map(string)
  default     = {}
}

variable "schedule" {
  description = "When the timer starts the guard: second, minute, hour, day, month, weekday; UTC."
  type        = string
  default     = "0 0 2 * * *"
}

variable "reports" {
  description = "Whether the reports of runs that did not fail go to a queue too."
  type        = bool
  default     = false
}

variable "log_project" {
  description = "The name of the log project, which must be unique in its region. Unset: dts-role-guard-<account>."
  type        = string
  default     = null
}

variable "log_retention" {
  description = "Days that log lines are kept."
  type        = number
  default     = 180
}

variable "alerts" {
  description = "Whether the alerts of deploy/sls are created. They notify the people named in the action policy dts-role-guard, which you create in the console."
  type        = bool
  default     = true
}

variable "event_bridge_role" {
  description = "Whether to create the service-linked role with which EventBridge invokes functions. False if the account already has it."
  type        = bool
  default     = true
}
