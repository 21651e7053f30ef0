# What people of this field keep in Terraform, and nobody has to wait for.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

provider "aws" {
  region = "us-east-1"
}

variable "stage" {
  description = "Changing it changes most of the resources in place"
  default     = "one"
}

data "aws_caller_identity" "me" {}

resource "aws_s3_bucket" "data" {
  bucket        = "terraform-more"
  force_destroy = true
  tags          = { stage = var.stage }
  versioning { enabled = true }
  lifecycle_rule {
    id      = "old"
    enabled = true
    prefix  = "tmp/"
    expiration { days = 30 }
    noncurrent_version_expiration { days = 7 }
  }
  cors_rule {
    allowed_methods = ["GET", "PUT"]
    allowed_origins = ["https://example.com"]
    allowed_headers = ["*"]
    max_age_seconds = 3000
  }
  server_side_encryption_configuration {
    rule {
      apply_server_side_encryption_by_default {
        sse_algorithm = "AES256"
      }
    }
  }
}

resource "aws_s3_bucket_policy" "data" {
  bucket = aws_s3_bucket.data.id
  policy = data.aws_iam_policy_document.bucket.json
}

data "aws_iam_policy_document" "bucket" {
  statement {
    sid       = "Readers"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.data.arn}/*"]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.job.arn]
    }
  }
}

resource "aws_s3_bucket_public_access_block" "data" {
  bucket              = aws_s3_bucket.data.id
  block_public_acls   = true
  block_public_policy = true
  depends_on          = [aws_s3_bucket_policy.data]
}

resource "aws_s3_bucket_object" "one" {
  bucket       = aws_s3_bucket.data.id
  key          = "folder/one ünï.txt"
  content      = "stage ${var.stage}"
  content_type = "text/plain"
  tags         = { stage = var.stage }
  metadata     = { owner = "me" }
}

resource "aws_s3_object_copy" "two" {
  bucket     = aws_s3_bucket.data.id
  key        = "folder/two"
  source     = "${aws_s3_bucket.data.id}/folder/plain"
  depends_on = [aws_s3_bucket_object.plain]
}

resource "aws_s3_bucket_object" "plain" {
  bucket  = aws_s3_bucket.data.id
  key     = "folder/plain"
  content = "plain"
}

data "aws_s3_bucket_object" "one" {
  bucket = aws_s3_bucket.data.id
  key    = aws_s3_bucket_object.one.key
}

data "aws_s3_bucket_objects" "all" {
  bucket     = aws_s3_bucket.data.id
  depends_on = [aws_s3_bucket_object.one, aws_s3_object_copy.two]
}

resource "aws_iam_user" "u" {
  name          = "tf-u"
  path          = "/team/"
  tags          = { stage = var.stage }
  force_destroy = true
}

resource "aws_iam_group" "g" {
  name = "tf-g"
}

resource "aws_iam_group_membership" "g" {
  name  = "m"
  group = aws_iam_group.g.name
  users = [aws_iam_user.u.name]
}

resource "aws_iam_group_policy" "g" {
  name   = "inline"
  group  = aws_iam_group.g.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:ListAllMyBuckets", Resource = "*" }] })
}

resource "aws_iam_user_policy" "u" {
  name   = "inline"
  user   = aws_iam_user.u.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:Get*", Resource = "*" }] })
}

resource "aws_iam_policy" "p" {
  name        = "tf-p"
  description = "A policy"
  policy      = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "S${var.stage}", Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject"], Resource = "*" }] })
  tags        = { stage = var.stage }
}

resource "aws_iam_group_policy_attachment" "g" {
  group      = aws_iam_group.g.name
  policy_arn = aws_iam_policy.p.arn
}

resource "aws_iam_role" "job" {
  name                 = "tf-job"
  description          = "stage ${var.stage}"
  max_session_duration = 7200
  permissions_boundary = aws_iam_policy.p.arn
  tags                 = { stage = var.stage }
  assume_role_policy   = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "sagemaker.amazonaws.com" } }] })
  inline_policy {
    name   = "in"
    policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "logs:*", Resource = "*" }] })
  }
  managed_policy_arns = ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
}

resource "aws_iam_role_policy" "job2" {
  role   = aws_iam_role.other.id
  name   = "x"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "*" }] })
}

resource "aws_iam_role" "other" {
  name_prefix        = "tf-other-"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { AWS = data.aws_caller_identity.me.account_id } }] })
}

resource "aws_iam_instance_profile" "job" {
  name = "tf-job"
  role = aws_iam_role.job.name
}

resource "aws_iam_access_key" "u" {
  user   = aws_iam_user.u.name
  status = var.stage == "one" ? "Active" : "Inactive"
}

data "aws_iam_role" "job" {
  name = aws_iam_role.job.name
}

data "aws_iam_policy" "managed" {
  arn = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
}

resource "aws_cloudwatch_log_group" "l" {
  name              = "/tf/logs"
  retention_in_days = 14
  tags              = { stage = var.stage }
}

resource "aws_cloudwatch_log_stream" "l" {
  name           = "one"
  log_group_name = aws_cloudwatch_log_group.l.name
}

resource "aws_sagemaker_model_package_group" "g" {
  model_package_group_name = "tf-group"
  tags                     = { stage = var.stage }
}

output "who" { value = data.aws_caller_identity.me.arn }

output "body" { value = data.aws_s3_bucket_object.one.body }

output "keys" { value = data.aws_s3_bucket_objects.all.keys }
