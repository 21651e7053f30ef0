"""Parts of a loop's items in texts, as in `say(m=f"{item.name}")`, which the SDK binds wrongly.

It hands such a part (`ITEM-subvar-KEY`) to the loop from outside, where no item is yet; a cluster
fails over it. What is meant is plain: inside, the part is taken of the item.
"""

from typing import Any

_MARK = "-subvar-"
_ITEM = "-loop-item"


def bind_parts(spec: dict[str, Any]) -> None:
    """Take them of the item, in a PipelineSpec in proto3 JSON."""
    components: dict[str, Any] = spec.get("components", {})
    for component in [spec.get("root", {}), *components.values()]:
        for task in component.get("dag", {}).get("tasks", {}).values():
            item = task.get("parameterIterator", {}).get("itemInput", "")
            if item:
                body = components.get(task.get("componentRef", {}).get("name", ""), {})
                _bind(task, item, body)


def _bind(loop: dict[str, Any], item: str, body: dict[str, Any]) -> None:
    given: dict[str, Any] = loop.get("inputs", {}).get("parameters", {})
    # What goes on is an item of a loop over a part: that loop has it, and nobody else.
    parts = {name for name in given if name.startswith(item + _MARK) and not _is_item(name, item)}
    for name in parts:
        del given[name]
        body.get("inputDefinitions", {}).get("parameters", {}).pop(name, None)
    for task in body.get("dag", {}).get("tasks", {}).values() if parts else ():
        inputs: dict[str, Any] = task.get("inputs", {}).get("parameters", {})
        for name, source in inputs.items():
            part = source.get("componentInputParameter")
            if part in parts:
                key = part.removeprefix(item + _MARK)
                selector = f'parseJson(string_value)["{key}"]'
                inputs[name] = {
                    "componentInputParameter": item,
                    "parameterExpressionSelector": selector,
                }


def _is_item(name: str, item: str) -> bool:
    return _ITEM in name.removeprefix(item)
