# What a bot's infrastructure declares for its queues, applied to the local queue by test_terraform.py.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 5.0" }
  }
}

variable "endpoint" {
  type = string
}

variable "visibility_timeout" {
  type    = number
  default = 60
}

variable "tags" {
  type    = map(string)
  default = { team = "prizes", stage = "test" }
}

provider "aws" {
  region     = "us-east-1"
  access_key = "local"
  secret_key = "local"

  # SQS is all there is: without these the provider asks STS, IAM and EC2 first.
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true

  endpoints {
    sqs = var.endpoint
  }
}

resource "aws_sqs_queue" "prizes" {
  name                       = "terraform-prizes"
  visibility_timeout_seconds = var.visibility_timeout
  message_retention_seconds  = 86400
  receive_wait_time_seconds  = 5
  delay_seconds              = 1
  max_message_size           = 65536
  tags                       = var.tags

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 3
  })
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "terraform-prizes-dlq"
  message_retention_seconds = 1209600
  tags                      = var.tags
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.prizes.arn]
  })
}

resource "aws_sqs_queue_policy" "prizes" {
  queue_url = aws_sqs_queue.prizes.id
  policy    = data.aws_iam_policy_document.prizes.json
}

# Computed by the provider, which asks nobody for it.
data "aws_iam_policy_document" "prizes" {
  statement {
    sid       = "BotSends"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.prizes.arn]

    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::000000000000:role/bot"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["true"]
    }
  }
}

resource "aws_sqs_queue" "ordered" {
  name                        = "terraform-prizes.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
  deduplication_scope         = "messageGroup"
  fifo_throughput_limit       = "perMessageGroupId"
  tags                        = var.tags
}

output "urls" {
  value = [aws_sqs_queue.prizes.url, aws_sqs_queue.dead_letters.url, aws_sqs_queue.ordered.url]
}
