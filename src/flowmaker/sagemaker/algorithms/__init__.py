"""SageMaker's built-in algorithms as programs, and what the server knows of them."""
