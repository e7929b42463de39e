output "sqs_queue_url" {
  description = "The queue's URL: AWS_SQS_QUEUE_URL of the worker and the bot."
  value       = module.prize_distribution.queue_url
}

output "sqs_dlq_url" {
  description = "The dead-letter queue's URL."
  value       = module.prize_distribution.dead_letter_queue_url
}

output "sqs_consumer_policy_arn" {
  description = "The policy of the worker's role. worker_role_names attaches it."
  value       = module.prize_distribution.consumer_policy_arn
}

output "sqs_producer_policy_arn" {
  description = "The policy of the bot's role or user. bot_role_names attaches it to roles."
  value       = module.prize_distribution.producer_policy_arn
}

output "sqs_operator_policy_arn" {
  description = "The policy of a person who runs `worker dead-letters`."
  value       = module.prize_distribution.operator_policy_arn
}
