"""The ground that AWS clients stand on: the wire, signatures, permissions, S3, IAM, STS, logs."""
