"""`dsl.ParallelFor` of KFP 1: its items are strings, as all values are."""
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false

import importlib
from typing import Any

from flowmaker.compat.wire import is_channel, text

tasks_group: Any = importlib.import_module("kfp.dsl.tasks_group")


def parallel_for(
    loop_args: Any,
    # KFP 1 knows no limit as None, and has it in second place.
    parallelism: int | None = None,
    name: str | None = None,
) -> Any:
    """`with dsl.ParallelFor(…) as item`, over a list or over what a task gives."""
    items = loop_args if is_channel(loop_args) else [_item(one) for one in loop_args]
    return tasks_group.ParallelFor(items, name=name, parallelism=parallelism)


def _item(item: Any) -> Any:
    if isinstance(item, dict):
        return {key: text(value) for key, value in item.items()}
    return text(item)
