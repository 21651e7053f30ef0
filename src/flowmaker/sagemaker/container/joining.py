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
from datetime import UTC, datetime
from typing import Any, cast

from flowmaker import ids
from flowmaker.sagemaker.container.filters import Path
from flowmaker.sagemaker.container.storage import DataError

CSV, JSON, LINES = "text/csv", "application/json", "application/jsonlines"
INPUT, OUTPUT = "SageMakerInput", "SageMakerOutput"
#: What GenerateInferenceId adds to each record that goes out.
INFERENCE_ID, INFERENCE_TIME = "SageMakerInferenceId", "SageMakerInferenceTime"


@dataclass(frozen=True, kw_only=True, slots=True)
class Joining:
    """What is done with each record before and after the model."""

    incoming: Path = field(default_factory=Path)
    outgoing: Path = field(default_factory=Path)
    joins: bool = False
    #: Each record that goes out gets an id of its own and this time; empty for neither.
    stamp: str = ""
    #: The content types of the records and of the answers: CSV, JSON or JSON lines.
    kind: str = CSV
    answered: str = CSV

    @property
    def idle(self) -> bool:
        """Nothing is done."""
        return not (self.incoming.steps or self.outgoing.steps or self.joins or self.stamp)

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
        by_record = self.joins or bool(self.outgoing.steps)
        if not by_record and not self.stamp:
            return answer
        answers = self._answers(answer, len(records))
        if by_record and len(answers) != len(records):
            raise DataError(
                f"{len(records)} records got {len(answers)} answers: to join or filter them there "
                "must be one for each"
            )
        lines: list[bytes] = []
        for number, one in enumerate(answers):
            result = one
            if self.joins:
                record = _read(records[number], self.kind)
                result = _joined(record, one, rows=self.kind == CSV)
            result = _select(self.outgoing, result, "OutputFilter")
            if self.stamp:
                result = _stamped(result, self.stamp, rows=self.answered == CSV)
            lines.append(_written(result, self.answered))
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


def _stamped(result: Any, time: str, *, rows: bool) -> Any:  # noqa: ANN401 - JSON
    """What goes out, with an id and the time.

    Contract: the developer guide, "Capture data from batch transform job": the last two columns of
    CSV, two members of an object.
    """
    number = ids.new()
    if rows:
        row: list[Any] = cast("list[Any]", result) if isinstance(result, list) else [result]
        return [*row, number, time]
    members = cast("dict[str, Any]", result) if isinstance(result, dict) else {OUTPUT: result}
    return {**members, INFERENCE_ID: number, INFERENCE_TIME: time}


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


def of_request(request: Mapping[str, Any], started: datetime) -> Joining:
    """What the request's DataProcessing, and its DataCaptureConfig, ask for.

    `started` is when the job did.

    Raises:
        ValueError: it asks for what cannot be; the message says what to change.
    """
    given: Mapping[str, str] = request.get("DataProcessing", {})
    joining = Joining(
        incoming=_path(given, "InputFilter"),
        outgoing=_path(given, "OutputFilter"),
        joins=given.get("JoinSource", "None") == "Input",
        stamp=f"{started.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if _is_stamped(request) else "",
        kind=_kind(request["TransformInput"].get("ContentType", CSV)),
        answered=_kind(
            request["TransformOutput"].get("Accept")
            or request["TransformInput"].get("ContentType", CSV)
        ),
    )
    if joining.idle:
        return joining
    read = (joining.kind,) if joining.incoming.steps or joining.joins else ()
    for kind in (*read, joining.answered):
        if kind not in (CSV, JSON, LINES):
            what = "GenerateInferenceId" if joining.stamp else "DataProcessing"
            raise ValueError(f"{what} takes {CSV}, {JSON} and {LINES}, not {kind}")
    if joining.joins and (joining.answered == CSV) != (joining.kind == CSV):
        raise ValueError(
            "JoinSource needs the same format in and out; they are "
            f"{joining.kind} and {joining.answered}"
        )
    whole = request["TransformInput"].get("SplitType", "None") == "None"
    if joining.joins and whole and joining.kind != JSON:
        raise ValueError("JoinSource needs the SplitType Line for this ContentType")
    return joining


def _is_stamped(request: Mapping[str, Any]) -> bool:
    return bool(request.get("DataCaptureConfig", {}).get("GenerateInferenceId"))


def _kind(content_type: str) -> str:
    name = content_type.partition(";")[0].strip().lower()
    return {"application/json-lines": LINES, "application/x-ndjson": LINES}.get(name, name) or CSV


def _path(given: Mapping[str, str], member: str) -> Path:
    try:
        return Path.parse(given.get(member) or "$")
    except ValueError as error:
        raise ValueError(f"{member}: {error}") from None
