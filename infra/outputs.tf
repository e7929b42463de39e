output "sqs_queue_url" {
  description = "AWS_SQS_QUEUE_URL of the worker and the bot."
  value       = module.prize_distribution.queue_url
}

output "sqs_dlq_url" {
  description = "Where what could not be handled waits."
  value       = module.prize_distribution.dead_letter_queue_url
}

output "sqs_consumer_policy_arn" {
  description = "Attach it to the worker's role, where worker_role_names does not."
  value       = module.prize_distribution.consumer_policy_arn
}

output "sqs_producer_policy_arn" {
  description = "Attach it to the bot's role or user, where bot_role_names does not."
  value       = module.prize_distribution.producer_policy_arn
}

output "sqs_operator_policy_arn" {
  description = "Attach it to the role of whoever types `worker dead-letters`."
  value       = module.prize_distribution.operator_policy_arn
}
