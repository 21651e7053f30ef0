"""The SQL of IAM and STS."""
