"""Kubeflow Pipelines: the v2beta1 API, and the engine that executes the IR."""
