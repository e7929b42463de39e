output "queue_url" {
  description = "For the worker and the bot: AWS_SQS_QUEUE_URL."
  value       = aws_sqs_queue.this.url
}

output "queue_arn" {
  description = "For policies of your own."
  value       = aws_sqs_queue.this.arn
}

output "dead_letter_queue_url" {
  description = "Where `worker dead-letters` looks."
  value       = aws_sqs_queue.dead_letters.url
}

output "dead_letter_queue_arn" {
  description = "For policies of your own."
  value       = aws_sqs_queue.dead_letters.arn
}

output "consumer_policy_arn" {
  description = "For the worker's role."
  value       = aws_iam_policy.consumer.arn
}

output "producer_policy_arn" {
  description = "For the bot's role or user."
  value       = aws_iam_policy.producer.arn
}

output "operator_policy_arn" {
  description = "For the role of whoever handles dead letters."
  value       = aws_iam_policy.operator.arn
}
