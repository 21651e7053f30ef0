"""RecordIO-wrapped protobuf, the format of Amazon's own algorithms.

A file is a row of frames: the magic number, the length, the bytes, zeros up to a multiple of 4.
Each frame holds a `Record` message of maps from a name to a `Value` with one tensor in it:

    Record { map<string, Value> features = 1; map<string, Value> label = 2; … }
    Value  { oneof { Float32Tensor = 2; Float64Tensor = 3; Int32Tensor = 7; Bytes = 9 } }
    Tensor { repeated number values = 1; repeated uint64 keys = 2; repeated uint64 shape = 3 }

Written out by hand: four messages do not need a protobuf runtime in every environment.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_MAGIC = 0xCED7230A
_HEADER = struct.Struct("<II")
_START = _MAGIC.to_bytes(4, "little")

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MORE = 0x80

#: The field of a Value that holds a tensor, and the type of its numbers.
_TENSORS = {2: np.dtype("<f4"), 3: np.dtype("<f8"), 7: np.dtype("<i4")}


class Malformed(ValueError):  # noqa: N818 - named for what it says of the bytes
    """The bytes are not RecordIO-wrapped protobuf."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """Numbers; of a sparse one also the place of each, and the length of the whole."""

    values: NDArray[np.float64]
    keys: NDArray[np.int64] | None = None
    length: int = 0

    def dense(self, length: int) -> NDArray[np.float64]:
        """All its numbers, with zeros where a sparse one has none."""
        if self.keys is None:
            return self.values
        whole = np.zeros(max(length, self.length), dtype=np.float64)
        whole[self.keys] = self.values
        return whole


@dataclass(frozen=True, slots=True)
class Record:
    """One observation."""

    features: Mapping[str, Tensor] = field(default_factory=dict[str, Tensor])
    label: Mapping[str, Tensor] = field(default_factory=dict[str, Tensor])


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & ~_MORE) << shift
        if byte < _MORE:
            return value, at
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == _BYTES:
            size, at = _varint(data, at)
        elif wire in (_FIXED32, _FIXED64):
            size = 4 if wire == _FIXED32 else 8
        else:
            raise Malformed(f"a field of the unknown wire type {wire}")
        if at + size > len(data):
            raise Malformed("a record that ends in the middle of a field")
        yield number, data[at : at + size]
        at += size


def _varints(value: int | bytes) -> list[int]:
    if isinstance(value, int):
        return [value]
    numbers: list[int] = []
    at = 0
    while at < len(value):
        number, at = _varint(value, at)
        numbers.append(number)
    return numbers


def _tensor(data: bytes, dtype: np.dtype[np.generic]) -> Tensor:
    values = bytearray()
    integers: list[int] = []
    keys: list[int] = []
    shape: list[int] = []
    for number, value in _fields(data):
        if number == 1 and dtype.kind == "i":
            integers += [each - (each >> 63 << 64) for each in _varints(value)]
        elif number == 1 and isinstance(value, bytes):
            values += value
        elif number == 2:  # noqa: PLR2004 - the field numbers stand in the docstring
            keys += _varints(value)
        elif number == 3:  # noqa: PLR2004
            shape += _varints(value)
    numbers = integers or np.frombuffer(bytes(values), dtype=dtype)
    return Tensor(
        values=np.asarray(numbers, dtype=np.float64),
        keys=np.asarray(keys, dtype=np.int64) if keys else None,
        length=shape[0] if shape else 0,
    )


def _entry(data: bytes) -> tuple[str, Tensor]:
    name, tensor = "", Tensor(values=np.empty(0))
    for number, value in _fields(data):
        if number == 1 and isinstance(value, bytes):
            name = value.decode()
        elif isinstance(value, bytes):
            for kind, inner in _fields(value):
                if kind not in _TENSORS or not isinstance(inner, bytes):
                    raise Malformed("a feature that is neither float32, float64 nor int32")
                tensor = _tensor(inner, _TENSORS[kind])
    return name, tensor


def _record(data: bytes) -> Record:
    maps: dict[int, dict[str, Tensor]] = {1: {}, 2: {}}
    for number, value in _fields(data):
        if number in maps and isinstance(value, bytes):
            name, tensor = _entry(value)
            maps[number][name] = tensor
    return Record(features=maps[1], label=maps[2])


def read(data: bytes) -> Iterator[Record]:
    """The records.

    Raises:
        Malformed: the bytes are something else, or end too soon.
    """
    at = 0
    while at < len(data):
        if not data.startswith(_START, at):
            raise Malformed(f"no RecordIO frame at byte {at}")
        if len(data) - at < _HEADER.size:
            raise Malformed("a frame that ends in its header")
        _, size = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        if at + size > len(data):
            raise Malformed("a frame that ends too soon")
        try:
            yield _record(data[at : at + size])
        except (IndexError, UnicodeDecodeError) as error:
            raise Malformed("a record that is no protobuf") from error
        at += size + -size % 4


def _number(value: int) -> bytes:
    out = bytearray()
    while value >= _MORE:
        out.append(value & ~_MORE & 0xFF | _MORE)
        value >>= 7
    out.append(value)
    return bytes(out)


def _message(number: int, body: bytes) -> bytes:
    return _number(number << 3 | _BYTES) + _number(len(body)) + body


def _map(number: int, entries: Mapping[str, NDArray[np.float32]]) -> bytes:
    out = b""
    for name, values in entries.items():
        value = _message(2, _message(1, values.astype("<f4").tobytes()))
        out += _message(number, _message(1, name.encode()) + _message(2, value))
    return out


def write(
    features: Mapping[str, NDArray[np.float32]] | None = None,
    label: Mapping[str, NDArray[np.float32]] | None = None,
) -> bytes:
    """One record in its frame, with dense float32 tensors."""
    body = _map(1, features or {}) + _map(2, label or {})
    return _HEADER.pack(_MAGIC, len(body)) + body + b"\0" * (-len(body) % 4)
