"""What tasks inside of loops and conditions take from outside, where the SDK loses the way to it.

Of a text of two items, as in `say(m=f"{outer} {inner}")`, it hands the inner item to the outer loop
from where there is none, and the outer one to nobody. A loop in a condition in a loop takes items
of what its own DAG was not given. What is meant is plain, as each has a name of its own: a cluster
fails over it all the same.
"""

from collections.abc import Iterator
from typing import Any

#: What the SDK puts before the name of a parameter, or of a task and its output, inside of a DAG.
_CHANNEL = "pipelinechannel--"
_INPUT = "componentInputParameter"
_OUTPUT = "taskOutputParameter"

Json = dict[str, Any]


def reach(spec: Json) -> None:
    """Give DAGs what their tasks take, and no more, in a PipelineSpec in proto3 JSON."""
    dags = _Dags(spec)
    for name in dags.downward():
        for task in _tasks(dags.of(name)):
            dags.drop(name, task)
    for name in dags.downward():
        for task in _tasks(dags.of(name)):
            for source in _inputs(task).values():
                if _INPUT in source and dags.is_astray(name, source):
                    dags.supply(name, source[_INPUT])


class _Dags:
    """The DAGs of a pipeline; the root's name is empty."""

    def __init__(self, spec: Json) -> None:
        self._root: Json = spec.get("root", {})
        self._components: Json = spec.get("components", {})
        #: By the name of a DAG those that use it, and the tasks that do.
        self._users: dict[str, list[tuple[str, Json]]] = {}
        for name in ("", *self._components):
            for task in _tasks(self.of(name)):
                self._users.setdefault(_component(task), []).append((name, task))

    def of(self, name: str) -> Json:
        return self._components.get(name, {}) if name else self._root

    def downward(self) -> list[str]:
        """The root, what it uses, what that uses, and so on."""
        found = [""]
        for name in found:
            used = [_component(task) for task in _tasks(self.of(name))]
            found += [each for each in dict.fromkeys(used) if each not in found]
        return found

    def is_astray(self, name: str, source: Json) -> bool:
        """Whether a task of that DAG takes what the DAG does not have."""
        if _OUTPUT not in source:
            return _INPUT in source and source[_INPUT] not in _definitions(self.of(name))
        producer = source[_OUTPUT].get("producerTask", "")
        tasks = self.of(name).get("dag", {}).get("tasks", {})
        outputs = self._outputs(tasks.get(producer, {}))
        return source[_OUTPUT].get("outputParameterKey") not in outputs

    def drop(self, name: str, task: Json) -> None:
        """Take away what a task has from nowhere and nobody in it takes."""
        inside = _component(task)
        if len(self._users[inside]) > 1:
            return
        given = _inputs(task)
        for each in [key for key in given if self.is_astray(name, given[key])]:
            if not (_is_read(task, each) or self._is_taken(inside, each)):
                del given[each]
                _definitions(self.of(inside)).pop(each, None)

    def _is_taken(self, name: str, given: str) -> bool:
        """Whether somebody in that component takes its input, who does not make it himself."""
        if "dag" not in self.of(name):
            return True
        for task in _tasks(self.of(name)):
            for each, source in _inputs(task).items():
                if source.get(_INPUT) == given and (
                    _is_read(task, each) or self._is_taken(_component(task), each)
                ):
                    return True
        return False

    def supply(self, name: str, wanted: str) -> bool:
        """Have a DAG given what it lacks by that around it; whether there is such a thing."""
        users = self._users.get(name, [])
        if len(users) != 1:
            return False
        ((outer, task),) = users
        found = self._find(outer, wanted)
        if found is None and outer and self.supply(outer, wanted):
            found = {_INPUT: wanted}, _definitions(self.of(outer))[wanted]
        if found is None:
            return False
        source, definition = found
        task.setdefault("inputs", {}).setdefault("parameters", {})[wanted] = source
        inputs = self.of(name).setdefault("inputDefinitions", {}).setdefault("parameters", {})
        inputs[wanted] = definition
        return True

    def _find(self, name: str, wanted: str) -> tuple[Json, Json] | None:
        """Where a DAG has it, and its ParameterSpec."""
        has = _definitions(self.of(name))
        plain = wanted.removeprefix(_CHANNEL)
        for each in (wanted, *([] if name else [plain])):
            if each in has:
                return {_INPUT: each}, {"parameterType": has[each].get("parameterType", "")}
        for task, document in self.of(name).get("dag", {}).get("tasks", {}).items():
            for key, definition in self._outputs(document).items():
                if plain == f"{task}-{key}":
                    return {_OUTPUT: {"producerTask": task, "outputParameterKey": key}}, definition
        return None

    def _outputs(self, task: Json) -> Json:
        component: Json = self.of(_component(task)) if task else {}
        return component.get("outputDefinitions", {}).get("parameters", {})


def _tasks(component: Json) -> Iterator[Json]:
    yield from component.get("dag", {}).get("tasks", {}).values()


def _component(task: Json) -> str:
    return task.get("componentRef", {}).get("name", "")


def _inputs(task: Json) -> Json:
    return task.get("inputs", {}).get("parameters", {})


def _definitions(component: Json) -> Json:
    return component.get("inputDefinitions", {}).get("parameters", {})


def _is_read(task: Json, name: str) -> bool:
    """Whether a task has an input for itself: it goes over it, or is done on condition of it."""
    items = task.get("parameterIterator", {}).get("items", {})
    condition = task.get("triggerPolicy", {}).get("condition", "")
    return items.get("inputParameter") == name or f"['{name}']" in condition
