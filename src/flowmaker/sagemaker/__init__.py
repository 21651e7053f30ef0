"""Amazon SageMaker: jobs that really run, endpoints that really answer."""
