"""The SQL of the pipelines half."""
