terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }

  # Which bucket and key is said when it is initialised: docs/infrastructure.md.
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = var.account_id[*]

  default_tags {
    tags = {
      application = "sluice"
      environment = var.environment
    }
  }
}

data "aws_caller_identity" "current" {}
