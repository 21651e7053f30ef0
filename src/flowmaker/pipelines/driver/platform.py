"""A task's KubernetesExecutorConfig when what it takes of parameters is known. Pure."""

from collections.abc import Iterator
from typing import Any, cast

from flowmaker.pipelines.driver.inputs import ABSENT, Scope, parameter
from flowmaker.pipelines.ir.graph import Component
from flowmaker.pipelines.ir.kubernetes import NAMED, PARTS, claim_source
from flowmaker.pipelines.ir.placement import check_node_affinity, check_placement
from flowmaker.pipelines.records.catalog import Document


def resolved(config: Document, scope: Scope) -> Document:
    """`config` with values where it has parameters; what names nothing by one is left out.

    A claim is named by its `constant`, a node selector by its `labels`, and a node affinity that
    was a parameter is a whole NodeAffinity as its `nodeAffinityJson`.

    Raises:
        InvalidInput: a value is not of the kind that it must be.
    """
    found: dict[str, Any] = dict(config)
    for field, (_, name) in NAMED.items():
        if field in found:
            found[field] = list(_named(found[field], name, scope))
    if "pvcMount" in found:
        found["pvcMount"] = [_claim(each, scope) for each in found["pvcMount"]]
    if "nodeSelector" in found:
        found["nodeSelector"] = _selector(found["nodeSelector"], scope)
    if "tolerations" in found:
        found["tolerations"] = list(_tolerations(found["tolerations"], scope))
    if "nodeAffinity" in found:
        found["nodeAffinity"] = list(_affinities(found["nodeAffinity"], scope))
    return found


def applied(component: Component, config: Document) -> Document:
    """What the task itself gets of `config`, and not only knows of (`apply_to_task`)."""
    has = component.passthroughs
    return {field: value for field, value in config.items() if has.get(PARTS.get(field, ""), True)}


def _value(source: Document, scope: Scope) -> Any:  # noqa: ANN401 - JSON
    """The value of an InputParameterSpec; None also when there is none."""
    value = parameter(source, scope)
    return None if value is ABSENT else value


def _named(messages: list[Document], name: str, scope: Scope) -> Iterator[Document]:
    for message in messages:
        source = message.get(f"{name}Parameter")
        if source is None:
            yield message
        elif (value := _value(source, scope)) is not None:
            yield {**message, name: str(value)}


def _claim(message: Document, scope: Scope) -> Document:
    name = _value(claim_source(message), scope)
    return {**message, "constant": "" if name is None else str(name)}


def _selector(message: Document, scope: Scope) -> Document:
    if "nodeSelectorJson" not in message:
        return message
    labels = _value(message["nodeSelectorJson"], scope)
    if labels is None:
        return {}
    check_placement("A parameter", "nodeSelector", {"labels": labels})
    return {"labels": labels}


def _tolerations(messages: list[Document], scope: Scope) -> Iterator[Document]:
    for message in messages:
        if "tolerationJson" not in message:
            yield message
            continue
        value = _value(message["tolerationJson"], scope)
        listed = cast("list[Document]", value if isinstance(value, list) else [value or {}])
        check_placement("A parameter", "tolerations", listed)
        yield from filter(None, listed)


def _affinities(messages: list[Document], scope: Scope) -> Iterator[Document]:
    for message in messages:
        if "nodeAffinityJson" not in message:
            yield message
        elif (value := _value(message["nodeAffinityJson"], scope)) is not None:
            check_node_affinity("A parameter", value)
            yield {"nodeAffinityJson": value}
