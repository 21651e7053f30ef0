"""SageMaker's built-in random cut forest."""
