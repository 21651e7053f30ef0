"""Numbers, times and bytes as the protocols write them in text."""

import base64
import binascii
import math
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.models import Shape

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)?(?:Z|[+-]\d\d:?\d\d)?"
)


def malformed(value: object, kind: str, where: str) -> AwsError:
    """A value of another type than the model's."""
    return AwsError("SerializationException", f"{value!r} at '{where}' is not a valid {kind}.")


def parse_text(shape: Shape, text: str, where: str, *, default_time: str = "iso8601") -> Any:  # noqa: ANN401
    """A scalar from text (XML, form, header, URL)."""
    kind = shape.type_name
    if kind in ("integer", "long"):
        return parse_integer(shape, text, where)
    if kind in ("float", "double"):
        return parse_float(text, where)
    if kind == "boolean":
        return _parse_boolean(text, where)
    if kind == "timestamp":
        return parse_timestamp(
            text, where, shape.serialization.get("timestampFormat", default_time)
        )
    return parse_blob(text, where) if kind == "blob" else text


def parse_integer(shape: Shape, text: str, where: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,19}", text.strip()):
        raise malformed(text, shape.type_name, where)
    return fitting(shape, int(text), where)


def fitting(shape: Shape, number: int, where: str) -> int:
    """An integer has 32 bits and a long 64, in AWS as in the database."""
    most = 1 << (31 if shape.type_name == "integer" else 63)
    if not -most <= number < most:
        raise malformed(number, shape.type_name, where)
    return number


def parse_float(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise malformed(text, "number", where) from None


def _parse_boolean(text: str, where: str) -> bool:
    if text.strip().lower() not in ("true", "false"):
        raise malformed(text, "boolean", where)
    return text.strip().lower() == "true"


def parse_blob(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise malformed(text, "base64 text", where) from None


def parse_timestamp(text: str, where: str, form: str) -> datetime:
    """A time from text; a form that another SDK might use is understood as well."""
    text = text.strip()
    try:
        if _ISO.fullmatch(text):
            moment = datetime.fromisoformat(text.replace(",", "."))
        elif form == "unixTimestamp" or re.fullmatch(r"-?\d+(\.\d+)?", text):
            moment = from_epoch(float(text))
        else:
            moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        raise malformed(text, "timestamp", where) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def from_epoch(seconds: float) -> datetime:
    """The moment; addition keeps the microseconds that `fromtimestamp` may round away."""
    return EPOCH + timedelta(seconds=seconds)


def to_epoch(moment: datetime) -> int | float:
    """Seconds since 1970 with milliseconds, a whole number where it is one."""
    seconds = round(aware(moment).timestamp(), 3)
    return int(seconds) if seconds.is_integer() else seconds


def aware(moment: datetime) -> datetime:
    """A time without a zone would be read as another one elsewhere: refused early."""
    if moment.tzinfo is None:
        message = f"A handler answered a time without a zone: {moment!r}"
        raise TypeError(message)
    return moment.astimezone(UTC)


def write_timestamp(moment: datetime, form: str) -> str:
    moment = aware(moment)
    if form == "rfc822":
        return format_datetime(moment.replace(microsecond=0), usegmt=True)
    if form == "unixTimestamp":
        return str(to_epoch(moment))
    if moment.microsecond:
        return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def write_text(shape: Shape, value: Any, *, default_time: str = "iso8601") -> str:  # noqa: ANN401
    """A scalar as text (XML, header)."""
    kind = shape.type_name
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        return write_timestamp(value, shape.serialization.get("timestampFormat", default_time))
    if kind == "blob":
        return base64.b64encode(value).decode()
    if kind in ("float", "double"):
        return write_float(value)
    return str(int(value)) if kind in ("integer", "long") else str(value)


def write_float(value: float) -> str:
    if math.isfinite(value):
        return repr(float(value))
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
