"""The Kubeflow Pipelines REST API v2beta1: records what is wanted; controllers fulfil it."""
