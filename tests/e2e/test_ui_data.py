"""The web interface in a real browser, with data: buckets, metrics of runs, what artifacts hold."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kfp
import pytest
from botocore.exceptions import ClientError
from kfp import dsl

from tests.e2e.browser import browser, signed_in
from tests.house import House

pytestmark = pytest.mark.slow

BUCKET = "ui-buckets"

#: Drops a file, as a person does from another window.
DROP = """([selector, name, text]) => {
  const data = new DataTransfer()
  data.items.add(new File([text], name, { type: 'text/csv' }))
  for (const kind of ['dragover', 'drop'])
    document.querySelector(selector).dispatchEvent(
      new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }))
}"""


@dsl.component(base_image="python:3.11")
def assess(
    eta: float,
    metrics: dsl.Output[dsl.Metrics],
    report: dsl.Output[dsl.Markdown],
    rows: dsl.Output[dsl.Dataset],
) -> None:
    metrics.log_metric("fitness", 1 - eta)
    with open(report.path, "w") as file:
        file.write("# Findings\n\n| eta |\n|---|\n| x |\n\n<script>window.top.evil = 1</script>\n")
    with open(rows.path, "w") as file:
        file.write("colour,size\nred,17\n")


@dsl.pipeline(name="assessing")
def assessing(eta: float = 0.1) -> None:
    assess(eta=eta)


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def assessed(server: House) -> dict[str, str]:
    """Runs by their names."""
    client = kfp.Client(host=server.url)
    made: dict[str, str] = {}
    for name, eta in (("fit", 0.05), ("unfit", 0.75)):
        run = client.create_run_from_pipeline_func(
            assessing, arguments={"eta": eta}, run_name=name, enable_caching=False
        )
        client.wait_for_run_completion(run.run_id, 100)
        made[name] = run.run_id
    return made


def test_files_are_uploaded_dropped_looked_into_and_deleted(
    chrome: Any, server: House, tmp_path: Path
) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    file = tmp_path / "chosen.json"
    file.write_text(json.dumps({"answer": [42]}))
    with signed_in(chrome, server) as page:
        page.goto(f"{server.url}/#/buckets/{BUCKET}?prefix=in/")
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_role("link", name="chosen.json").click()
        page.locator(".preview", has_text="42").wait_for()
        page.evaluate(DROP, [".browser", "dropped.csv", "name,age\nAda,36\n"])
        page.get_by_role("link", name="dropped.csv").click()
        page.get_by_role("cell", name="Ada").wait_for()
        stored = s3.get_object(Bucket=BUCKET, Key="in/dropped.csv")
        assert (stored["ContentType"], stored["Body"].read()) == ("text/csv", b"name,age\nAda,36\n")
        for name in ("dropped.csv", "chosen.json"):
            page.get_by_role("link", name=name).click()
            page.locator(".panel h2", has_text=name).wait_for()
            page.get_by_role("button", name="Delete", exact=True).click()
            page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
            page.get_by_role("link", name=name).wait_for(state="detached")
        assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)
        page.goto(f"{server.url}/#/buckets/{BUCKET}")
        page.get_by_role("button", name="Delete bucket").click()
        page.get_by_role("alertdialog").get_by_role("button", name="Delete bucket").click()
        page.wait_for_url("**/#/buckets")
    with pytest.raises(ClientError, match="404"):
        s3.head_bucket(Bucket=BUCKET)


def test_runs_are_found_by_metric_and_have_the_columns_that_are_chosen(
    chrome: Any, server: House, assessed: dict[str, str]
) -> None:
    with signed_in(chrome, server) as page:
        page.goto(f"{server.url}/#/runs")
        page.get_by_label("Search runs by metric").fill("fitness >")
        page.get_by_text("is none yet").wait_for()
        page.get_by_label("Search runs by metric").fill("fitness > 0.9")
        page.locator("h1 .count", has_text="1").wait_for()
        page.locator(f"a[href='#/runs/details/{assessed['fit']}']").wait_for()
        page.get_by_label("Search runs by metric").fill("fitness > 0.1, fitness < 0.9")
        page.locator(f"a[href='#/runs/details/{assessed['unfit']}']").wait_for()
        page.locator("summary", has_text="Columns").click()
        page.get_by_role("checkbox", name="fitness").check()
        page.get_by_role("checkbox", name="eta").check()
        page.get_by_role("cell", name="0.25").wait_for()
        page.get_by_role("cell", name="0.75").wait_for()
        page.goto(f"{server.url}/#/runs?q=unfit")  # the next visit has them, too
        page.get_by_role("columnheader", name="fitness").wait_for()


def test_artifacts_are_shown_as_what_they_are(
    chrome: Any, server: House, assessed: dict[str, str]
) -> None:
    with signed_in(chrome, server) as page:
        page.goto(f"{server.url}/#/runs/details/{assessed['fit']}")
        page.locator("[data-task=assess]").click()
        page.get_by_role("tab", name="outputs").click()
        page.get_by_role("columnheader", name="colour").wait_for()
        frame = page.frame_locator("iframe[title=Markdown]")
        frame.get_by_role("heading", name="Findings").wait_for()
        frame.get_by_text("window.top.evil").wait_for()  # as it is written
        assert page.evaluate("window.evil") is None
