# The prize queue, which the bot sends to and the worker reads.

module "prize_distribution" {
  source = "./modules/sqs-queue"

  name                = "${var.project}-prize-distribution-${var.environment}"
  fifo                = var.fifo
  kms_key_arn         = var.kms_key_arn
  consumer_role_names = var.worker_role_names
  producer_role_names = var.bot_role_names
  alarm_actions       = var.alarm_actions
}
