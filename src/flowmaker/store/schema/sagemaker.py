"""Tables of flowmaker.sagemaker."""
