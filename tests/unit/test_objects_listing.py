"""Pages of the index are what a plain reading of S3's rules says, however they are cut."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from flowmaker.clock import SystemClock
from flowmaker.objects.index import buckets, entries, listing
from flowmaker.objects.keys import common_prefix
from flowmaker.objects.objects import Bucket, StoredObject
from flowmaker.objects.uploads import Page, PageRequest
from flowmaker.store.database import Database, Transaction

NOW = SystemClock().now()
words = st.text("ab/é\U0010ffff", max_size=5)
BUCKET = Bucket(name="bucket", owner="", region="", created_at=NOW)


def stored(key: str) -> StoredObject:
    return StoredObject(bucket="bucket", key=key, size=0, etag="", blob=key, modified_at=NOW)


def expected(keys: Sequence[str], prefix: str, delimiter: str, after: str) -> list[str]:
    """The whole listing by S3's documentation: keys, and prefixes where they are rolled up."""
    found: list[str] = []
    for key in sorted(keys, key=str.encode):
        if key.startswith(prefix):
            entry = common_prefix(key, prefix, delimiter) or key
            if entry > after and not (entry != key and after.startswith(entry)):
                found.append(entry)
    return list(dict.fromkeys(found))


class RolledBackError(Exception):
    pass


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory):
    opened = Database(tmp_path_factory.mktemp("listing") / "flowmaker.db")
    yield opened
    opened.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    keys=st.sets(words.filter(bool), max_size=25),
    prefix=words,
    delimiter=st.sampled_from(["", "/", "b", "//"]),
    after=words,
    limit=st.integers(1, 12),
)
def test_pages_join_to_the_whole_listing(
    database: Database, keys: set[str], prefix: str, delimiter: str, after: str, limit: int
) -> None:
    def read_all(tx: Transaction) -> None:
        buckets.ensure(tx, BUCKET)
        for key in keys:
            entries.put(tx, stored(key))
        found: list[str] = []
        following = after
        while True:
            wanted = PageRequest(prefix=prefix, delimiter=delimiter, after=following, limit=limit)
            page = listing.page(tx, "bucket", wanted)
            names = [*(one.key for one in page.objects), *page.prefixes]
            assert len(names) <= limit
            found += sorted(names, key=str.encode)
            if not page.following:
                break
            following = page.following
        assert found == expected(list(keys), prefix, delimiter, after)
        raise RolledBackError

    with pytest.raises(RolledBackError):
        database.write_now(read_all)


class Counting:
    """A transaction that counts the rows it gives."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.rows = 0
        self.queries: list[Any] = []

    def execute(self, query: Any) -> Any:
        self.queries.append(query)
        result = self._tx.execute(query).freeze()
        self.rows += len(result.data)
        return result()


def fill(tx: Transaction) -> None:
    buckets.ensure(tx, BUCKET)
    for number in range(1000):
        entries.put(tx, stored(f"{number // 250}/{number}"))


def test_a_folder_of_many_is_leapt_over(tmp_path: Path) -> None:
    database = Database(tmp_path / "flowmaker.db")
    database.write_now(fill)

    def read(tx: Transaction) -> tuple[Page, int]:
        counting = Counting(tx)
        page = listing.page(cast("Transaction", counting), "bucket", PageRequest(delimiter="/"))
        return page, counting.rows

    page, rows = database.read_now(read)
    assert page.prefixes == ("0/", "1/", "2/", "3/")
    assert rows < 100
    database.close()


def test_a_page_midway_is_found_in_the_index_and_reads_no_more_than_itself(tmp_path: Path) -> None:
    """So it costs the same however many keys there are."""
    database = Database(tmp_path / "flowmaker.db")
    database.write_now(fill)

    def read(tx: Transaction) -> tuple[Page, int, list[str]]:
        counting = Counting(tx)
        wanted = PageRequest(prefix="2/", after="2/600", limit=20)
        page = listing.page(cast("Transaction", counting), "bucket", wanted)
        plans: list[str] = []
        for query in counting.queries:
            options = {"literal_binds": True}
            text = str(query.compile(dialect=sqlite.dialect(), compile_kwargs=options))
            plans += [
                row.detail for row in tx.execute(sqlalchemy.text(f"EXPLAIN QUERY PLAN {text}"))
            ]
        return page, counting.rows, plans

    page, rows, plans = database.read_now(read)
    assert [one.key for one in page.objects] == [f"2/{number}" for number in range(601, 621)]
    assert rows == 21
    assert plans
    for plan in plans:  # a plan that sorted would have a line for it
        assert plan == "SEARCH s3_objects USING PRIMARY KEY (bucket=? AND key>? AND key<?)"
    database.close()
