"""What Kubeflow Pipelines is about, as frozen records: no I/O, no clock."""
