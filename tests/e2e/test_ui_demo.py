"""The demo, followed in a real browser from its start to a prediction."""

import subprocess
from pathlib import Path

import pytest

from tests.e2e.browser import browser, signed_in
from tests.house import FLOWMAKER, House, house

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def first_line(server: House, key: str) -> str:
    """Of a file in the demo's bucket."""
    s3 = server.client("s3")
    names = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    (bucket,) = (name for name in names if name.startswith("mnist-"))
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode().splitlines()[0]


def test_the_demo_is_followed_from_its_start_to_a_prediction(data: Path) -> None:
    with browser() as chrome, house(data) as server, signed_in(chrome, server) as page:
        page.goto(f"{server.url}/#/runs")
        with subprocess.Popen(
            [*FLOWMAKER, "demo", "--keep", "--data", str(data)], stdout=subprocess.DEVNULL
        ) as demo:
            # Nothing is read again by hand: it appears, runs and ends on the page.
            page.locator("a[href^='#/runs/details/']").first.click(timeout=120_000)
            page.locator("h1 .badge.s-running").wait_for()
            page.locator("h1 .badge.s-succeeded").wait_for(timeout=120_000)
            assert demo.wait() == 0
        page.goto(f"{server.url}/#/endpoints")
        page.locator("a[href^='#/endpoints/']").first.click()
        page.get_by_label("Body of the request").fill(first_line(server, "test/test.csv"))
        page.get_by_role("button", name="Invoke").click()
        answered = page.locator(".tryit pre").first
        answered.wait_for()
        # The batch transform of the demo has said the same.
        expected = first_line(server, "predictions/test.csv.out")
        assert float(answered.inner_text()) == float(expected)
