"""How long a page of keys takes in a bucket of a million keys, beside one of ten thousand.

The keys are written straight into the index, in bulk and without files: a list reads no file.
Pages as the object store gives them, without HTTP; medians.

python -m bench.keys [--keys N]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import insert

from flowmaker.objects.index import buckets, listing
from flowmaker.objects.objects import Bucket
from flowmaker.objects.uploads import PageRequest
from flowmaker.store.database import Database, Transaction
from flowmaker.store.schema.objects import objects

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FEW = 10_000
IN_FOLDER = 4
BATCH = 20_000
TIMES = 15
PAGE = 1000


def key(number: int) -> str:
    return f"{number // IN_FOLDER:06d}/{number % IN_FOLDER}.csv"


def rows(bucket: str, numbers: range) -> Iterator[dict[str, object]]:
    for number in numbers:
        yield {
            "bucket": bucket,
            "key": key(number),
            "size": 100,
            "etag": "5d41402abc4b2a76b9719d911017c592",
            "blob": f"{bucket}-{number}",
            "modified_at": NOW,
            "document": {},
            "version_id": "null",
        }


def fill(database: Database, bucket: str, count: int) -> None:
    def write(tx: Transaction, numbers: range) -> None:
        tx.execute(insert(objects), list(rows(bucket, numbers)))

    made = Bucket(name=bucket, owner="000000000000", region="us-east-1", created_at=NOW)
    database.write_now(buckets.ensure, made)
    for first in range(0, count, BATCH):
        database.write_now(write, range(first, min(first + BATCH, count)))


def requests(count: int) -> dict[str, PageRequest]:
    """The pages that are asked for, in a bucket of `count` keys."""
    middle = key(count // 2)
    folder = middle.partition("/")[0]
    return {
        "first page": PageRequest(limit=PAGE),
        "midway": PageRequest(limit=PAGE, after=middle),
        "a folder midway": PageRequest(limit=PAGE, prefix=f"{folder}/"),
        "first folders": PageRequest(limit=PAGE, delimiter="/"),
        "folders midway": PageRequest(limit=PAGE, delimiter="/", after=f"{folder}/"),
    }


def milliseconds(database: Database, bucket: str, wanted: PageRequest) -> float:
    taken: list[float] = []
    for _ in range(TIMES):
        start = time.perf_counter()
        database.read_now(listing.page, bucket, wanted)
        taken.append(1000 * (time.perf_counter() - start))
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=1_000_000)
    many: int = parser.parse_args().keys
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "flowmaker.db")
        start = time.perf_counter()
        fill(database, "few", FEW)
        fill(database, "many", many)
        print(f"{FEW + many} keys written in {time.perf_counter() - start:.0f} s")
        print(f"{'ms per page of ' + str(PAGE):24}{FEW:>12}{many:>12}{'ratio':>8}")
        for (name, few), wanted in zip(requests(FEW).items(), requests(many).values(), strict=True):
            small = milliseconds(database, "few", few)
            large = milliseconds(database, "many", wanted)
            print(f"{name:24}{small:12.2f}{large:12.2f}{large / small:8.2f}")
        database.close()


if __name__ == "__main__":
    main()
