variable "name" {
  description = "The queue's name, without `.fifo`. The dead-letter queue's name has `-dlq` appended."
  type        = string

  validation {
    # SQS allows 80 characters; `-dlq.fifo` needs nine of them.
    condition     = can(regex("^[A-Za-z0-9_-]{1,71}$", var.name))
    error_message = "name must be 1 to 71 letters, digits, hyphens and underscores; leave `.fifo` out, and set fifo = true."
  }
}

variable "fifo" {
  description = "Whether both queues are FIFO queues, which keep the order of each message group. If you change it, Terraform creates new queues."
  type        = bool
  default     = false
}

# The next three are also in routes.yaml, under other names. A test compares their defaults.

variable "visibility_timeout_seconds" {
  description = "How long a received message is invisible to other consumers. The worker extends it while the handler runs. `visibilityTimeout` in routes.yaml."
  type        = number
  default     = 30

  validation {
    condition     = var.visibility_timeout_seconds >= 1 && var.visibility_timeout_seconds <= 43200 && floor(var.visibility_timeout_seconds) == var.visibility_timeout_seconds
    error_message = "visibility_timeout_seconds must be whole seconds from 1 to 43200 (12 hours)."
  }
}

variable "receive_wait_time_seconds" {
  description = "How long a receive waits for a message, unless the consumer sets it. `waitTime` in routes.yaml."
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
  description = "How long SQS keeps an unhandled message. The default is 4 days."
  type        = number
  default     = 345600

  validation {
    condition     = var.message_retention_seconds >= 60 && var.message_retention_seconds <= 1209600
    error_message = "message_retention_seconds must be from 60 to 1209600 (14 days)."
  }
}

variable "dead_letter_retention_seconds" {
  description = "How long SQS keeps a dead letter. The default is 14 days, the maximum."
  type        = number
  default     = 1209600

  validation {
    condition     = var.dead_letter_retention_seconds <= 1209600
    error_message = "dead_letter_retention_seconds must be at most 1209600 (14 days)."
  }

  validation {
    # On a standard queue, the age of a dead letter counts from when its message was sent.
    condition     = var.dead_letter_retention_seconds > var.message_retention_seconds
    error_message = "dead_letter_retention_seconds must be more than message_retention_seconds: a dead letter keeps its message's age, and SQS could delete it before anyone sees it."
  }
}

variable "kms_key_arn" {
  description = "The ARN of your own KMS key, whose key policy must let IAM policies grant its use. The default is a key that SQS manages, which needs no KMS permission."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key, such as arn:aws:kms:us-east-1:123456789012:key/…; IAM does not resolve aliases."
  }
}

variable "consumer_role_names" {
  description = "Names of the roles that get the consumer policy: of the instance, the task or the service account that the worker runs as."
  type        = list(string)
  default     = []
}

variable "producer_role_names" {
  description = "Names of the roles that get the producer policy: the bot's."
  type        = list(string)
  default     = []
}

variable "oldest_message_alarm_seconds" {
  description = "The alarm fires when the oldest unhandled message is older than this."
  type        = number
  default     = 300

  validation {
    condition     = var.oldest_message_alarm_seconds >= 60 && var.oldest_message_alarm_seconds < var.message_retention_seconds
    error_message = "oldest_message_alarm_seconds must be at least 60, and less than message_retention_seconds, after which SQS deletes the message."
  }
}

variable "alarm_actions" {
  description = "ARNs to notify when an alarm fires and when it ends, usually SNS topics. Without any, alarms are visible in CloudWatch only."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.alarm_actions : startswith(arn, "arn:")])
    error_message = "alarm_actions must be ARNs, such as arn:aws:sns:us-east-1:123456789012:on-call."
  }
}

variable "tags" {
  description = "Tags of all resources that can have them."
  type        = map(string)
  default     = {}
}
