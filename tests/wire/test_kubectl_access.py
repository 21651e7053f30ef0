"""kubectl asks what there is, who it is and what it may; patches, and who wrote which field."""

import json
from dataclasses import replace

import pytest

from tests.wire.test_kubectl import SECRET, Kubectl, kubectl  # noqa: F401 - a fixture

ON = ("secret", "aws-secret", "-n", "kubeflow")


def test_a_json_patch_changes_all_or_nothing(kubectl: Kubectl) -> None:  # noqa: F811
    kubectl("apply", "-f", "-", stdin=SECRET)
    both = [
        {"op": "test", "path": "/data/AWS_ACCESS_KEY_ID", "value": "QUtJQQ=="},
        {"op": "replace", "path": "/data/AWS_ACCESS_KEY_ID", "value": "QUtJQjE="},
    ]
    done = kubectl("patch", *ON, "--type=json", "-p", json.dumps(both))
    assert done.stdout == "secret/aws-secret patched\n", done.stderr
    refused = kubectl("patch", *ON, "--type=json", "-p", json.dumps([*reversed(both)]))
    assert "the test of /data/AWS_ACCESS_KEY_ID failed" in refused.stderr
    removed = [{"op": "remove", "path": "/data/ABSENT"}]
    refused = kubectl("patch", *ON, "--type=json", "-p", json.dumps(removed))
    assert (
        "operation 0 of the JSON patch: can't remove a non-existent object 'ABSENT'"
        in refused.stderr
    )
    shown = json.loads(kubectl("get", *ON, "-ojson").stdout)
    assert shown["data"]["AWS_ACCESS_KEY_ID"] == "QUtJQjE="


def test_who_wrote_a_field_is_shown(kubectl: Kubectl) -> None:  # noqa: F811
    kubectl("apply", "--server-side", "-f", "-", stdin=SECRET)
    kubectl("patch", *ON, "--type=merge", "-p", '{"stringData": {"MORE": "more"}}')
    shown = json.loads(kubectl("get", *ON, "-ojson", "--show-managed-fields").stdout)
    fields = {
        (one["manager"], one["operation"]): one["fieldsV1"]
        for one in shown["metadata"]["managedFields"]
    }
    assert fields["kubectl", "Apply"]["f:data"] == {
        "f:AWS_ACCESS_KEY_ID": {},
        "f:AWS_SECRET_ACCESS_KEY": {},
    }
    assert fields["kubectl-patch", "Update"] == {"f:data": {"f:MORE": {}}}
    assert "managedFields" not in kubectl("get", *ON, "-oyaml").stdout


def test_an_editor_changes_it(kubectl: Kubectl) -> None:  # noqa: F811
    kubectl("apply", "-f", "-", stdin=SECRET)
    editor = {"EDITOR": "sed -i s/QUtJQQ==/QUtJQjE=/", "KUBE_EDITOR": ""}
    edited = replace(kubectl, environment={**kubectl.environment, **editor})("edit", *ON)
    assert edited.stdout == "secret/aws-secret edited\n", edited.stderr
    assert json.loads(kubectl("get", *ON, "-ojson").stdout)["data"]["AWS_ACCESS_KEY_ID"] == (
        "QUtJQjE="
    )
    assert "No resources" not in kubectl("label", *ON, "team=ml").stdout
    kubectl("annotate", *ON, "why=a-test")
    meta = json.loads(kubectl("get", *ON, "-ojson").stdout)["metadata"]
    assert (meta["labels"], meta["annotations"]["why"]) == ({"team": "ml"}, "a-test")
    gone = kubectl("delete", *ON, "--cascade=foreground")
    assert gone.returncode == 0, gone.stderr


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("secret.stringData", "written, never read"),
        ("cm.binaryData", "Values in base64"),
        ("pvc.spec.accessModes", "shown, not enforced"),
        ("ns.status.phase", "Active"),
        ("pod.status.containerStatuses.state", "terminated with an exitCode"),
        ("secret.metadata.labels", "What it is selected by"),
    ],
)
def test_fields_are_explained(kubectl: Kubectl, what: str, words: str) -> None:  # noqa: F811
    explained = kubectl("explain", what)
    assert words in explained.stdout, explained.stderr


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (("create", "secrets", "-n", "kubeflow"), "yes"),
        (("get", "pods", "--subresource=log"), "yes"),
        (("get", "/version"), "yes"),
        (("delete", "pods"), "no - pods have no delete here, only get, list, watch"),
        (("create", "deployments.apps"), "no - there are no deployments.apps here"),
        (("get", "/nowhere"), "no - there is no get /nowhere here"),
    ],
)
def test_what_one_may_is_what_is_there(
    kubectl: Kubectl,  # noqa: F811
    question: tuple[str, ...],
    answer: str,
) -> None:
    asked = kubectl("auth", "can-i", *question)
    assert asked.stdout.strip() == answer, asked.stderr
    assert asked.returncode == (0 if answer == "yes" else 1)


def test_who_one_is(kubectl: Kubectl) -> None:  # noqa: F811
    who = json.loads(kubectl("auth", "whoami", "-ojson").stdout)
    assert who["status"]["userInfo"]["username"] == "owner"
    listed = kubectl("auth", "can-i", "--list").stdout
    assert "[get list watch]" in listed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create", "token", "default"), "there are no service accounts here"),
        (("get", "events"), "the server doesn't have a resource type"),
        (("explain", "deployment"), "the server doesn't have a resource type"),
    ],
)
def test_what_is_not_there_is_named(
    kubectl: Kubectl,  # noqa: F811
    arguments: tuple[str, ...],
    words: str,
) -> None:
    refused = kubectl(*arguments)
    assert refused.returncode == 1
    assert words in refused.stderr
