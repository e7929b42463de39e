# Three policies, each with the permissions that one party needs.

data "aws_region" "current" {}

locals {
  # SQS uses a customer's key on behalf of the caller. The condition allows no other use.
  key_use = var.kms_key_arn == null ? [] : [{
    Sid      = "UseTheKeyThroughSQS"
    Effect   = "Allow"
    Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource = var.kms_key_arn
    Condition = {
      StringEquals = { "kms:ViaService" = "sqs.${data.aws_region.current.name}.amazonaws.com" }
    }
  }]
}

# The worker. It handles untrusted input, so it can neither send events nor read or delete dead letters.
resource "aws_iam_policy" "consumer" {
  name        = "${var.name}-consumer"
  description = "Receives and settles the messages of ${local.queue_name}, and dead-letters them."
  tags        = var.tags

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid    = "Consume"
        Effect = "Allow"
        Action = [
          "sqs:ReceiveMessage",
          "sqs:DeleteMessage",
          "sqs:ChangeMessageVisibility",
          "sqs:GetQueueAttributes",
        ]
        Resource = aws_sqs_queue.this.arn
      },
      {
        Sid    = "DeadLetter"
        Effect = "Allow"
        # GetQueueAttributes is for the metric of the number of dead letters.
        Action   = ["sqs:SendMessage", "sqs:GetQueueUrl", "sqs:GetQueueAttributes"]
        Resource = aws_sqs_queue.dead_letters.arn
      },
    ], local.key_use)
  })
}

# The bot.
resource "aws_iam_policy" "producer" {
  name        = "${var.name}-producer"
  description = "Sends messages to ${local.queue_name}."
  tags        = var.tags

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "Send"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = aws_sqs_queue.this.arn
      },
    ], local.key_use)
  })
}

# The operator: a person who runs `worker dead-letters`.
# SQS's own move tasks are not allowed: they give a message a new ID, so that a prize could be awarded twice.
resource "aws_iam_policy" "operator" {
  name        = "${var.name}-operator"
  description = "Lists, redrives and discards the dead letters of ${local.queue_name}."
  tags        = var.tags

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid    = "HandleDeadLetters"
        Effect = "Allow"
        Action = [
          "sqs:ReceiveMessage",
          "sqs:DeleteMessage",
          "sqs:ChangeMessageVisibility",
          "sqs:GetQueueAttributes",
          "sqs:GetQueueUrl",
        ]
        Resource = aws_sqs_queue.dead_letters.arn
      },
      {
        Sid      = "Redrive"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage", "sqs:GetQueueAttributes"]
        Resource = aws_sqs_queue.this.arn
      },
    ], local.key_use)
  })
}

# `count`, not `for_each`: the name of a role that is created in the same run is unknown when Terraform plans.
resource "aws_iam_role_policy_attachment" "consumer" {
  count      = length(var.consumer_role_names)
  role       = var.consumer_role_names[count.index]
  policy_arn = aws_iam_policy.consumer.arn
}

resource "aws_iam_role_policy_attachment" "producer" {
  count      = length(var.producer_role_names)
  role       = var.producer_role_names[count.index]
  policy_arn = aws_iam_policy.producer.arn
}

# Both queues deny requests without TLS, whatever other policies allow.
resource "aws_sqs_queue_policy" "tls" {
  for_each = {
    queue        = aws_sqs_queue.this
    dead_letters = aws_sqs_queue.dead_letters
  }
  queue_url = each.value.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "DenyWithoutTLS"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = each.value.arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}
