variable "environment" {
  description = "qa, prod or sandbox-<name>; the prefix of every name."
  type        = string

  validation {
    condition     = can(regex("^(qa|prod|sandbox-[a-z0-9]{1,12})$", var.environment))
    error_message = "The environment must be qa, prod or sandbox-<name>, the name 1 to 12 lower-case letters and digits."
  }
}

variable "region" {
  description = "The AWS region, such as eu-central-1."
  type        = string
}

variable "account_id" {
  description = "The AWS account that the environment is in; another one is refused. Null: any."
  type        = string
  default     = null
}

variable "dist" {
  description = "The folder that `./pants package ::` writes zips and manifests to."
  type        = string
  default     = "../dist"

  validation {
    condition     = length(fileset(var.dist, "*.*.json")) > 0
    error_message = "There is no function in that folder: run `./pants package ::` first."
  }
}

variable "api_key_sha256" {
  description = "The SHA-256 of each valid ingestion key, in lower-case hexadecimal."
  type        = list(string)

  validation {
    condition     = length(var.api_key_sha256) > 0 && alltrue([for hash in var.api_key_sha256 : can(regex("^[0-9a-f]{64}$", hash))])
    error_message = "At least one SHA-256 in lower-case hexadecimal: printf %s \"$KEY\" | sha256sum."
  }
}

variable "provisioned_shards" {
  description = "The shards of streams, by their names in the manifests; a stream that is not named is on demand."
  type        = map(number)
  default     = {}
}

variable "stream_retention" {
  description = "Hours that a stream keeps its records, 24 to 8760: how long the database may be away."
  type        = number
}

variable "log_retention" {
  description = "Days that logs are kept."
  type        = number
}

variable "throttling" {
  description = "Requests per second that each route of the HTTP API takes, and how many more in a burst."
  type        = object({ rate = number, burst = number })
}

variable "database_capacity" {
  description = "Aurora capacity units (ACU). A minimum of 0 pauses the database while nobody uses it."
  type        = object({ minimum = number, maximum = number })
}

variable "database_instances" {
  description = "1, or more for a standby in another availability zone."
  type        = number
}

variable "schedules" {
  description = "Whether functions run on their schedules. Off, they leave a database in peace that pauses while nobody uses it."
  type        = bool
}

variable "existing_database" {
  description = "A PostgreSQL on RDS, with IAM authentication enabled, to use instead of an Aurora of our own. Its secret is the owner's."
  type = object({
    host              = string
    port              = optional(number, 5432)
    name              = string
    secret_arn        = string
    resource_id       = string
    security_group_id = string
    vpc_id            = string
    subnet_ids        = list(string)
  })
  default = null
}

variable "endpoint_zones" {
  description = "Availability zones that have the VPC endpoints; each zone is billed."
  type        = number

  validation {
    condition     = contains([1, 2], var.endpoint_zones)
    error_message = "1 or 2: there are two private subnets."
  }
}

variable "deletion_protection" {
  description = "Whether the database refuses to be destroyed, and leaves a snapshot when it is."
  type        = bool
}

variable "alarm_emails" {
  description = "Who is told when an alarm fires."
  type        = list(string)
  default     = []
}
