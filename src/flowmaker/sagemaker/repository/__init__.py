"""The SageMaker half's rows."""
