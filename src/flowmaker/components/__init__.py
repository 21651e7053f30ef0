"""Components for Kubeflow Pipelines: client code only, which also runs on a real cluster."""
