"""Many small pipelines of one module, submitted together so that they run at the same time."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kfp
import yaml
from kfp import compiler
from kfp_server_api import ApiException, V2beta1Run

from tests.fakes.kfp_runs import Ran
from tests.house import House

#: Changes a compiled PipelineSpec, to what no SDK of today writes.
Edit = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class _Entry:
    pipeline: Any
    arguments: Mapping[str, Any]
    options: Mapping[str, Any]
    edit: Edit | None


@dataclass
class Batch:
    """The pipelines of a module, by their names."""

    entries: dict[str, _Entry] = field(default_factory=dict[str, _Entry])

    def add(self, edit: Edit | None = None, **arguments: Any) -> Callable[[Any], Any]:
        """Run the decorated pipeline with these arguments."""
        return self.with_options({}, edit, **arguments)

    def with_options(
        self, options: Mapping[str, Any], edit: Edit | None = None, **arguments: Any
    ) -> Callable[[Any], Any]:
        """As `add`, with options of `kfp.Client.create_run_from_pipeline_package`."""

        def remember(pipeline: Any) -> Any:
            assert pipeline.name not in self.entries
            self.entries[pipeline.name] = _Entry(pipeline, arguments, options, edit)
            return pipeline

        return remember

    def submitted(self, server: House, folder: Path) -> "Submitted":
        """All of them, started."""
        client = kfp.Client(host=server.url)
        made = Submitted(client, server.data)
        for name, entry in self.entries.items():
            try:
                made.ids[name] = _submit(client, entry, folder)
            except ApiException as error:
                made.refused[name] = error
        return made


@dataclass
class Submitted:
    """The runs of a batch."""

    client: kfp.Client
    data: Path
    ids: dict[str, str] = field(default_factory=dict[str, str])
    refused: dict[str, ApiException] = field(default_factory=dict[str, ApiException])

    def __call__(self, pipeline: Any, seconds: float = 120) -> Ran:
        """The run of that pipeline, once it has ended.

        Raises:
            ApiException: it was refused.
        """
        if pipeline.name in self.refused:
            raise self.refused[pipeline.name]
        run_id = self.ids[pipeline.name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.client.wait_for_run_completion(run_id, timeout=seconds, sleep_duration=0.05)
        run: V2beta1Run = self.client.get_run(run_id)
        return Ran(run, self.data)


def _submit(client: kfp.Client, entry: _Entry, folder: Path) -> str:
    package = folder / f"{entry.pipeline.name}.yaml"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiler.Compiler().compile(entry.pipeline, str(package))
        spec, *platform = yaml.safe_load_all(package.read_text())
        if "enable_caching" not in entry.options:
            _never_cache(spec)
        if entry.edit is not None:
            entry.edit(spec)
        package.write_text(yaml.safe_dump_all([spec, *platform]))
        options = {"enable_caching": False, **entry.options}
        made = client.create_run_from_pipeline_package(
            str(package), arguments=dict(entry.arguments), **options
        )
    return made.run_id


def _never_cache(spec: dict[str, Any]) -> None:
    """For all tasks: the client turns it off for those of the root alone, as KFP has it."""
    for component in (spec["root"], *spec.get("components", {}).values()):
        for task in component.get("dag", {}).get("tasks", {}).values():
            task.pop("cachingOptions", None)
