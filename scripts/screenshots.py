"""`make screenshots`: every page of the web interface with the demo's data, light and dark.

It starts a server of its own, runs `flowmaker demo` and a pipeline of every kind of step on it, and
writes docs/images/PAGE-THEME.png.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import kfp

from tests.e2e.browser import browser, signed_in
from tests.house import FLOWMAKER, House, house

IMAGES = Path(__file__).parents[1] / "docs" / "images"
THEMES = ("light", "dark")
#: The address of each page; `{…}` is filled in from what the server has.
PAGES = {
    "home": "home",
    "runs": "runs",
    "run": "runs/details/{run}",
    "run-failed": "runs/details/{failed}",
    "run-new": "runs/new?clone={run}",
    "compare": "compare?runs={run},{other}",
    "experiments": "experiments",
    "pipelines": "pipelines",
    "schedules": "recurringruns",
    "jobs": "jobs/training",
    "job": "jobs/training/{job}",
    "tuning": "tuning",
    "endpoints": "endpoints",
    "endpoint": "endpoints/{endpoint}",
    "models": "models",
    "artifacts": "artifacts",
    "buckets": "buckets",
    "permissions": "permissions",
    "cluster": "cluster",
}


def main() -> None:
    from scripts.sample import failing, sample

    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, house(Path(folder)) as server:
        subprocess.run([*FLOWMAKER, "demo", "--keep", "--data", folder], check=True)
        client = kfp.Client(host=server.url)
        filled = {
            "run": done(client, sample, "churn: deep trees", depth=6),
            "other": done(client, sample, "churn: shallow trees", depth=2),
            "failed": done(client, failing, "churn: with last week's rows"),
            **named(server),
        }
        shoot(server, filled)
    sys.stdout.write(f"{len(PAGES) * len(THEMES)} pictures are in {IMAGES}\n")


def done(client: kfp.Client, pipeline: Any, name: str, **arguments: Any) -> str:
    made = client.create_run_from_pipeline_func(pipeline, arguments=arguments, run_name=name)
    client.wait_for_run_completion(made.run_id, 200)
    return made.run_id


def named(server: House) -> dict[str, str]:
    """The newest training job and endpoint, which the demo made."""
    sagemaker = server.client("sagemaker")
    jobs = sagemaker.list_training_jobs(SortBy="CreationTime", SortOrder="Descending")
    return {
        "job": jobs["TrainingJobSummaries"][0]["TrainingJobName"],
        "endpoint": sagemaker.list_endpoints()["Endpoints"][0]["EndpointName"],
    }


def shoot(server: House, filled: dict[str, str]) -> None:
    with browser() as running:
        for theme in THEMES:
            with signed_in(running, server, theme) as page:
                for name, address in PAGES.items():
                    page.goto(f"{server.url}/#/{address.format(**filled)}")
                    page.locator("main h1").wait_for()
                    page.wait_for_load_state("networkidle")
                    if name == "run-failed":
                        page.locator(".notice.bad a").first.click()
                    if name == "run":
                        page.locator("[data-task^=train]").first.click()
                        page.get_by_role("tab", name="outputs").click()
                    time.sleep(1)  # curves are drawn in the next frames
                    page.screenshot(path=IMAGES / f"{name}-{theme}.png")


if __name__ == "__main__":
    main()
