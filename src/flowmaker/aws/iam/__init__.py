"""Identity and Access Management: users, keys, roles and policies, kept as IAM keeps them."""
