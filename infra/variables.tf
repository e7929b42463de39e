variable "project" {
  description = "The first part of every name."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,31}$", var.project))
    error_message = "project must be 1 to 32 small letters, digits and hyphens, such as crew."
  }
}

variable "environment" {
  description = "The last part of every name: dev, staging, prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,15}$", var.environment))
    error_message = "environment must be 1 to 16 small letters, digits and hyphens, such as prod."
  }
}

variable "region" {
  description = "Where the queues are; the worker's AWS_REGION."
  type        = string
  default     = "us-east-1"
}

variable "fifo" {
  description = "Whether the queue keeps the order of each message group."
  type        = bool
  default     = false
}

variable "worker_role_names" {
  description = "The roles that the worker runs as, by name: of an EC2 instance, an ECS task or a Kubernetes service account. They get the consumer policy."
  type        = list(string)
  default     = []
}

variable "bot_role_names" {
  description = "The roles that the bot runs as, by name. They get the producer policy. A bot that is an IAM user gets it by hand: see docs/bot-integration.md."
  type        = list(string)
  default     = []
}

variable "kms_key_arn" {
  description = "A KMS key of your own; without one SQS encrypts with a key that it manages."
  type        = string
  default     = null
}

variable "alarm_actions" {
  description = "Who is told when an alarm goes off: ARNs of SNS topics."
  type        = list(string)
  default     = []
}
