"""The one `MetaData` that every table belongs to, and the column types that they share."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Dialect, MetaData, Text
from sqlalchemy.types import TypeDecorator

metadata = MetaData()

#: SQL for a time that is not there, where lists compare times: 1970, as `Timestamp` writes it.
NEVER = "'1970-01-01T00:00:00.000000+00:00'"

#: In a column's `info`: what rows have that are older than it, when new ones must say it.
OF_OLD = "of old"


class Timestamp(TypeDecorator[datetime]):
    """An aware UTC time, kept as text that sorts as it reads, to the microsecond."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        del dialect
        return value.astimezone(UTC).isoformat(timespec="microseconds") if value else None

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ANN401
        del dialect
        return datetime.fromisoformat(value) if value else None
