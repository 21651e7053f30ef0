"""SageMaker's built-in linear learner."""
