"""`create_component_from_func` and `func_to_container_op`: functions whose values are strings.

Each becomes a lightweight component of today's SDK around the function: it makes values of the
strings that come in, and strings of what the function returns.
"""
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false

import ast
import importlib
import inspect
import linecache
import textwrap
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from flowmaker.compat.refusal import refuse
from flowmaker.compat.wire import is_file, is_text, python_name, text

component_factory: Any = importlib.import_module("kfp.dsl.component_factory")
annotations: Any = importlib.import_module("kfp.dsl.types.type_annotations")

DEFAULT_IMAGE = "python:3.11"


class _OpenedFile:
    """The annotation of a parameter that is an open file: its type is that of the data."""

    mode: str

    def __init__(self, type: Any = None) -> None:  # noqa: A002 - KFP 1's name
        self.type = type


class InputTextFile(_OpenedFile):
    mode = "r"


class InputBinaryFile(_OpenedFile):
    mode = "rb"


class OutputTextFile(_OpenedFile):
    mode = "w"


class OutputBinaryFile(_OpenedFile):
    mode = "wb"


#: Annotations of parameters that are files.
_FILES = (annotations.InputPath, annotations.OutputPath, _OpenedFile)

_READ = {
    "int": "int(float({0}))",
    "integer": "int(float({0}))",
    "float": "float({0})",
    "double": "float({0})",
    "bool": "({0}.lower() in ('true', '1', 'yes', 'y', 't', 'on'))",
    "boolean": "({0}.lower() in ('true', '1', 'yes', 'y', 't', 'on'))",
    "list": "json.loads({0})",
    "dict": "json.loads({0})",
    "jsonobject": "json.loads({0})",
    "jsonarray": "json.loads({0})",
}

_PROGRAM = """\
def {name}({parameters}){returns}:
    import json, os, tempfile

    def kfp1_file(value):
        path = os.path.join(tempfile.mkdtemp(), "data")
        with open(path, "w") as file:
            file.write(value)
        return path

    def kfp1_content(path):
        with open(path) as file:
            return file.read()

    kfp1_opened = []

    def kfp1_open(path, mode):
        kfp1_opened.append(open(path, mode))
        return kfp1_opened[-1]

    def kfp1_text(value):
        if isinstance(value, str):
            return value
        return json.dumps(value) if isinstance(value, (list, dict, tuple)) else str(value)

    def kfp1_function():
        pass

    kfp1_arguments = dict({arguments})
    kfp1_returned = kfp1_function(**{{k: v for k, v in kfp1_arguments.items() if v is not None}})
    for one in kfp1_opened:
        one.close()
    {give}
"""


@dataclass(frozen=True)
class _Parameter:
    """One parameter of the function."""

    #: In the function.
    name: str
    #: Outside: without `_path` where it is a path.
    outside: str
    kind: str
    type_name: str
    default: Any
    required: bool
    #: How the file is opened that the function gets; empty: it gets the path.
    mode: str = ""


class FunctionComponent:
    """A function as a component: called in a pipeline, it makes a task."""

    def __init__(
        self,
        function: Callable[..., Any],
        base_image: str | None,
        packages: Sequence[str] | None,
    ) -> None:
        """Read the function; its source must be there."""
        self._name = python_name(function.__name__) or "function"
        self._definition = _definition(function)
        self._parameters = [_parameter(one) for one in _signature(function)]
        self._outputs = _outputs(function)
        self._base_image = base_image or DEFAULT_IMAGE
        self._packages = list(packages or [])
        self.__doc__, self.__name__ = function.__doc__, function.__name__

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """A task."""
        ordered = [one for one in self._parameters if one.kind != "output"]
        named = {key: value for one in ordered for key, value in _own(one, kwargs)}
        unknown = set(kwargs) - {one.name for one in ordered} - {one.outside for one in ordered}
        if len(args) > len(ordered) or unknown:
            what = ", ".join(sorted(unknown)) or f"{len(args)} arguments"
            raise TypeError(f"{self._name}() got an unexpected argument: {what}")
        named |= {one.outside: value for one, value in zip(ordered, args, strict=False)}
        values = {key: text(value) for key, value in named.items() if value is not None}
        return self.component(values)(**values)

    def component(self, values: Mapping[str, Any]) -> Any:
        """The component of today's SDK, as these arguments make it."""
        source = self._program({name for name, value in values.items() if is_file(value)})
        filename = f"<kfp1 {self._name} {abs(hash(source))}>"
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        space: dict[str, Any] = {
            "InputPath": annotations.InputPath,
            "OutputPath": annotations.OutputPath,
            "NamedTuple": __import__("typing").NamedTuple,
        }
        exec(compile(source, filename, "exec"), space)  # noqa: S102 - the program's own function
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return component_factory.create_component_from_func(
                space[self._name],
                base_image=self._base_image,
                packages_to_install=self._packages,
            )

    def _program(self, files: set[str]) -> str:
        parameters = sorted(
            self._parameters, key=lambda one: one.kind != "output" and not one.required
        )
        give = "return None"
        returns = ""
        if self._outputs:
            fields = ", ".join(f"({name!r}, str)" for name in self._outputs)
            returns = f" -> NamedTuple('Outputs', [{fields}])"
            whole = "tuple(kfp1_returned)" if self._outputs != ["Output"] else "(kfp1_returned,)"
            give = f"return tuple(kfp1_text(value) for value in {whole})"
        program = _PROGRAM.format(
            name=self._name,
            parameters=", ".join(_declared(one, files) for one in parameters),
            returns=returns,
            arguments=", ".join(f"{one.name}={_value(one, files)}" for one in parameters),
            give=give,
        )
        tree = ast.parse(program)
        body = cast("ast.FunctionDef", tree.body[0]).body
        place = next(i for i, one in enumerate(body) if getattr(one, "name", "") == "kfp1_function")
        body[place] = self._definition
        return ast.unparse(tree) + "\n"


def _own(one: _Parameter, kwargs: Mapping[str, object]) -> list[tuple[str, object]]:
    return [(one.outside, kwargs[key]) for key in {one.name, one.outside} & set(kwargs)]


def _definition(function: Callable[..., Any]) -> ast.FunctionDef:
    """The function without what is of no use where it runs: decorators and annotations."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    definition = tree.body[0]
    if not isinstance(definition, ast.FunctionDef):
        refuse(f"A component from {function}", "write it as a 'def'.")
    definition.decorator_list, definition.returns, definition.name = [], None, "kfp1_function"
    for argument in (*definition.args.args, *definition.args.kwonlyargs):
        argument.annotation = None
    return definition


def _signature(function: Callable[..., Any]) -> list[inspect.Parameter]:
    parameters = list(inspect.signature(function).parameters.values())
    for one in parameters:
        if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            refuse(f"A component's *{one.name}", "name each of its inputs.")
    return parameters


def _parameter(one: inspect.Parameter) -> _Parameter:
    annotation, kind, mode = one.annotation, "value", ""
    if isinstance(annotation, type) and issubclass(annotation, _FILES):
        annotation = annotation()
    if isinstance(annotation, _FILES):
        is_input = isinstance(annotation, (annotations.InputPath, InputTextFile, InputBinaryFile))
        kind = "input" if is_input else "output"
        mode = getattr(annotation, "mode", "")
        annotation = getattr(annotation, "type", None)
    outside = one.name
    if kind != "value":
        outside = one.name.removesuffix("_path").removesuffix("_file")
    return _Parameter(
        name=one.name,
        outside=python_name(outside),
        kind=kind,
        type_name=_type_name(annotation),
        default=None if one.default is inspect.Parameter.empty else one.default,
        required=one.default is inspect.Parameter.empty,
        mode=mode,
    )


def _type_name(annotation: Any) -> str:
    if annotation is None or annotation is inspect.Parameter.empty:
        return ""
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return str(name or annotation).rpartition(".")[2].partition("[")[0].lower().partition("@")[0]


def _outputs(function: Callable[..., Any]) -> list[str]:
    """The names of what it returns; the outputs that it writes to paths are parameters."""
    returned = inspect.signature(function).return_annotation
    if returned is None or returned is inspect.Signature.empty:
        return []
    fields = getattr(returned, "_fields", None)
    return list(fields) if fields else ["Output"]


def _declared(one: _Parameter, files: set[str]) -> str:
    """The parameter as today's SDK reads it."""
    if one.kind == "output":
        return f"{one.outside}: OutputPath({'str' if is_text(one.type_name) else ''})"
    annotation = "InputPath()" if one.outside in files else "str"
    if one.required:
        return f"{one.outside}: {annotation}"
    default = None if one.default is None or one.outside in files else str(text(one.default))
    return f"{one.outside}: {annotation} = {default!r}"


def _value(one: _Parameter, files: set[str]) -> str:
    """What the function gets for it."""
    given = one.outside
    if one.kind != "value":
        path = given if one.kind == "output" or given in files else f"kfp1_file({given})"
        path = f"kfp1_open({path}, {one.mode!r})" if one.mode else path
        return path if path == given else f"None if {given} is None else {path}"
    content = f"kfp1_content({given})" if given in files else given
    return f"None if {given} is None else {_READ.get(one.type_name, '{0}').format(content)}"


def create_component_from_func(
    func: Callable[..., Any],
    output_component_file: str | None = None,
    base_image: str | None = None,
    packages_to_install: Sequence[str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> FunctionComponent:
    """A component from a function."""
    del annotations  # they were remarks in the component's YAML
    made = FunctionComponent(func, base_image, packages_to_install)
    if output_component_file:
        made.component({}).component_spec.save_to_component_yaml(output_component_file)
    return made


def func_to_container_op(
    func: Callable[..., Any],
    output_component_file: str | None = None,
    base_image: str | None = None,
    extra_code: str = "",
    packages_to_install: Sequence[str] | None = None,
    **others: object,
) -> FunctionComponent:
    """The older name of the same."""
    for name, value in {"extra_code": extra_code, **others}.items():
        if value and name != "annotations":
            refuse(f"func_to_container_op's {name}", "write what it needs into the function.")
    return create_component_from_func(func, output_component_file, base_image, packages_to_install)
