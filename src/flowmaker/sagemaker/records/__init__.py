"""What the SageMaker half knows, as plain values."""
