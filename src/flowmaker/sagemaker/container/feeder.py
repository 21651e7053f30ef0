"""Feeds the channels in Pipe mode of one instance: `python feeder.py PLAN`.

Contract: the developer guide, "Access training data", Pipe mode: epoch N of a channel is read from
the FIFO `/opt/ml/input/data/<channel>_<N>`, to its end or not, and the next epoch from the next
one. It runs beside the instance until it is stopped, and needs nothing but the standard library.
"""

import gzip
import io
import json
import os
import random
import shutil
import struct
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

#: Where the job's folder is: paths of the plan are below it. The variable is there where nothing
#: can be mounted.
BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
#: RecordIO: the magic number, the length (29 bits of it), the bytes, zeros up to 4 bytes.
MAGIC = 0xCED7230A
LONGEST_RECORD = (1 << 29) - 1
CHUNK = 1 << 20
#: More of an unpacked object is kept in a file, not in memory.
IN_MEMORY = 64 << 20


def main(plan: Path) -> None:
    """Feed all channels of the plan at the same time, each epoch after the other."""
    channels = json.loads(plan.read_text())
    threads = [threading.Thread(target=_watched, args=(one,), daemon=True) for one in channels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _watched(channel: Mapping[str, Any]) -> None:
    """Half of the data must not look like all of it: any error ends the whole program."""
    try:
        feed(channel)
    except Exception as error:  # noqa: BLE001 - whatever it is
        sys.stderr.write(f"The channel {channel['name']} cannot be fed: {error}\n")
        sys.stderr.flush()
        os._exit(1)


def feed(channel: Mapping[str, Any], epochs: int | None = None) -> None:
    """Feed the channel, for ever unless `epochs` says how often. There is always one FIFO more."""
    folder, name, epoch = BASE / channel["folder"], channel["name"], 0
    make(folder / f"{name}_0")
    while epochs is None or epoch < epochs:
        make(folder / f"{name}_{epoch + 1}")
        fifo = folder / f"{name}_{epoch}"
        # A reader that closes early has had enough of this epoch.
        with suppress(BrokenPipeError), fifo.open("wb") as pipe:
            write(channel, epoch, pipe)
        fifo.unlink(missing_ok=True)
        epoch += 1


def write(channel: Mapping[str, Any], epoch: int, pipe: IO[bytes]) -> None:
    """All bytes of an epoch."""
    for entry in of_epoch(channel, epoch):
        for part in entry:
            with _open(part, gzipped=channel["gzip"]) as file:
                if channel["record_io"]:
                    _write_record(file, pipe)
                else:
                    shutil.copyfileobj(file, pipe, CHUNK)


def of_epoch(channel: Mapping[str, Any], epoch: int) -> Iterator[Sequence[Mapping[str, str]]]:
    """The entries that this instance gets, in their order.

    Shuffled by the seed anew for each epoch; then an entry may go to another instance.
    """
    entries = list(channel["entries"])
    if channel["seed"] is not None:
        seed = f"{channel['seed']}-{epoch}"
        random.Random(seed).shuffle(entries)  # noqa: S311 - no secret
    index, count = channel["shard"]
    yield from entries[index::count]


def make(fifo: Path) -> None:
    """Make a FIFO unless it is there."""
    if not fifo.exists():
        os.mkfifo(fifo, 0o666)


def _open(part: Mapping[str, str], *, gzipped: bool) -> io.BufferedIOBase:
    """A text of the manifest, or a file."""
    if "text" in part:
        return io.BytesIO(part["text"].encode())
    file = BASE / part["file"]
    return gzip.open(file) if gzipped else file.open("rb")


def _write_record(file: io.BufferedIOBase, pipe: IO[bytes]) -> None:
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as whole:
        shutil.copyfileobj(file, whole, CHUNK)
        length = whole.tell()
        if length > LONGEST_RECORD:
            message = f"an object of {length} bytes is too long for a RecordIO record"
            raise ValueError(message)
        whole.seek(0)
        pipe.write(struct.pack("<II", MAGIC, length))
        shutil.copyfileobj(whole, pipe, CHUNK)
        pipe.write(bytes(-length % 4))


if __name__ == "__main__":
    main(BASE / sys.argv[1])
