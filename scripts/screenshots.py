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
    "run-job": "runs/details/{demo}",
    "run-failed": "runs/details/{failed}",
    "run-new": "runs/new?clone={run}",
    "compare": "compare?runs={run},{other}",
    "experiments": "experiments",
    "pipelines": "pipelines",
    "pipeline": "pipelines/details/{pipeline}",
    "schedules": "recurringruns",
    "schedule": "recurringrun/details/{schedule}",
    "schedule-new": "recurringruns/new?pipeline={pipeline}&version={version}",
    "jobs": "jobs/training",
    "job": "jobs/training/{job}",
    "transform": "jobs/transform/{transform}",
    "processing": "jobs/processing/{processing}",
    "tuning": "tuning",
    "tuning-job": "tuning/{tuning}",
    "endpoints": "endpoints",
    "endpoint": "endpoints/{endpoint}",
    "models": "models",
    "model": "models/{model}",
    "artifacts": "artifacts",
    "artifact": "artifacts",
    "buckets": "buckets",
    "bucket": "buckets/{bucket}",
    "object": "buckets/{bucket}?key=results.json",
    "permissions": "permissions",
    "principal": "permissions",
    "cluster": "cluster",
}
#: What is clicked on a page before its picture is taken.
CLICKS = {
    "run": ("[data-task^=train]", "role=tab[name='outputs']"),
    "run-job": ("[data-task] >> text=/training/",),
    "run-failed": (".notice.bad a",),
    "artifact": ("[role=cell] a[href*=curves]",),
    "principal": ("main a[href*=analyst]",),
}


def main() -> None:
    from scripts.sample import failing, sample
    from scripts.sample_aws import denied, processed, tuned

    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, house(Path(folder)) as server:
        shoot(server, {"home-first": "home"}, {})
        subprocess.run([*FLOWMAKER, "demo", "--keep", "--data", folder], check=True)
        client = kfp.Client(host=server.url)
        filled = {
            "run": done(client, sample, "churn: deep trees", depth=6),
            "other": done(client, sample, "churn: shallow trees", depth=2),
            "failed": done(client, failing, "churn: with last week's rows"),
            **named(server),
            "demo": client.list_runs(sort_by="created_at asc").runs[0].run_id,
            **scheduled(client, sample),
        }
        filled["processing"] = processed(server, filled["job"])
        filled["tuning"] = tuned(server, filled["job"])
        denied(server, filled["bucket"])
        shoot(server, PAGES, filled)
    sys.stdout.write(f"{(1 + len(PAGES)) * len(THEMES)} pictures are in {IMAGES}\n")


def done(client: kfp.Client, pipeline: Any, name: str, **arguments: Any) -> str:
    made = client.create_run_from_pipeline_func(pipeline, arguments=arguments, run_name=name)
    client.wait_for_run_completion(made.run_id, 200)
    return made.run_id


def named(server: House) -> dict[str, str]:
    """What the demo made."""
    sagemaker = server.client("sagemaker")
    (job,) = sagemaker.list_training_jobs()["TrainingJobSummaries"]
    (endpoint,) = sagemaker.list_endpoints()["Endpoints"]
    (model,) = sagemaker.list_models()["Models"]
    (transform,) = sagemaker.list_transform_jobs()["TransformJobSummaries"]
    buckets = [one["Name"] for one in server.client("s3").list_buckets()["Buckets"]]
    return {
        "job": job["TrainingJobName"],
        "transform": transform["TransformJobName"],
        "endpoint": endpoint["EndpointName"],
        "model": model["ModelName"],
        "bucket": next(name for name in buckets if name.startswith("mnist")),
    }


def scheduled(client: kfp.Client, pipeline: Any) -> dict[str, str]:
    """The pipeline, uploaded, and run every night."""
    uploaded = client.upload_pipeline_from_pipeline_func(pipeline, "churn")
    (version,) = client.list_pipeline_versions(uploaded.pipeline_id).pipeline_versions
    schedule = client.create_recurring_run(
        client.get_experiment(experiment_name="Default").experiment_id,
        "churn, every night",
        cron_expression="0 0 3 * * *",
        pipeline_id=uploaded.pipeline_id,
        version_id=version.pipeline_version_id,
    )
    return {
        "pipeline": uploaded.pipeline_id,
        "version": version.pipeline_version_id,
        "schedule": schedule.recurring_run_id,
    }


def shoot(server: House, pages: dict[str, str], filled: dict[str, str]) -> None:
    with browser() as running:
        for theme in THEMES:
            with signed_in(running, server, theme) as page:
                for name, address in pages.items():
                    page.goto(f"{server.url}/#/{address.format(**filled)}")
                    page.locator("main h1").wait_for()
                    page.wait_for_load_state("networkidle")
                    for what in CLICKS.get(name, ()):
                        page.locator(what).first.click()
                    time.sleep(1)  # curves are drawn in the next frames
                    page.screenshot(path=IMAGES / f"{name}-{theme}.png")


if __name__ == "__main__":
    main()
