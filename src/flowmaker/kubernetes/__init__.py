"""As much of Kubernetes as kubectl and kfp-kubernetes need: namespaces and secrets."""
