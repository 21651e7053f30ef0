"""SageMaker's built-in factorization machines."""
