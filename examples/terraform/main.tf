# A bucket with an object, a user with a key, a role and a policy, and a hosted model.
# In Flowmaker:      flowmaker exec -- terraform apply
# On AWS:            terraform apply
# Nothing in it differs: `flowmaker exec` leads what is meant for amazonaws.com to Flowmaker.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 3.39"
    }
  }
}

variable "model" {
  description = "An XGBoost model as model.tar.gz"
  default     = "model.tar.gz"
}

provider "aws" {
  region = "us-east-1"

  default_tags {
    tags = { team = "ml" }
  }
}

resource "aws_s3_bucket" "models" {
  bucket = "terraform-models"

  # What every bucket has. Older providers do not know that, and would take it away at each plan.
  server_side_encryption_configuration {
    rule {
      apply_server_side_encryption_by_default {
        sse_algorithm = "AES256"
      }
    }
  }
}

resource "aws_s3_bucket_public_access_block" "models" {
  bucket                  = aws_s3_bucket.models.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# Newer providers call it aws_s3_object, too.
resource "aws_s3_bucket_object" "model" {
  bucket = aws_s3_bucket.models.id
  key    = "model.tar.gz"
  source = var.model
  etag   = filemd5(var.model)
}

resource "aws_iam_policy" "models" {
  name = "terraform-models"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = "${aws_s3_bucket.models.arn}/*"
      },
      {
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = aws_s3_bucket.models.arn
      },
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "*"
      },
    ]
  })
}

resource "aws_iam_user" "reader" {
  name = "terraform-reader"
}

resource "aws_iam_access_key" "reader" {
  user = aws_iam_user.reader.name
}

resource "aws_iam_user_policy_attachment" "reader" {
  user       = aws_iam_user.reader.name
  policy_arn = aws_iam_policy.models.arn
}

resource "aws_iam_role" "hosting" {
  name = "terraform-hosting"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "sagemaker.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "hosting" {
  role       = aws_iam_role.hosting.name
  policy_arn = aws_iam_policy.models.arn
}

resource "aws_sagemaker_model" "model" {
  name               = "terraform-model"
  execution_role_arn = aws_iam_role.hosting.arn
  primary_container {
    image          = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    model_data_url = "s3://${aws_s3_bucket.models.id}/${aws_s3_bucket_object.model.key}"
  }
  depends_on = [aws_iam_role_policy_attachment.hosting]
}

resource "aws_sagemaker_endpoint_configuration" "model" {
  name = "terraform-model"
  production_variants {
    variant_name           = "AllTraffic"
    model_name             = aws_sagemaker_model.model.name
    initial_instance_count = 1
    instance_type          = "ml.m5.large"
  }
}

resource "aws_sagemaker_endpoint" "model" {
  name                 = "terraform-model"
  endpoint_config_name = aws_sagemaker_endpoint_configuration.model.name
}
