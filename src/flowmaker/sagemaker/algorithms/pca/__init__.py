"""SageMaker's built-in principal component analysis."""
