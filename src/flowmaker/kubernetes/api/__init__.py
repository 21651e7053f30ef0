"""The REST face of the Kubernetes sliver."""
