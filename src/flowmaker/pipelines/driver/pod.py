"""The parts of Kubernetes' PodSpec that a resolved KubernetesExecutorConfig stands for. Pure.

In the order in which KFP's driver adds them to a pod, and with the names that it gives them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from flowmaker.pipelines.ir.placement import PREFERRED, REQUIRED
from flowmaker.pipelines.records.catalog import Document

Json = dict[str, Any]

#: A Toleration's fields, as Kubernetes names them.
_TOLERATION = ("key", "operator", "value", "effect", "tolerationSeconds")


def volumes(config: Document) -> list[Json]:
    """V1Volume of claims, secrets and config maps; one that is mounted twice is there once."""
    found = [
        *(
            {"name": name, "persistentVolumeClaim": {"claimName": name}}
            for name in (each["constant"] for each in config.get("pvcMount", ()))
        ),
        *(
            {"name": each["secretName"], "secret": {"secretName": each["secretName"], **_may(each)}}
            for each in config.get("secretAsVolume", ())
        ),
        *(
            {"name": each["configMapName"], "configMap": _reference(each)}
            for each in config.get("configMapAsVolume", ())
        ),
    ]
    return [each for number, each in enumerate(found) if each not in found[:number]]


def volume_mounts(config: Document) -> list[Json]:
    """V1VolumeMount of the same."""
    return [
        _full(name=each.get(name), mountPath=each["mountPath"], subPath=each.get("subPath"))
        for field, name in (
            ("pvcMount", "constant"),
            ("secretAsVolume", "secretName"),
            ("configMapAsVolume", "configMapName"),
        )
        for each in config.get(field, ())
    ]


def variables(config: Document) -> list[Json]:
    """V1EnvVar of secrets, config maps and fields of the pod, none of which has its value."""
    return [
        *_of_keys(config.get("secretAsEnv", ()), "secretName", "secretKey", "secretKeyRef"),
        *_of_keys(
            config.get("configMapAsEnv", ()), "configMapName", "configMapKey", "configMapKeyRef"
        ),
        *(
            {"name": each["name"], "valueFrom": {"fieldRef": {"fieldPath": each["fieldPath"]}}}
            for each in config.get("fieldPathAsEnv", ())
        ),
    ]


def tolerations(config: Document) -> list[Json]:
    """V1Toleration."""
    found = [
        {field: each[field] for field in _TOLERATION if each.get(field) not in (None, "")}
        for each in config.get("tolerations", ())
    ]
    # In JSON, protobuf writes such numbers as text.
    return [
        {**each, **({seconds: int(each[seconds])} if (seconds := _TOLERATION[-1]) in each else {})}
        for each in found
    ]


def affinity(config: Document) -> Json:
    """V1Affinity."""
    terms: tuple[Document, ...] = tuple(config.get("podAffinity", ()))
    return _full(
        nodeAffinity=_node_affinity(config.get("nodeAffinity", ())),
        podAffinity=_pod_affinity(each for each in terms if not each.get("anti")),
        podAntiAffinity=_pod_affinity(each for each in terms if each.get("anti")),
    )


def _may(message: Document) -> Json:
    return {"optional": bool(message.get("optional", False))}


def _reference(message: Document) -> Json:
    return {"name": message["configMapName"], **_may(message)}


def _of_keys(messages: list[Document], name: str, key: str, reference: str) -> Iterator[Json]:
    for message in messages:
        may = {"optional": message["optional"]} if "optional" in message else {}
        for pair in message.get("keyToEnv", ()):
            of = {"name": message[name], "key": pair[key], **may}
            yield {"name": pair["envVar"], "valueFrom": {reference: of}}


def _node_affinity(messages: list[Document]) -> Json:
    required: list[Any] = []
    preferred: list[Any] = []
    for message in messages:
        whole = message.get("nodeAffinityJson", {})
        required += whole.get(REQUIRED, {}).get("nodeSelectorTerms", ())
        preferred += whole.get(PREFERRED, ())
        term = _full(
            matchExpressions=_requirements(message.get("matchExpressions")),
            matchFields=_requirements(message.get("matchFields")),
        )
        if term and "weight" in message:
            preferred.append({"weight": int(message["weight"]), "preference": term})
        elif term:
            required.append(term)
    terms = {"nodeSelectorTerms": required} if required else {}
    return _full(**{REQUIRED: terms, PREFERRED: preferred})


def _pod_affinity(messages: Iterator[Document]) -> Json:
    required: list[Any] = []
    preferred: list[Any] = []
    for message in messages:
        term = {
            **_full(
                labelSelector=_selector(message, "Pod"),
                namespaces=message.get("namespaces"),
                namespaceSelector=_selector(message, "Namespace"),
            ),
            "topologyKey": message.get("topologyKey", ""),
        }
        if "weight" in message:
            preferred.append({"weight": int(message["weight"]), "podAffinityTerm": term})
        else:
            required.append(term)
    return _full(**{REQUIRED: required, PREFERRED: preferred})


def _selector(message: Document, of: str) -> Json:
    return _full(
        matchLabels=dict(message.get(f"match{of}Labels", {})),
        matchExpressions=_requirements(message.get(f"match{of}Expressions")),
    )


def _requirements(messages: list[Mapping[str, Any]] | None) -> list[Json]:
    return [
        _full(key=each.get("key"), operator=each.get("operator"), values=each.get("values"))
        for each in messages or ()
    ]


def _full(**parts: Any) -> Json:  # noqa: ANN401 - JSON
    """What there is of `parts`."""
    return {name: part for name, part in parts.items() if part not in (None, "", [], {})}
