"""The one `MetaData` that every table belongs to, and the column types that they share."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Dialect, MetaData, Text
from sqlalchemy.types import TypeDecorator

metadata = MetaData()


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
