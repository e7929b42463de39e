#!/bin/sh
# LocalStack runs this script when it is ready. It creates the queue and its dead-letter queue.
set -eu
awslocal sqs create-queue --queue-name test-prize-distribution-dlq
arn=$(awslocal sqs get-queue-attributes --attribute-names QueueArn --output text --query Attributes.QueueArn \
  --queue-url http://localhost:4566/000000000000/test-prize-distribution-dlq)
awslocal sqs create-queue --queue-name test-prize-distribution \
  --attributes '{"RedrivePolicy": "{\"deadLetterTargetArn\": \"'"$arn"'\", \"maxReceiveCount\": 3}"}'
