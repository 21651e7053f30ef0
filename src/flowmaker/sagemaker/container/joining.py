"""Batch transform's data processing: input filter, model, join with the input, output filter.

Contract: the developer guide, "Associate Prediction Results with Input Records". CSV rows count as
arrays; a JSON object gets a member `SageMakerOutput`, anything else becomes an object with that and
`SageMakerInput`.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from flowmaker.sagemaker.container.filters import Path
from flowmaker.sagemaker.container.storage import DataError

CSV, JSON, LINES = "text/csv", "application/json", "application/jsonlines"
INPUT, OUTPUT = "SageMakerInput", "SageMakerOutput"


@dataclass(frozen=True, kw_only=True, slots=True)
class Joining:
    """What is done with each record before and after the model."""

    incoming: Path = field(default_factory=Path)
    outgoing: Path = field(default_factory=Path)
    joins: bool = False
    #: The content types of the records and of the answers: CSV, JSON or JSON lines.
    kind: str = CSV
    answered: str = CSV

    @property
    def idle(self) -> bool:
        """Nothing is done."""
        return not (self.incoming.steps or self.outgoing.steps or self.joins)

    def sent(self, record: bytes) -> bytes:
        """What the model gets of a record.

        Raises:
            DataError: the input filter has nothing to select.
        """
        if not self.incoming.steps:
            return record
        selected = _select(self.incoming, _read(record, self.kind), "InputFilter")
        return _written(selected, self.kind) + (b"\n" if record.endswith(b"\n") else b"")

    def written(self, records: Sequence[bytes], answer: bytes) -> bytes:
        """What goes to the output, of the records of a payload and the model's answer to it.

        Raises:
            DataError: there are more or fewer answers than records, or nothing to select.
        """
        if not self.joins and not self.outgoing.steps:
            return answer
        answers = self._answers(answer, len(records))
        if len(answers) != len(records):
            raise DataError(
                f"{len(records)} records got {len(answers)} answers: to join or filter them there "
                "must be one for each"
            )
        lines: list[bytes] = []
        for record, one in zip(records, answers, strict=True):
            result = one
            if self.joins:
                result = _joined(_read(record, self.kind), one, rows=self.kind == CSV)
            filtered = _select(self.outgoing, result, "OutputFilter")
            lines.append(_written(filtered, self.answered))
        return b"".join(line + b"\n" for line in lines)

    def _answers(self, answer: bytes, count: int) -> list[Any]:
        """The model's answers, one for each record if it can be told."""
        kind = self.answered
        if kind == JSON or (kind == LINES and count == 1 and _is_document(answer)):
            return [_read(answer, kind)]
        return [_read(line, kind) for line in answer.splitlines() if line.strip()]


def _read(record: bytes, kind: str) -> Any:  # noqa: ANN401 - JSON
    text = record.decode()
    if kind == CSV:
        rows = list(csv.reader(io.StringIO(text)))
        return rows[0] if rows else list[str]()
    try:
        return json.loads(text)
    except ValueError as error:
        raise DataError(f"a record is no JSON: {error}: {text[:80]}") from None


def _written(value: Any, kind: str) -> bytes:  # noqa: ANN401 - JSON
    if kind != CSV:
        return json.dumps(value).encode()
    row: list[Any] = cast("list[Any]", value) if isinstance(value, list) else [value]
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(row)
    return out.getvalue().encode()


def _joined(record: Any, answer: Any, *, rows: bool) -> Any:  # noqa: ANN401 - JSON
    if rows:
        return [*record, *answer]
    if isinstance(record, dict):
        return {**cast("dict[str, Any]", record), OUTPUT: answer}
    return {INPUT: record, OUTPUT: answer}


def _select(path: Path, value: Any, name: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return path.select(value)
    except ValueError as error:
        raise DataError(f"{name}: {error}") from None


def _is_document(answer: bytes) -> bool:
    try:
        json.loads(answer)
    except ValueError:
        return False
    return True


def of_request(request: Mapping[str, Any]) -> Joining:
    """What the request's DataProcessing asks for.

    Raises:
        ValueError: it asks for what cannot be; the message says what to change.
    """
    given: Mapping[str, str] = request.get("DataProcessing", {})
    joining = Joining(
        incoming=_path(given, "InputFilter"),
        outgoing=_path(given, "OutputFilter"),
        joins=given.get("JoinSource", "None") == "Input",
        kind=_kind(request["TransformInput"].get("ContentType", CSV)),
        answered=_kind(
            request["TransformOutput"].get("Accept")
            or request["TransformInput"].get("ContentType", CSV)
        ),
    )
    if joining.idle:
        return joining
    for kind in (joining.kind, joining.answered):
        if kind not in (CSV, JSON, LINES):
            raise ValueError(f"DataProcessing takes {CSV}, {JSON} and {LINES}, not {kind}")
    if joining.joins and (joining.answered == CSV) != (joining.kind == CSV):
        raise ValueError(
            "JoinSource needs the same format in and out; they are "
            f"{joining.kind} and {joining.answered}"
        )
    whole = request["TransformInput"].get("SplitType", "None") == "None"
    if joining.joins and whole and joining.kind != JSON:
        raise ValueError("JoinSource needs the SplitType Line for this ContentType")
    return joining


def _kind(content_type: str) -> str:
    name = content_type.partition(";")[0].strip().lower()
    return {"application/json-lines": LINES, "application/x-ndjson": LINES}.get(name, name) or CSV


def _path(given: Mapping[str, str], member: str) -> Path:
    try:
        return Path.parse(given.get(member) or "$")
    except ValueError as error:
        raise ValueError(f"{member}: {error}") from None
