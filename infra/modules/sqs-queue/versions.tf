terraform {
  # 1.9 lets a variable's check look at another variable.
  required_version = ">= 1.9"

  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 5.0" }
  }
}
