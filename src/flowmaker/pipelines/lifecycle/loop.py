"""How a loop goes on."""

from dataclasses import replace
from datetime import datetime

from flowmaker.errors import FlowmakerError
from flowmaker.pipelines.driver.iteration import inputs_of_iteration, items_of
from flowmaker.pipelines.ir.graph import Loop
from flowmaker.pipelines.lifecycle.progress import Progress
from flowmaker.pipelines.lifecycle.task import moved, new_task
from flowmaker.pipelines.records.run import RuntimeState, Task


def iterate(progress: Progress, task: Task, loop: Loop, now: datetime) -> None:
    """Make the iterations whose turn it is: all at once, or as many as may run at a time."""
    try:
        items = items_of(loop, task.inputs)
    except FlowmakerError as error:
        progress.put(moved(task, RuntimeState.FAILED, now, error=str(error)))
        return
    component = progress.graph.component(task.component)
    for index in range(len(progress.children[task.task_id]), len(items)):
        is_full = loop.limit and progress.open_children[task.task_id] >= loop.limit
        if is_full or task.state is RuntimeState.CANCELING or task.task_id in progress.broken:
            break
        name = iteration_name(task, index)
        inputs = inputs_of_iteration(loop, task.inputs, component.inputs, items[index])
        made = replace(new_task(progress.run, task.task_id, name, component, now), inputs=inputs)
        progress.put(moved(made, RuntimeState.RUNNING, now) if component.dag else made)


def iteration_name(task: Task, index: int) -> str:
    """The name of an iteration, which says its place among the others."""
    return f"{task.name}-{index}"
