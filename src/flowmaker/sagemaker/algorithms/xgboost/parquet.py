"""Parquet: tables whose columns are numbers, the first of them the label."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

# It has no types of its own.
_arrow: Any = import_module("pyarrow")
_parquet: Any = import_module("pyarrow.parquet")

#: A file begins and ends with it.
_MAGIC = b"PAR1"


def read(files: Sequence[bytes]) -> list[NDArray[np.float32]]:
    """The table of each file; a value that is null is NaN.

    Raises:
        ValueError: one is no Parquet, or no table of numbers; says which column.
    """
    tables = [_columns(data) for data in files]
    # Files of one data set may have their columns in another order.
    return [_numbers(table, names=list(tables[0])) for table in tables]


def split(stream: bytes) -> list[bytes]:
    """The files that follow each other in a channel of Pipe mode."""
    parts = stream.split(_MAGIC + _MAGIC)
    last = len(parts) - 1
    return [
        (_MAGIC if number else b"") + part + (_MAGIC if number < last else b"")
        for number, part in enumerate(parts)
        if part
    ]


def _columns(data: bytes) -> dict[str, Any]:
    """A file's columns by name, without the index that pandas writes beside them."""
    try:
        table: Any = _parquet.read_table(_arrow.BufferReader(data))
    except (_arrow.ArrowException, OSError) as error:
        raise ValueError(f"it is no Parquet file: {error}") from error
    written: dict[str, Any] = table.schema.pandas_metadata or {}
    index: list[Any] = written.get("index_columns", [])
    names = [name for name in table.column_names if name not in index]
    if len(set(names)) < len(names):
        raise ValueError("two columns have the same name")
    return {name: table.column(name) for name in names}


def _numbers(table: dict[str, Any], *, names: list[str]) -> NDArray[np.float32]:
    if set(table) != set(names):
        different = ", ".join(sorted(set(table) ^ set(names)))
        raise ValueError(f"files with different columns: not all have {different}")
    types: Any = _arrow.types
    # A column without any value has no type.
    known = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal, types.is_null)
    numbers: list[NDArray[np.float32]] = []
    for name in names:
        kind: Any = table[name].type
        if not any(is_known(kind) for is_known in known):
            raise ValueError(f"the column {name} is of the type {kind}: all must be numbers")
        column: Any = table[name].cast(_arrow.float64(), safe=False)
        numbers.append(np.asarray(column.to_numpy(), dtype=np.float32))
    return np.column_stack(numbers) if numbers else np.empty((0, 0), dtype=np.float32)
