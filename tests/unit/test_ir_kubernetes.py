"""What of a KubernetesExecutorConfig passes, and what is refused."""

from typing import Any

import pytest

from flowmaker.errors import InvalidInput, Unsupported
from flowmaker.pipelines.ir.kubernetes import check_kubernetes


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"podAffinity": [{"matchPodLabels": {"a": "b"}, "anti": True}]},
        {"enabledSharedMemory": {"volumeName": "shm", "size": "1Gi"}},
        {"nodeSelector": {"labels": {"disk": "ssd"}}},
        {"nodeSelector": {"nodeSelectorJson": {"componentInputParameter": "labels"}}},
        {"tolerations": [{"key": "gpu", "tolerationSeconds": "30"}]},
        {"nodeAffinity": [{"matchFields": [{"key": "k", "operator": "Exists"}], "weight": 1}]},
        {"activeDeadlineSeconds": "30"},
        {"pvcMount": [{"constant": "c", "mountPath": "/a"}]},
        {"emptyDirMounts": [{"volumeName": "a", "mountPath": "/a", "medium": "Memory"}]},
        {"secretAsEnv": [{"secretName": "s", "keyToEnv": [{"secretKey": "k", "envVar": "K"}]}]},
    ],
)
def test_what_is_executed_passes(config: dict[str, Any]) -> None:
    check_kubernetes("Task 'a'", config)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"pvcMount": [{"constant": "c", "mountPath": "/a", "readOnly": True}]}, "readOnly of pvc"),
        ({"initContainers": []}, "initContainers"),
        ({"secretAsVolume": [{"secretName": "s", "mountPath": "/a", "items": []}]}, "items of sec"),
        ({"fieldPathAsEnv": [{"name": "A", "fieldPath": "spec.x"}]}, "the field path spec.x"),
    ],
)
def test_what_is_not_executed_is_named(config: dict[str, Any], said: str) -> None:
    with pytest.raises(Unsupported, match=said):
        check_kubernetes("Task 'a'", config)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ([], "not an object"),
        ({"configMapAsEnv": [{"keyToEnv": []}]}, "config map with no name"),
        ({"configMapAsEnv": [{"configMapName": "c", "keyToEnv": [{}]}]}, "lacks its configMapKey"),
        ({"secretAsVolume": {}}, "not a list"),
        ({"pvcMount": [{"constant": "c", "mountPath": "/a", "subPath": "../b"}]}, "subPath"),
        ({"secretAsVolume": [{"secretName": "s"}]}, "mountPath is None"),
        ({"secretAsVolume": [{"secretName": "s", "mountPath": "/"}]}, "mountPath is '/'"),
        ({"secretAsVolume": [{"secretName": "s", "mountPath": "/a/../b"}]}, "without .."),
        ({"emptyDirMounts": [{"volumeName": "../x", "mountPath": "/a"}]}, "volumeName is '../x'"),
        (
            {"emptyDirMounts": [{"volumeName": "a", "mountPath": f"/{x}"} for x in "xy"]},
            "more than one volume of the name a",
        ),
        ({"fieldPathAsEnv": [{"fieldPath": "metadata.name"}]}, "without a name"),
        ({"activeDeadlineSeconds": -1}, "whole seconds"),
        ({"podMetadata": []}, "podMetadata that is not an object"),
        ({"nodeSelector": []}, "nodeSelector that is not an object"),
        ({"nodeSelector": {"labels": {"a": 1}}}, "nodeSelector whose labels is {'a': 1}"),
        ({"nodeSelector": {"nodeSelectorJson": {}}}, "'nodeSelectorJson' has no source"),
        ({"tolerations": {}}, "tolerations that is not a list"),
        ({"tolerations": [{"key": 1}]}, "tolerations whose key is 1"),
        ({"tolerations": [{"tolerationSeconds": "soon"}]}, "tolerationSeconds is 'soon'"),
        ({"nodeAffinity": [{"matchExpressions": [{"k": ""}]}]}, "whose matchExpressions is"),
        ({"nodeAffinity": [{"match": []}]}, "a field 'match'; it may have: matchExpressions"),
        ({"podAffinity": [{"anti": "yes"}]}, "podAffinity whose anti is 'yes'"),
        ({"podMetadata": {"labels": {"a": 1}}}, "not all text"),
    ],
)
def test_what_makes_no_sense_is_explained(config: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        check_kubernetes("Task 'a'", config)
