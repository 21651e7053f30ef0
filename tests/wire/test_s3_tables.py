"""S3 as those see it who keep tables in it: pyarrow, and pandas by s3fs, and DuckDB's httpfs."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pytest
import uv
from pyarrow import dataset, fs, parquet

from tests.fakes.s3_server import KEY, S3, SECRET, s3_server

ROWS = 100_000


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        server.client.create_bucket(Bucket="tables")
        yield server


def run(s3: S3, packages: tuple[str, ...], program: str) -> list[str]:
    """The lines that a program prints where these packages are installed."""
    with_them = [word for package in packages for word in ("--with", package)]
    python = [uv.find_uv_bin(), "run", "--no-project", "--quiet", "--python", sys.executable]
    environment = {**os.environ, **s3.environment, "HOST": urlsplit(s3.url).netloc}

    def python_runs(text: str) -> subprocess.CompletedProcess[str]:
        command = [*python, *with_them, "python", "-W", "ignore", "-c", text]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    if (made := python_runs("")).returncode:
        pytest.skip(f"{', '.join(packages)} cannot be installed here: {made.stderr.strip()}")
    done = python_runs(program)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_pyarrow_writes_a_dataset_and_reads_a_part_of_it(s3: S3) -> None:
    files = fs.S3FileSystem(
        access_key=KEY,
        secret_key=SECRET,
        endpoint_override=urlsplit(s3.url).netloc,
        scheme="http",
        region="us-east-1",
    )
    table = pa.table({"n": range(ROWS), "half": [n % 2 for n in range(ROWS)]})
    parquet.write_to_dataset(table, "tables/arrow", partition_cols=["half"], filesystem=files)
    selected = files.get_file_info(fs.FileSelector("tables/arrow", recursive=True))
    assert {one.base_name for one in selected if not one.is_file} == {"half=0", "half=1"}
    read = dataset.dataset("tables/arrow", filesystem=files, partitioning="hive")
    assert read.count_rows() == ROWS
    found = read.to_table(filter=(dataset.field("half") == 1) & (dataset.field("n") < 10))
    assert sorted(found["n"].to_pylist()) == [1, 3, 5, 7, 9]
    with files.open_output_stream("tables/stream") as stream:
        stream.write(b"x" * (11 << 20))
    files.move("tables/stream", "tables/moved")
    assert files.get_file_info("tables/moved").size == 11 << 20
    files.delete_dir("tables/arrow")
    assert files.get_file_info("tables/arrow").type == fs.FileType.NotFound


@pytest.mark.slow
def test_pandas_and_s3fs(s3: S3) -> None:
    program = """
import json, pandas, s3fs
frame = pandas.DataFrame({"n": range(1000), "text": [f"row {n}" for n in range(1000)]})
frame.to_csv("s3://tables/pandas/frame.csv", index=False)
frame.to_parquet("s3://tables/pandas/frame.parquet")
assert pandas.read_csv("s3://tables/pandas/frame.csv").equals(frame)
column = pandas.read_parquet("s3://tables/pandas/frame.parquet", columns=["n"])["n"]
assert list(column) == list(range(1000))
files = s3fs.S3FileSystem()
with files.open("tables/pandas/large", "wb", block_size=5 << 20) as file:
    file.write(b"0123456789" * (1 << 20))
with files.open("tables/pandas/large", "rb") as file:
    file.seek(-5, 2)
    assert file.read() == b"56789"
files.cp("tables/pandas/large", "tables/pandas/copy")
files.invalidate_cache()
print(json.dumps(sorted(files.glob("tables/pandas/*"))))
files.rm("tables/pandas", recursive=True)
files.invalidate_cache()
print(json.dumps(files.exists("tables/pandas")))
"""
    listed, left = map(json.loads, run(s3, ("pandas", "pyarrow", "s3fs"), program))
    names = ("copy", "frame.csv", "frame.parquet", "large")
    assert listed == [f"tables/pandas/{name}" for name in names]
    assert left is False


@pytest.mark.slow
def test_duckdb(s3: S3, tmp_path: Path) -> None:
    program = f"""
import json, os, duckdb
import duckdb_extensions
duckdb_extensions.import_extension("httpfs")
connection = duckdb.connect()
connection.execute("LOAD httpfs")
connection.execute(f'''CREATE SECRET (TYPE s3, KEY_ID '{KEY}', SECRET '{SECRET}',
    REGION 'us-east-1', ENDPOINT '{{os.environ["HOST"]}}', URL_STYLE 'path', USE_SSL false)''')
connection.execute("COPY (SELECT range AS n FROM range({ROWS})) TO 's3://tables/duck/a.parquet'")
query = "SELECT count(*), sum(n) FROM read_parquet('s3://tables/duck/*.parquet')"
print(json.dumps(connection.execute(query).fetchone(), default=int))
"""
    packages = ("duckdb==1.5.5", "duckdb-extension-httpfs==1.5.5", "duckdb-extensions==1.5.5")
    (found,) = run(s3, packages, program)
    assert json.loads(found) == [ROWS, ROWS * (ROWS - 1) // 2]
