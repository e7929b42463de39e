# The queue module, against a provider that makes everything up: `terraform test` asks no cloud.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { name = "us-east-1" }
  }
}

override_resource {
  target = aws_sqs_queue.this
  values = { id = "https://queue", url = "https://queue", arn = "arn:aws:sqs:us-east-1:123456789012:queue" }
}

override_resource {
  target = aws_sqs_queue.dead_letters
  values = { id = "https://letters", url = "https://letters", arn = "arn:aws:sqs:us-east-1:123456789012:letters" }
}

override_resource {
  target = aws_iam_policy.consumer
  values = { arn = "arn:aws:iam::123456789012:policy/consumer" }
}

override_resource {
  target = aws_iam_policy.producer
  values = { arn = "arn:aws:iam::123456789012:policy/producer" }
}

variables {
  name = "crew-prize-distribution-test"
}

run "defaults_are_those_of_the_routes_file" {
  module { source = "./modules/sqs-queue" }

  assert {
    condition     = "${aws_sqs_queue.this.visibility_timeout_seconds}s" == yamldecode(file("../routes.yaml")).queues.prizes.visibilityTimeout
    error_message = "visibility_timeout_seconds is not visibilityTimeout of routes.yaml"
  }

  assert {
    condition     = "${aws_sqs_queue.this.receive_wait_time_seconds}s" == yamldecode(file("../routes.yaml")).queues.prizes.waitTime
    error_message = "receive_wait_time_seconds is not waitTime of routes.yaml"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.this.redrive_policy).maxReceiveCount == yamldecode(file("../routes.yaml")).queues.prizes.maxReceiveCount
    error_message = "max_receive_count is not maxReceiveCount of routes.yaml"
  }
}

run "a_queue_and_its_dead_letter_queue" {
  module { source = "./modules/sqs-queue" }

  assert {
    condition     = aws_sqs_queue.this.name == "crew-prize-distribution-test" && aws_sqs_queue.dead_letters.name == "crew-prize-distribution-test-dlq"
    error_message = "wrong names"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.this.redrive_policy).deadLetterTargetArn == aws_sqs_queue.dead_letters.arn
    error_message = "the redrive policy names another queue"
  }

  assert {
    condition = jsondecode(aws_sqs_queue_redrive_allow_policy.dead_letters.redrive_allow_policy) == {
      redrivePermission = "byQueue"
      sourceQueueArns   = [aws_sqs_queue.this.arn]
    }
    error_message = "other queues can dead-letter into it"
  }

  assert {
    condition     = aws_sqs_queue.dead_letters.message_retention_seconds > aws_sqs_queue.this.message_retention_seconds
    error_message = "letters are deleted before they are seen"
  }

  assert {
    condition     = aws_sqs_queue.this.sqs_managed_sse_enabled && aws_sqs_queue.dead_letters.sqs_managed_sse_enabled
    error_message = "a queue is not encrypted"
  }

  assert {
    condition = alltrue([for policy in aws_sqs_queue_policy.tls : anytrue([
      for statement in jsondecode(policy.policy).Statement :
      statement.Effect == "Deny" && statement.Principal == "*" && statement.Action == "sqs:*" && statement.Condition.Bool["aws:SecureTransport"] == "false"
    ])])
    error_message = "a queue can be used without TLS"
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.dead_letters.threshold == 0
      && aws_cloudwatch_metric_alarm.dead_letters.comparison_operator == "GreaterThanThreshold"
      && aws_cloudwatch_metric_alarm.oldest_message.metric_name == "ApproximateAgeOfOldestMessage"
      && aws_cloudwatch_metric_alarm.oldest_message.dimensions.QueueName == aws_sqs_queue.this.name
    )
    error_message = "an alarm does not watch what it should"
  }

  assert {
    condition     = length(aws_iam_role_policy_attachment.consumer) == 0 && length(aws_iam_role_policy_attachment.producer) == 0
    error_message = "a policy is attached that nobody asked to attach"
  }
}

run "each_party_can_do_its_work_and_no_more" {
  module { source = "./modules/sqs-queue" }

  assert {
    condition = jsonencode({ for statement in jsondecode(aws_iam_policy.consumer.policy).Statement : statement.Resource => sort(statement.Action) }) == jsonencode({
      (aws_sqs_queue.this.arn)         = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
      (aws_sqs_queue.dead_letters.arn) = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"]
    })
    error_message = "the consumer policy: ${aws_iam_policy.consumer.policy}"
  }

  assert {
    condition = jsonencode({ for statement in jsondecode(aws_iam_policy.producer.policy).Statement : statement.Resource => sort(statement.Action) }) == jsonencode({
      (aws_sqs_queue.this.arn) = ["sqs:SendMessage"]
    })
    error_message = "the producer policy: ${aws_iam_policy.producer.policy}"
  }

  assert {
    condition = jsonencode({ for statement in jsondecode(aws_iam_policy.operator.policy).Statement : statement.Resource => sort(statement.Action) }) == jsonencode({
      (aws_sqs_queue.this.arn)         = ["sqs:GetQueueAttributes", "sqs:SendMessage"]
      (aws_sqs_queue.dead_letters.arn) = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ReceiveMessage"]
    })
    error_message = "the operator policy: ${aws_iam_policy.operator.policy}"
  }
}

run "fifo_a_key_of_ones_own_and_roles" {
  module { source = "./modules/sqs-queue" }

  variables {
    fifo                = true
    kms_key_arn         = "arn:aws:kms:us-east-1:123456789012:key/1"
    consumer_role_names = ["worker", "second-worker"]
    producer_role_names = ["bot"]
  }

  assert {
    condition     = aws_sqs_queue.this.name == "crew-prize-distribution-test.fifo" && aws_sqs_queue.dead_letters.name == "crew-prize-distribution-test-dlq.fifo"
    error_message = "wrong names"
  }

  assert {
    condition     = aws_sqs_queue.this.fifo_queue && aws_sqs_queue.dead_letters.fifo_queue
    error_message = "a FIFO queue needs a FIFO dead-letter queue"
  }

  assert {
    condition = alltrue([for queue in [aws_sqs_queue.this, aws_sqs_queue.dead_letters] :
      queue.kms_master_key_id == var.kms_key_arn
    ])
    error_message = "a queue is encrypted with another key"
  }

  assert {
    condition = alltrue([for policy in [aws_iam_policy.consumer, aws_iam_policy.producer, aws_iam_policy.operator] :
      contains([for statement in jsondecode(policy.policy).Statement : statement if statement.Resource == var.kms_key_arn][0].Action, "kms:GenerateDataKey")
    ])
    error_message = "a party cannot use the key"
  }

  assert {
    condition     = join(" ", concat(aws_iam_role_policy_attachment.consumer[*].role, aws_iam_role_policy_attachment.producer[*].role)) == "worker second-worker bot"
    error_message = "the policies are not attached"
  }
}

run "what_sqs_would_refuse_is_refused_before" {
  command = plan
  module { source = "./modules/sqs-queue" }

  variables {
    name                       = "prizes.fifo"
    visibility_timeout_seconds = 1.5
    receive_wait_time_seconds  = 21
    max_receive_count          = 0
    message_retention_seconds  = 59
    kms_key_arn                = "alias/mine"
    alarm_actions              = ["on-call"]
  }

  expect_failures = [
    var.name,
    var.visibility_timeout_seconds,
    var.receive_wait_time_seconds,
    var.max_receive_count,
    var.message_retention_seconds,
    var.kms_key_arn,
    var.alarm_actions,
  ]
}

run "dead_letters_outlive_messages" {
  command = plan
  module { source = "./modules/sqs-queue" }

  variables {
    message_retention_seconds = 1209600
  }

  expect_failures = [var.dead_letter_retention_seconds]
}

run "an_alarm_comes_before_the_message_is_gone" {
  command = plan
  module { source = "./modules/sqs-queue" }

  variables {
    oldest_message_alarm_seconds = 345600
  }

  expect_failures = [var.oldest_message_alarm_seconds]
}
