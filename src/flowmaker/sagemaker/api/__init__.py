"""SageMaker's operations: they check what is wanted and put it on record; controllers do it."""
