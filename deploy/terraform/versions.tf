terraform {
  # A precondition and defaults in an object.
  required_version = ">= 1.3"

  required_providers {
    alicloud = {
      source  = "aliyun/alicloud"
      version = ">= 1.263"
    }
  }
}
