"""SageMaker's built-in k-nearest neighbors."""
