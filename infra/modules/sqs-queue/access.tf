# Three policies, each with what one party does and no more.

data "aws_region" "current" {}

locals {
  # A key of the user's own is asked for by SQS in the caller's name, and only through SQS.
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

# The worker. It handles what strangers' bots send, so it can neither put events in nor read or delete dead letters.
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
        # Their number is a metric of the worker's.
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

# Whoever types `worker dead-letters`: a person's role, and not the worker's.
# SQS's own move tasks are left out: they give a message a new id, and with it a prize that was granted is granted again.
resource "aws_iam_policy" "operator" {
  name        = "${var.name}-operator"
  description = "Looks at, redrives and discards the dead letters of ${local.queue_name}."
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

# `count`, not `for_each`: a role that is made in the same run has no name yet when Terraform plans.
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

# Nobody may use either queue without TLS, whatever else allows it.
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
