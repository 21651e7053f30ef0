"""What a server gives out to the clients on its machine: files in the data folder."""

import json
from typing import Any

import yaml

from flowmaker.aws.identity import SessionCredentials
from flowmaker.server.data_folder import DataFolder, write_private
from flowmaker.server.worker import REGION

#: Where the tasks of pipelines are, and look for secrets, config maps and claims.
NAMESPACE = "kubeflow"


def environment(folder: DataFolder, url: str, session: SessionCredentials) -> dict[str, str]:
    """The variables that make the clients talk to this server."""
    return {
        "KF_PIPELINES_ENDPOINT": url,
        "AWS_ENDPOINT_URL": url,
        **session.environment(),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "KUBECONFIG": str(folder.kubeconfig),
    }


def write(folder: DataFolder, url: str, session: SessionCredentials, *, token: str) -> None:
    """Write `credentials` and `kubeconfig`, both for the owner's eyes only."""
    variables = environment(folder, url, session)
    write_private(folder.credentials, json.dumps(variables, indent=2) + "\n")
    write_private(folder.kubeconfig, yaml.safe_dump(_kubeconfig(url, token), sort_keys=False))


def _kubeconfig(url: str, token: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "flowmaker", "cluster": {"server": url}}],
        "users": [{"name": "flowmaker", "user": {"token": token} if token else {}}],
        "contexts": [
            {
                "name": "flowmaker",
                "context": {"cluster": "flowmaker", "user": "flowmaker", "namespace": NAMESPACE},
            }
        ],
        "current-context": "flowmaker",
    }
