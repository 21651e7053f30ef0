"""SageMaker's built-in k-means."""
