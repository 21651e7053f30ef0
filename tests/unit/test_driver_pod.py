"""What a KubernetesExecutorConfig is in Kubernetes' words, for dsl.TaskConfig."""

from typing import Any

import pytest

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.driver import pod
from flowmaker.pipelines.driver.inputs import Scope
from flowmaker.pipelines.driver.platform import applied, resolved
from flowmaker.pipelines.ir.graph import Component, Interface
from flowmaker.pipelines.ir.placement import PREFERRED, REQUIRED

NOTHING = Interface(parameters={}, artifacts={})
REQUIREMENT = {"key": "disk", "operator": "In", "values": ["ssd"]}


def seen(**parameters: Any) -> Scope:
    return Scope(inputs={"parameters": parameters, "artifacts": {}}, outputs={}, job={})


def given(name: str) -> dict[str, str]:
    return {"componentInputParameter": name}


def test_names_may_be_parameters() -> None:
    config = {
        "pvcMount": [
            {"pvcNameParameter": given("claim"), "mountPath": "/a", "subPath": "b"},
            {"constant": "data", "mountPath": "/c"},
        ],
        "secretAsVolume": [{"secretNameParameter": given("secret"), "mountPath": "/d"}],
        "configMapAsVolume": [
            {"configMapNameParameter": given("map"), "mountPath": "/e", "optional": True},
            {"configMapNameParameter": given("none"), "mountPath": "/f"},
        ],
    }
    found = resolved(config, seen(claim="data", secret="s", map="m", none=None))
    assert pod.volumes(found) == [
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "s", "secret": {"secretName": "s", "optional": False}},
        {"name": "m", "configMap": {"name": "m", "optional": True}},
    ]
    assert pod.volume_mounts(found) == [
        {"name": "data", "mountPath": "/a", "subPath": "b"},
        {"name": "data", "mountPath": "/c"},
        {"name": "s", "mountPath": "/d"},
        {"name": "m", "mountPath": "/e"},
    ]


def test_variables_name_where_their_values_are() -> None:
    config = {
        "fieldPathAsEnv": [{"name": "POD", "fieldPath": "metadata.name"}],
        "configMapAsEnv": [
            {"configMapName": "m", "keyToEnv": [{"configMapKey": "k", "envVar": "K"}]}
        ],
        "secretAsEnv": [
            {
                "secretNameParameter": given("secret"),
                "keyToEnv": [{"secretKey": "p", "envVar": "P"}],
                "optional": False,
            }
        ],
    }
    assert pod.variables(resolved(config, seen(secret="s"))) == [
        {"name": "P", "valueFrom": {"secretKeyRef": {"name": "s", "key": "p", "optional": False}}},
        {"name": "K", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]


def test_tolerations_are_in_the_spec_or_in_parameters() -> None:
    config = {
        "tolerations": [
            {"key": "a", "effect": "NoExecute", "tolerationSeconds": "3600"},
            {"tolerationJson": given("one")},
            {"tolerationJson": given("two")},
            {"tolerationJson": given("none")},
        ]
    }
    two = [{"key": "c"}, {}, {"operator": "Exists", "tolerationSeconds": 5}]
    assert pod.tolerations(resolved(config, seen(one={"key": "b"}, two=two))) == [
        {"key": "a", "effect": "NoExecute", "tolerationSeconds": 3600},
        {"key": "b"},
        {"key": "c"},
        {"operator": "Exists", "tolerationSeconds": 5},
    ]


def test_a_node_selector_may_be_a_parameter() -> None:
    config = {"nodeSelector": {"labels": {"a": "b"}, "nodeSelectorJson": given("labels")}}
    assert resolved(config, seen(labels={"c": "d"})) == {"nodeSelector": {"labels": {"c": "d"}}}
    assert resolved(config, seen()) == {"nodeSelector": {}}


def test_affinities_have_kubernetes_shapes() -> None:
    whole = {
        REQUIRED: {"nodeSelectorTerms": [{"matchFields": [REQUIREMENT]}]},
        PREFERRED: [{"weight": 1, "preference": {"matchExpressions": [REQUIREMENT]}}],
    }
    config = {
        "nodeAffinity": [
            {"matchExpressions": [REQUIREMENT]},
            {"matchExpressions": [{"key": "gpu", "operator": "Exists"}], "weight": 7},
            {"nodeAffinityJson": given("whole")},
            {"nodeAffinityJson": given("none")},
            {},
        ],
        "podAffinity": [
            {"matchPodLabels": {"app": "a"}, "topologyKey": "zone", "namespaces": ["n"]},
            {"matchNamespaceLabels": {"team": "t"}, "anti": True, "weight": 3},
        ],
    }
    assert pod.affinity(resolved(config, seen(whole=whole))) == {
        "nodeAffinity": {
            REQUIRED: {
                "nodeSelectorTerms": [
                    {"matchExpressions": [REQUIREMENT]},
                    {"matchFields": [REQUIREMENT]},
                ]
            },
            PREFERRED: [
                {
                    "weight": 7,
                    "preference": {"matchExpressions": [{"key": "gpu", "operator": "Exists"}]},
                },
                *whole[PREFERRED],
            ],
        },
        "podAffinity": {
            REQUIRED: [
                {
                    "labelSelector": {"matchLabels": {"app": "a"}},
                    "namespaces": ["n"],
                    "topologyKey": "zone",
                }
            ]
        },
        "podAntiAffinity": {
            PREFERRED: [
                {
                    "weight": 3,
                    "podAffinityTerm": {
                        "namespaceSelector": {"matchLabels": {"team": "t"}},
                        "topologyKey": "",
                    },
                }
            ]
        },
    }


@pytest.mark.parametrize(
    ("config", "value", "said"),
    [
        (
            {"nodeSelector": {"nodeSelectorJson": given("it")}},
            {"a": 1},
            "nodeSelector whose labels",
        ),
        ({"tolerations": [{"tolerationJson": given("it")}]}, "gpu", "tolerations that is not an"),
        ({"tolerations": [{"tolerationJson": given("it")}]}, [{"key": 1}], "whose key is 1"),
        ({"nodeAffinity": [{"nodeAffinityJson": given("it")}]}, [], "must be an object with req"),
        ({"nodeAffinity": [{"nodeAffinityJson": given("it")}]}, {"terms": []}, "must be an object"),
        ({"nodeAffinity": [{"nodeAffinityJson": given("it")}]}, {REQUIRED: []}, "nodeSelectorTer"),
        ({"nodeAffinity": [{"nodeAffinityJson": given("it")}]}, {PREFERRED: ["a"]}, "must be an"),
    ],
)
def test_a_parameter_of_another_kind_is_explained(
    config: dict[str, Any], value: Any, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        resolved(config, seen(it=value))


def test_what_is_of_the_pod_alone_is_always_applied() -> None:
    component = Component(
        name="c",
        inputs=NOTHING,
        outputs=NOTHING,
        passthroughs={"KUBERNETES_VOLUMES": False, "ENV": True},
    )
    config = {
        "pvcMount": [],
        "secretAsEnv": [],
        "emptyDirMounts": [],
        "genericEphemeralVolume": [],
        "nodeSelector": {},
    }
    assert applied(component, config).keys() == config.keys() - {"pvcMount"}
