"""What a cluster would choose a node by, in a KubernetesExecutorConfig: is it well-formed?

Nothing is chosen here, but a component with dsl.TaskConfig is told of it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.ir.protobuf import canonical
from flowmaker.pipelines.ir.supported import check_source
from flowmaker.pipelines.records.catalog import Document


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))  # pyright: ignore[reportUnknownArgumentType]


def _are_labels(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(_is_text, value.values()))  # pyright: ignore[reportUnknownArgumentType]


def _is_number(value: object) -> bool:
    return re.fullmatch(r"-?\d{1,18}", str(value)) is not None


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _are_requirements(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_requirement, value))  # pyright: ignore[reportUnknownArgumentType]


def _is_requirement(value: object) -> bool:
    return isinstance(value, Mapping) and _has(cast("Document", value), _REQUIREMENT)


def _are_objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, Mapping) for each in value)  # pyright: ignore[reportUnknownVariableType]


def _is_node_selector(value: object) -> bool:
    terms = {"nodeSelectorTerms": _are_objects}
    return isinstance(value, Mapping) and _has(cast("Document", value), terms)


def _is_node_affinity(value: object) -> bool:
    parts = {REQUIRED: _is_node_selector, PREFERRED: _are_objects}
    return isinstance(value, Mapping) and _has(cast("Document", value), parts)


def _has(message: Document, known: "Mapping[str, _Check]") -> bool:
    """Whether all that it has is known, and as it must be."""
    return all(name in known and known[name](each) for name, each in message.items())


_Check = Callable[[object], bool]
_REQUIREMENT: Mapping[str, _Check] = {"key": _is_text, "operator": _is_text, "values": _are_texts}
#: Each field of each message, but for the parameters that stand for a whole one.
_FIELDS: Mapping[str, Mapping[str, _Check]] = {
    "nodeSelector": {"labels": _are_labels},
    "tolerations": {
        **dict.fromkeys(("key", "operator", "value", "effect"), _is_text),
        "tolerationSeconds": _is_number,
    },
    "nodeAffinity": {
        "matchExpressions": _are_requirements,
        "matchFields": _are_requirements,
        "weight": _is_number,
    },
    "podAffinity": {
        "matchPodExpressions": _are_requirements,
        "matchPodLabels": _are_labels,
        "topologyKey": _is_text,
        "namespaces": _are_texts,
        "matchNamespaceExpressions": _are_requirements,
        "matchNamespaceLabels": _are_labels,
        "weight": _is_number,
        "anti": _is_flag,
    },
}
#: Fields whose value is an InputParameterSpec.
_PARAMETERS = {
    "nodeSelector": "nodeSelectorJson",
    "tolerations": "tolerationJson",
    "nodeAffinity": "nodeAffinityJson",
}
PLACEMENT = (*_FIELDS,)
#: What a NodeAffinity consists of.
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def check_placement(where: str, field: str, value: object) -> None:
    """One of the fields of `PLACEMENT`.

    Raises:
        InvalidInput: it is not well-formed.
    """
    messages: Any = value if field != "nodeSelector" else [value]
    if not isinstance(messages, list):
        raise InvalidInput(f"{where} has a {field} that is not a list of objects")
    for message in messages:  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(message, Mapping):
            raise InvalidInput(f"{where} has a {field} that is not an object")
        _check_message(where, field, message)  # pyright: ignore[reportUnknownArgumentType]


def check_node_affinity(where: str, value: object) -> None:
    """Kubernetes' NodeAffinity, which a parameter may be.

    Raises:
        InvalidInput: it is not well-formed.
    """
    if not _is_node_affinity(value):
        raise InvalidInput(
            f"{where} has a nodeAffinity that is {value!r}: it must be an object with "
            f"{REQUIRED} (nodeSelectorTerms), {PREFERRED}, or both, as in Kubernetes"
        )


def _check_message(where: str, field: str, message: Document) -> None:
    parameter = _PARAMETERS.get(field, "")
    for name, value in message.items():
        if name == parameter:
            source = canonical(value, "TaskInputsSpec.InputParameterSpec", name)
            check_source(where, name, source)
        elif name not in _FIELDS[field]:
            known = ", ".join((*_FIELDS[field], *([parameter] if parameter else ())))
            raise InvalidInput(f"{where} has a {field} with a field {name!r}; it may have: {known}")
        elif not _FIELDS[field][name](value):
            raise InvalidInput(f"{where} has a {field} whose {name} is {value!r}")
