"""Loops: what they go over, and what comes of them."""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from flowmaker.errors import FailedPrecondition
from flowmaker.pipelines.ir.documents import check
from flowmaker.pipelines.ir.graph import Interface, Loop
from flowmaker.pipelines.ir.parameters import normalised
from flowmaker.pipelines.records.catalog import Document


def items_of(loop: Loop, inputs: Document) -> list[Any]:
    """The items, from the IR itself or from an input of the loop; of artifacts each one.

    Raises:
        FailedPrecondition: it is no list.
        InvalidInput: it is one, but not JSON.
    """
    if loop.input_artifact:
        return list(inputs["artifacts"].get(loop.input_artifact, ()))
    value: Any = loop.raw or inputs["parameters"].get(loop.input_parameter)
    if isinstance(value, str):
        value = _parsed(value)
    if not isinstance(value, list):
        raise FailedPrecondition(f"The loop goes over {str(value)[:80]!r}, which is no list")
    return value  # pyright: ignore[reportUnknownVariableType]


@lru_cache(maxsize=4)
def _parsed(text: str) -> Any:  # noqa: ANN401 - JSON; nobody may change it
    """Kept: a loop looks at its items each time that an iteration has ended."""
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        raise FailedPrecondition(f"The loop goes over {text[:80]!r}, not a list") from None
    check(items, "What the loop goes over")
    return items


def inputs_of_iteration(
    loop: Loop,
    inputs: Document,
    component: Interface,
    item: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """The inputs of one iteration: those of the loop, and the item."""
    if loop.input_artifact:
        return {**inputs, "artifacts": {**inputs["artifacts"], loop.item_input: [item]}}
    definition = component.parameters.get(loop.item_input)
    value = normalised(definition.type if definition else "", item)
    return {**inputs, "parameters": {**inputs["parameters"], loop.item_input: value}}


def without_item(loop: Loop, component: Interface) -> Interface:
    """What the loop itself takes."""
    parameters = {
        name: each for name, each in component.parameters.items() if name != loop.item_input
    }
    artifacts = {
        name: each for name, each in component.artifacts.items() if name != loop.item_input
    }
    return Interface(parameters=parameters, artifacts=artifacts)


def collected(component: Interface, outputs: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The outputs of a loop: of each a list, in the order of the items (dsl.Collected).

    An iteration that did not give one, because it was skipped, is left out of it.
    """
    given = [each for each in outputs if each]
    return {
        "parameters": {
            name: [each["parameters"][name] for each in given if name in each["parameters"]]
            for name in component.parameters
        },
        "artifacts": {
            name: [one for each in given for one in each["artifacts"].get(name, ())]
            for name in component.artifacts
        },
    }
