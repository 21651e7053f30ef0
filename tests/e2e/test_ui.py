"""The web interface in a real browser: a run followed live, a failure diagnosed, logs, themes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kfp
import pytest
from kfp import dsl

from tests.e2e.browser import browser, signed_in
from tests.e2e.care import NOTES, at_rest, wrong_with
from tests.house import House

pytestmark = pytest.mark.slow

FRAMES = 40
#: The graph by its background, a little further with each frame.
_DRAGGED = """async frames => {
  const box = document.querySelector('.flow'), at = box.getBoundingClientRect()
  const send = (to, type, x) => to.dispatchEvent(
    new PointerEvent(type, { clientX: at.left + x, clientY: at.top, bubbles: true }))
  send(box, 'pointerdown', 0)
  for (let frame = 1; frame <= frames; frame++) {
    await new Promise(requestAnimationFrame)
    send(window, 'pointermove', frame)
  }
  await new Promise(requestAnimationFrame)
  send(window, 'pointerup', frames)
}"""


@dsl.component(base_image="python:3.11")
def wait_for(path: str) -> None:
    import time
    from pathlib import Path

    print("waiting", flush=True)
    while not Path(path).exists():
        time.sleep(0.02)
    print("it is there")


@dsl.component(base_image="python:3.11")
def fail() -> None:
    raise ValueError("row 7 has no label")


@dsl.component(base_image="python:3.11")
def measure(metrics: dsl.Output[dsl.Metrics], page: dsl.Output[dsl.HTML]) -> None:
    metrics.log_metric("accuracy", 0.975)
    with open(page.path, "w") as file:
        file.write("<h1>Report</h1>")


@dsl.component(base_image="python:3.11")
def same(number: int) -> int:
    return number


@dsl.pipeline(name="gated")
def gated(path: str) -> None:
    gate = wait_for(path=path)
    measure().after(gate)


@dsl.pipeline(name="inner")
def inner() -> None:
    fail()


@dsl.pipeline(name="failing")
def failing() -> None:
    with dsl.ParallelFor([1, 2, 3]) as item:
        same(number=item)
    inner()


@dsl.pipeline(name="counting")
def counting(count: int = 1) -> None:
    same(number=count)


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def client(server: House) -> kfp.Client:
    return kfp.Client(host=server.url)


@pytest.fixture(scope="module")
def failed(client: kfp.Client) -> str:
    made = client.create_run_from_pipeline_func(failing, arguments={}, enable_caching=False)
    client.wait_for_run_completion(made.run_id, 100)
    return made.run_id


def shown(page: Any, text: str) -> None:
    page.get_by_text(text, exact=False).first.wait_for(timeout=20_000)


def test_a_run_is_followed_live_to_its_end(
    chrome: Any, server: House, client: kfp.Client, tmp_path: Path
) -> None:
    """Nothing is read again by hand: what the server does is on the page."""
    flag = tmp_path / "flag"
    folder = server.data / "envs" / flag.name  # tasks may read it
    made = client.create_run_from_pipeline_func(
        gated, arguments={"path": str(folder)}, run_name="followed", enable_caching=False
    )
    with signed_in(chrome, server) as page:
        page.goto(f"{server.url}/#/runs/details/{made.run_id}")
        page.get_by_role("button", name="wait-for, task, running").click()
        shown(page, "waiting")
        folder.touch()
        try:
            page.get_by_role("button", name="measure, task, succeeded").click(timeout=30_000)
            shown(page, "succeeded")
            page.get_by_role("tab", name="outputs").click()
            shown(page, "0.975")
            frame = page.frame_locator("iframe[title=HTML]")
            frame.get_by_role("heading", name="Report").wait_for(timeout=10_000)
        finally:
            folder.unlink()


def test_a_failure_is_two_clicks_from_the_table(chrome: Any, server: House, failed: str) -> None:
    with signed_in(chrome, server) as page:
        page.goto(f"{server.url}/#/runs?state=FAILED")
        page.locator(f"a[href='#/runs/details/{failed}']").click()
        shown(page, "Failed:")
        page.locator(".notice.bad a").first.click()
        assert "row 7 has no label" in page.locator(".failure").inner_text(timeout=10_000)
        page.locator(".log .err").first.wait_for()


def test_a_loop_is_folded_and_opens(chrome: Any, server: House, failed: str) -> None:
    with signed_in(chrome, server) as page:
        page.goto(f"{server.url}/#/runs/details/{failed}")
        loop = page.locator("[data-task^=for-loop]")
        assert "3 ✓" in loop.text_content()
        loop.focus()
        page.keyboard.press("Enter")
        page.locator(".tile").nth(2).wait_for()
        page.locator(".tile").first.click()
        page.locator("[data-task=same]").wait_for()


def test_a_graph_is_dragged_without_being_laid_out_anew(
    chrome: Any, server: House, failed: str
) -> None:
    """Each frame of a dragged graph costs only its move, however many tasks it has."""
    with signed_in(chrome, server) as page:
        page.goto(f"{server.url}/#/runs/details/{failed}")
        page.locator("[data-task]").first.wait_for()
        counters = page.context.new_cdp_session(page)
        counters.send("Performance.enable")

        def layouts() -> float:
            named = counters.send("Performance.getMetrics")["metrics"]
            return next(one["value"] for one in named if one["name"] == "LayoutCount")

        before, place = layouts(), page.locator(".sheet").get_attribute("style")
        page.evaluate(_DRAGGED, FRAMES)
        assert page.locator(".sheet").get_attribute("style") != place
        assert layouts() - before < FRAMES / 4


def test_a_run_is_stopped_and_retried(chrome: Any, server: House, client: kfp.Client) -> None:
    made = client.create_run_from_pipeline_func(
        gated, arguments={"path": "/nowhere"}, run_name="stopped", enable_caching=False
    )
    with signed_in(chrome, server) as page:
        page.goto(f"{server.url}/#/runs/details/{made.run_id}")
        page.get_by_role("button", name="wait-for, task, running").wait_for()
        page.get_by_role("button", name="Stop").click()
        page.locator("h1 .badge.s-cancelled", has_text="canceled").wait_for(timeout=20_000)
        page.get_by_role("button", name="Retry").click()
        page.get_by_role("button", name="wait-for, task, running").wait_for(timeout=20_000)
        page.get_by_role("button", name="Stop").click()
        page.locator("h1 .badge.s-cancelled", has_text="canceled").wait_for(timeout=20_000)


def test_what_a_dropped_connection_missed_is_made_up_for(
    chrome: Any, server: House, client: kfp.Client, tmp_path: Path
) -> None:
    gone = "ERR_INTERNET_DISCONNECTED"
    folder = server.data / "envs" / "flag-of-the-dropped"
    made = client.create_run_from_pipeline_func(
        gated, arguments={"path": str(folder)}, run_name="dropped", enable_caching=False
    )
    with signed_in(chrome, server, excused=gone) as page:
        page.goto(f"{server.url}/#/runs/details/{made.run_id}")
        page.get_by_role("button", name="wait-for, task, running").wait_for()
        page.evaluate("window.before = true")
        page.context.set_offline(True)
        page.evaluate("dispatchEvent(new Event('offline'))")
        folder.touch()
        client.wait_for_run_completion(made.run_id, 100)
        page.context.set_offline(False)
        page.locator("h1 .badge.s-succeeded").wait_for(timeout=30_000)
        assert page.evaluate("window.before")
    folder.unlink()


def test_the_table_is_searched_and_sorted_by_the_server(
    chrome: Any, server: House, failed: str
) -> None:
    with signed_in(chrome, server) as page:
        page.goto(f"{server.url}/#/runs")
        page.locator(f"a[href='#/runs/details/{failed}']").wait_for()
        page.get_by_label("Search runs by name").fill("no run has this name")
        shown(page, "No run is like that.")
        page.get_by_label("Search runs by name").fill("")
        page.get_by_role("button", name="Run", exact=False).first.click()
        page.locator("[role=columnheader][aria-sort=descending]").wait_for()


def test_dark_is_kept(chrome: Any, server: House) -> None:
    with signed_in(chrome, server, "dark") as page:
        page.goto(f"{server.url}/#/runs")
        assert page.locator("html").get_attribute("data-theme") == "dark"
        page.get_by_role("button", name="light").click()
        page.reload()
        assert page.locator("html").get_attribute("data-theme") == "light"


def test_who_has_not_signed_in_is_told_how(chrome: Any, server: House) -> None:
    context = chrome.new_context()
    page = context.new_page()
    page.goto(f"{server.url}/#/jobs")
    shown(page, "flowmaker open")
    context.close()


#: Every page that needs nothing but a server.
PAGES = ("home", "runs", "runs/new", "experiments", "pipelines", "recurringruns", "jobs", "tuning")
PAGES += ("endpoints", "models", "artifacts", "buckets", "permissions", "cluster")


def test_nothing_serious_is_wrong_with_any_page(chrome: Any, server: House) -> None:
    """With whatever the server has; `test_ui_care.py` has data on each page."""
    with signed_in(chrome, server) as page:
        page.add_init_script(NOTES)
        page.reload()
        for path in PAGES:
            page.goto(f"{server.url}/#/{path}")
            page.locator("main h1").wait_for()
            at_rest(page)
            assert not wrong_with(page), path


def test_a_run_is_made_again_with_other_parameters(
    chrome: Any, server: House, client: kfp.Client
) -> None:
    made = client.create_run_from_pipeline_func(
        counting, arguments={"count": 3}, run_name="counted", enable_caching=False
    )
    client.wait_for_run_completion(made.run_id, 100)
    with signed_in(chrome, server) as page:
        page.goto(f"{server.url}/#/runs/details/{made.run_id}")
        page.get_by_role("button", name="Clone").click()
        page.locator("#parameter-count").fill("three")
        page.get_by_role("button", name="Start the run").click()
        shown(page, "is no whole number")
        page.locator("#parameter-count").fill("4")
        page.get_by_role("button", name="Start the run").click()
        page.locator("h1 .badge.s-succeeded").wait_for(timeout=60_000)
        again = page.url.rpartition("/")[2]
        assert client.get_run(again).runtime_config.parameters == {"count": 4}
        page.goto(f"{server.url}/#/compare?runs={made.run_id},{again}")
        page.locator("tr.differs", has_text="count").wait_for()


def test_a_pipeline_is_uploaded_drawn_and_put_on_a_schedule(
    chrome: Any, server: House, client: kfp.Client, tmp_path: Path
) -> None:
    package = tmp_path / "uploaded-by-hand.yaml"
    kfp.compiler.Compiler().compile(counting, str(package))
    with signed_in(chrome, server) as page:
        page.goto(f"{server.url}/#/pipelines")
        page.locator("input[type=file]").set_input_files(package)
        page.locator("[data-task=same]").wait_for()
        page.get_by_role("link", name="Schedule", exact=True).click()
        page.locator("#parameter-count").wait_for()
        page.get_by_label("When").select_option("interval")
        page.get_by_label("Seconds between").fill("86400")
        page.get_by_role("button", name="Make the schedule").click()
        page.get_by_role("button", name="Turn off").click()
        page.get_by_role("button", name="Turn on").wait_for()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
        page.wait_for_url("**/#/recurringruns")
