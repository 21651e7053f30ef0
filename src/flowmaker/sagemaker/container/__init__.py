"""The contract between SageMaker and a container: what is under `/opt/ml`, and what comes of it."""
