"""The web interface in a real Chromium: how soon a run can be read, how smoothly it moves.

`python -m bench.ui`. Seconds are from the address to the last box on the screen, in a browser with
an empty cache; frames are counted while the graph is dragged; a change counts from the server's
own record of it to the frame that shows it.
"""

import contextlib
import json
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from kfp import dsl
from playwright.sync_api import Browser

from bench import pipelines, shapes
from bench.server import server
from tests.e2e.browser import browser, signed_in
from tests.house import House

ROUNDS = 3
TABS = 8
TICKS = 40
LINES = 1_000_000
ITERATIONS = 5_000

#: Frames in a second of dragging, by the page's own clock.
DRAG = """async () => {
  const box = document.querySelector('.flow'), at = box.getBoundingClientRect()
  const send = (type, x) => (type === 'pointerdown' ? box : window).dispatchEvent(
    new PointerEvent(type, { clientX: at.left + x, clientY: at.top + 100, bubbles: true }))
  send('pointerdown', 100)
  const begin = performance.now()
  let frames = 0
  while (performance.now() - begin < 2000) {
    await new Promise(requestAnimationFrame)
    send('pointermove', 100 + 80 * Math.sin(frames++ / 10))
  }
  send('pointerup', 100)
  return frames / ((performance.now() - begin) / 1000)
}"""


@dsl.component(base_image="python:3.11")
def tick(seconds: float) -> None:
    import time

    time.sleep(seconds)


@dsl.component(base_image="python:3.11")
def print_lines(count: int) -> None:
    import sys

    for line in range(count):
        sys.stdout.write(f"line {line} of what was printed\n")


@dsl.pipeline(name="ticking")
def ticking() -> None:
    before = tick(seconds=0.7)
    for _ in range(TICKS - 1):
        before = tick(seconds=0.7).after(before)


@dsl.pipeline(name="talkative")
def talkative() -> None:
    print_lines(count=LINES)


def layered(layers: int, width: int) -> Callable[..., Any]:
    """Layers of tasks, each of which waits for two of the layer before."""

    @dsl.pipeline(name=f"layered-{layers * width}")
    def pipeline() -> None:
        before: list[Any] = []
        for layer in range(layers):
            tasks = [shapes.step(number=layer * width + at) for at in range(width)]
            for at, task in enumerate(tasks if before else ()):
                task.after(before[at], before[(at + 1) % width])
            before = tasks

    return pipeline


#: When each of the tasks is seen to have succeeded, in ms since 1970.
WATCH = """names => new Promise(resolve => {
  const seen = {}
  const look = () => {
    for (const name of names) {
      const box = document.querySelector(`[data-task="${name}"].s-succeeded`)
      if (box && !seen[name]) seen[name] = Date.now()
    }
    if (Object.keys(seen).length === names.length) resolve(seen)
    else requestAnimationFrame(look)
  }
  look()
})"""


def main() -> None:
    with server() as measured, tempfile.TemporaryDirectory() as folder, browser() as chrome:
        runs = pipelines.Runs(measured, Path(folder))
        house = House(measured.data, measured.environment)
        for layers, width in ((15, 20), (50, 20)):
            runs.seconds(layered(layers, width))
            run = _newest(house)
            cold = statistics.median(
                _seconds(chrome, house, run, layers * width) for _ in range(ROUNDS)
            )
            frames = _frames(chrome, house, run)
            print(
                f"{layers * width} nodes: on the screen after {cold:.1f} s with an empty cache, "
                f"dragged at {frames:.0f} frames a second"
            )
        _report_loop(chrome, house, runs)
        _report_changes(chrome, house, runs)
        _report_lines(chrome, house, runs)


def _asked(house: House, path: str) -> Any:  # noqa: ANN401 - JSON
    with urllib.request.urlopen(house.url + path) as answer:
        return json.load(answer)


def _newest(house: House) -> str:
    path = "/apis/v2beta1/runs?page_size=1&sort_by=created_at%20desc"
    return _asked(house, path)["runs"][0]["run_id"]


def _seconds(chrome: Browser, house: House, run: str, nodes: int) -> float:
    with signed_in(chrome, house) as page:
        page.goto("about:blank")
        begin = time.perf_counter()
        page.goto(f"{house.url}/#/runs/details/{run}")
        page.locator("[data-task]").nth(nodes - 1).wait_for()
        return time.perf_counter() - begin


def _frames(chrome: Browser, house: House, run: str) -> float:
    with signed_in(chrome, house) as page:
        page.goto(f"{house.url}/#/runs/details/{run}")
        page.locator("[data-task]").first.wait_for()
        return page.evaluate(DRAG)


def _report_loop(chrome: Browser, house: House, runs: pipelines.Runs) -> None:
    """Folded, and then opened."""
    runs.seconds(shapes.loop(ITERATIONS))
    run = _newest(house)
    cold = statistics.median(_seconds(chrome, house, run, 1) for _ in range(ROUNDS))
    with signed_in(chrome, house) as page:
        page.goto(f"{house.url}/#/runs/details/{run}")
        loop = page.locator("[data-task]").first
        loop.wait_for()
        begin = time.perf_counter()
        loop.dblclick()
        page.locator(".iterations .tile").first.wait_for()
        opened = time.perf_counter() - begin
        tiles = page.locator(".iterations .tile").count()
    print(
        f"a loop of {ITERATIONS:,} tasks: on the screen, folded, after {cold:.1f} s with an empty "
        f"cache; opened after {opened:.1f} s, with {tiles} of its iterations"
    )


def _report_changes(chrome: Browser, house: House, runs: pipelines.Runs) -> None:
    """In the last of several tabs, which all follow the same run."""
    package = shapes.compile_into(runs.folder, ticking)
    run = runs.client.create_run_from_pipeline_package(str(package), enable_caching=False).run_id
    names = ["tick", *(f"tick-{n}" for n in range(2, TICKS + 1))]
    with contextlib.ExitStack() as tabs:
        for _ in range(TABS):
            page = tabs.enter_context(signed_in(chrome, house))
            page.goto(f"{house.url}/#/runs/details/{run}")
        begun = 1000 * time.time()
        seen = page.evaluate(WATCH, names[1:])
    ended = {
        box["id"]: datetime.fromisoformat(box["ended_at"]).timestamp() * 1000
        for box in _asked(house, f"/ui/runs/{run}/graph")["nodes"]
    }
    late = [seen[name] - ended[name] for name in seen if ended[name] > begun]
    print(
        f"a change is on the screen {statistics.median(late):.0f} ms after it (median of "
        f"{len(late)}, at most {max(late):.0f}), in {TABS} tabs"
    )


def _report_lines(chrome: Browser, house: House, runs: pipelines.Runs) -> None:
    runs.seconds(talkative)
    run = _newest(house)
    with signed_in(chrome, house) as page:
        page.goto(f"{house.url}/#/runs/details/{run}")
        page.locator("[data-task]").click()
        page.get_by_text(f"line {LINES - 1} of").wait_for()
        heap = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
        drawn = page.locator(".log pre div").count()
    print(f"a log of {LINES:,} lines: {heap:.0f} MB of script memory, {drawn} lines drawn")


if __name__ == "__main__":
    main()
