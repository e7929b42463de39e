variable "project" {
  description = "The first part of all names."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,31}$", var.project))
    error_message = "project must be 1 to 32 small letters, digits and hyphens, such as crew."
  }
}

variable "environment" {
  description = "The last part of all names, such as dev, staging or prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,15}$", var.environment))
    error_message = "environment must be 1 to 16 small letters, digits and hyphens, such as prod."
  }
}

variable "region" {
  description = "The region of the queues, and the worker's AWS_REGION."
  type        = string
  default     = "us-east-1"
}

variable "fifo" {
  description = "Whether the queue is a FIFO queue, which keeps the order of each message group."
  type        = bool
  default     = false
}

variable "worker_role_names" {
  description = "Names of the roles that the worker runs as: of an EC2 instance, an ECS task or a Kubernetes service account. They get the consumer policy."
  type        = list(string)
  default     = []
}

variable "bot_role_names" {
  description = "Names of the roles that the bot runs as. They get the producer policy. For an IAM user, attach the policy by hand: see docs/bot-integration.md."
  type        = list(string)
  default     = []
}

variable "kms_key_arn" {
  description = "The ARN of your own KMS key. The default is a key that SQS manages."
  type        = string
  default     = null
}

variable "alarm_actions" {
  description = "ARNs of the SNS topics that are notified of an alarm."
  type        = list(string)
  default     = []
}
