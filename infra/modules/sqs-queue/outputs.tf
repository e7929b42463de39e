output "queue_url" {
  description = "The queue's URL: AWS_SQS_QUEUE_URL of the worker and the bot."
  value       = aws_sqs_queue.this.url
}

output "queue_arn" {
  description = "For policies of your own."
  value       = aws_sqs_queue.this.arn
}

output "dead_letter_queue_url" {
  description = "The dead-letter queue's URL."
  value       = aws_sqs_queue.dead_letters.url
}

output "dead_letter_queue_arn" {
  description = "For policies of your own."
  value       = aws_sqs_queue.dead_letters.arn
}

output "consumer_policy_arn" {
  description = "The policy of the worker's role."
  value       = aws_iam_policy.consumer.arn
}

output "producer_policy_arn" {
  description = "The policy of the bot's role or user."
  value       = aws_iam_policy.producer.arn
}

output "operator_policy_arn" {
  description = "The policy of a person who runs `worker dead-letters`."
  value       = aws_iam_policy.operator.arn
}
