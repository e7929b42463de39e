# The prize queue's own variables.

mock_provider "aws" {}

run "names_are_checked" {
  command = plan

  variables {
    project     = "Crew!"
    environment = "pro_duction"
  }

  expect_failures = [var.project, var.environment]
}
