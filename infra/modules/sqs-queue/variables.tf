variable "name" {
  description = "The queue's name, without `.fifo`. The dead-letter queue's is the same with `-dlq`."
  type        = string

  validation {
    # SQS allows 80 characters; `-dlq.fifo` needs nine of them.
    condition     = can(regex("^[A-Za-z0-9_-]{1,71}$", var.name))
    error_message = "name must be 1 to 71 letters, digits, hyphens and underscores; leave `.fifo` out, and set fifo = true."
  }
}

variable "fifo" {
  description = "Whether both queues keep the order of each message group. A queue cannot be changed from one to the other: Terraform makes a new one."
  type        = bool
  default     = false
}

# The next three are also in routes.yaml, under other names; a test holds their defaults to it.

variable "visibility_timeout_seconds" {
  description = "How long a received message is hidden from other consumers. The worker extends it while a handler runs. `visibilityTimeout` in routes.yaml."
  type        = number
  default     = 30

  validation {
    condition     = var.visibility_timeout_seconds >= 1 && var.visibility_timeout_seconds <= 43200 && floor(var.visibility_timeout_seconds) == var.visibility_timeout_seconds
    error_message = "visibility_timeout_seconds must be whole seconds from 1 to 43200 (12 hours)."
  }
}

variable "receive_wait_time_seconds" {
  description = "How long a receive waits for a message, where the consumer does not say. `waitTime` in routes.yaml."
  type        = number
  default     = 5

  validation {
    condition     = var.receive_wait_time_seconds >= 0 && var.receive_wait_time_seconds <= 20 && floor(var.receive_wait_time_seconds) == var.receive_wait_time_seconds
    error_message = "receive_wait_time_seconds must be whole seconds from 0 to 20."
  }
}

variable "max_receive_count" {
  description = "How often a message is received before SQS moves it to the dead-letter queue. `maxReceiveCount` in routes.yaml."
  type        = number
  default     = 3

  validation {
    condition     = var.max_receive_count >= 1 && var.max_receive_count <= 1000 && floor(var.max_receive_count) == var.max_receive_count
    error_message = "max_receive_count must be a whole number from 1 to 1000."
  }
}

variable "message_retention_seconds" {
  description = "How long an unhandled message is kept before SQS deletes it: 4 days."
  type        = number
  default     = 345600

  validation {
    condition     = var.message_retention_seconds >= 60 && var.message_retention_seconds <= 1209600
    error_message = "message_retention_seconds must be from 60 to 1209600 (14 days)."
  }
}

variable "dead_letter_retention_seconds" {
  description = "How long a dead letter is kept: 14 days, the most that SQS allows."
  type        = number
  default     = 1209600

  validation {
    condition     = var.dead_letter_retention_seconds <= 1209600
    error_message = "dead_letter_retention_seconds must be at most 1209600 (14 days)."
  }

  validation {
    # On a standard queue a letter's age counts from when it was first sent, not from when it became one.
    condition     = var.dead_letter_retention_seconds > var.message_retention_seconds
    error_message = "dead_letter_retention_seconds must be more than message_retention_seconds: a letter keeps the age that it had as a message, and would be deleted before anyone saw it."
  }
}

variable "kms_key_arn" {
  description = "A KMS key of your own to encrypt with; its key policy must let IAM policies grant its use. Without one SQS encrypts with a key that it manages, and nobody needs a KMS permission."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key, such as arn:aws:kms:us-east-1:123456789012:key/…; IAM knows no aliases."
  }
}

variable "consumer_role_names" {
  description = "Roles that get the consumer policy: of the instance, the task or the service account that the worker runs as."
  type        = list(string)
  default     = []
}

variable "producer_role_names" {
  description = "Roles that get the producer policy: the bot's."
  type        = list(string)
  default     = []
}

variable "oldest_message_alarm_seconds" {
  description = "The alarm goes off when the oldest message that nobody has handled is older than this."
  type        = number
  default     = 300

  validation {
    condition     = var.oldest_message_alarm_seconds >= 60 && var.oldest_message_alarm_seconds < var.message_retention_seconds
    error_message = "oldest_message_alarm_seconds must be at least 60, and less than message_retention_seconds: later there is no message to be old."
  }
}

variable "alarm_actions" {
  description = "ARNs that are told when an alarm goes off and when it ends: SNS topics, mostly. Without any, the alarms show in CloudWatch alone."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.alarm_actions : startswith(arn, "arn:")])
    error_message = "alarm_actions must be ARNs, such as arn:aws:sns:us-east-1:123456789012:on-call."
  }
}

variable "tags" {
  description = "For everything that can have tags."
  type        = map(string)
  default     = {}
}
