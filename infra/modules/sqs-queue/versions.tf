terraform {
  # Since 1.9, the validation of a variable can refer to another variable.
  required_version = ">= 1.9"

  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 5.0" }
  }
}
