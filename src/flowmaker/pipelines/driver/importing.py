"""What an importer gives: an artifact that somebody else made, where it is.

Nothing is looked at: whether it is there matters to the task that reads it, and only to that one.
"""

from collections.abc import Mapping
from typing import Any

from flowmaker.pipelines.driver.placeholders import Placeholders
from flowmaker.pipelines.driver.workspace import MARK
from flowmaker.pipelines.ir.importers import Importer, located
from flowmaker.pipelines.ir.parameters import whole
from flowmaker.pipelines.records.catalog import Document


def imported(importer: Importer, inputs: Document, job: Mapping[str, str]) -> dict[str, Any]:
    """The outputs of an importer with these inputs.

    Raises:
        InvalidInput: it has no URI, or one that means nothing here.
        Unsupported: it is where no task here could read it.
    """
    fill = Placeholders(
        parameters=inputs["parameters"], input_artifacts=inputs["artifacts"], job=job
    )
    given = inputs["parameters"].get(importer.uri_parameter) if importer.uri_parameter else ""
    uri = located(fill.text(str(given or importer.uri)))
    metadata = {MARK: True} if importer.to_workspace else {}
    artifact = {
        "name": importer.output,
        "type": importer.type,
        "uri": uri,
        "metadata": {**fill.inside(whole(importer.metadata)), **metadata},
    }
    return {"parameters": {}, "artifacts": {importer.output: [artifact]}}
