"""Every page of the web interface with data on it, in both themes, for whoever looks or types."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.browser import browser, signed_in
from tests.e2e.care import NOTES, at_rest, wrong_with
from tests.e2e.furnished import NAME, furnished
from tests.house import House

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

#: The address of each page, and what is on it once its data is.
PAGES = (
    ("home", f"text={NAME}"),
    ("runs", "[role=cell] a[href='#/runs/details/{run}']"),
    ("runs?metric=quality>0.1&cols=m:quality,p:eta", "[role=cell] a[href='#/runs/details/{run}']"),
    ("runs/details/{run}", "[data-task=assess]"),
    ("runs/details/{run}?task={task}", ".log pre div"),
    ("runs/details/{failed}", ".notice.bad a"),
    ("runs/new?clone={run}", "#parameter-eta"),
    ("experiments", "text=With one of everything."),
    ("experiments/details/{experiment}", "[role=cell] a[href='#/runs/details/{run}']"),
    ("compare?runs={run},{other}", "tr.differs"),
    ("pipelines", "[role=cell] a[href='#/pipelines/details/{pipeline}']"),
    ("pipelines/details/{pipeline}", "[data-task=assess]"),
    ("recurringruns", "[role=cell] a[href='#/recurringrun/details/{schedule}']"),
    ("recurringruns/new?pipeline={pipeline}&version={version}", "#parameter-eta"),
    ("recurringrun/details/{schedule}", "text=Turn off"),
    ("jobs", "[role=cell] a[href='#/jobs/training/{trial}']"),
    ("jobs/training/{trial}", "table.metrics >> text=validation:logloss"),
    (f"jobs/training/{NAME}", ".chart .u-label[role=button]"),
    ("jobs/processing", f"[role=cell] a[href='#/jobs/processing/{NAME}']"),
    (f"jobs/processing/{NAME}", ".log >> text=processed"),
    ("jobs/transform", f"[role=cell] a[href='#/jobs/transform/{NAME}']"),
    (f"jobs/transform/{NAME}", f"text=s3://{NAME}/transformed"),
    ("tuning", f"[role=cell] a[href='#/tuning/{NAME}']"),
    (f"tuning/{NAME}", ".chart canvas"),
    ("endpoints", f"[role=cell] a[href='#/endpoints/{NAME}']"),
    (f"endpoints/{NAME}", ".chart .u-label[role=button]"),
    ("models", f"[role=cell] a[href='#/models/{NAME}']"),
    (f"models/{NAME}", "text=COLOUR"),
    (f"models/groups/{NAME}", "select"),
    ("artifacts", "[role=cell] a[href^='#/artifacts?uri']"),
    ("buckets", f"[role=cell] a[href='#/buckets/{NAME}']"),
    (f"buckets/{NAME}", "[role=cell] >> text=told/"),
    (f"buckets/{NAME}?prefix=told/&key=told/named.csv", ".preview td >> text=Ada"),
    (f"buckets/{NAME}?prefix=told/&key=told/answer.json", ".preview >> text=42"),
    (f"buckets/{NAME}?prefix=told/&key=told/table", ".preview td >> text=Ada"),
    (f"buckets/{NAME}?prefix=told/&key=told/numbers.bin", "text=It is no text"),
    ("permissions?principal={user}", "text=Policies of furnished"),
    ("permissions", "[aria-label='Denied lately'] >> text=s3:DeleteObject"),
    ("cluster", f"table a[href='#/endpoints/{NAME}']"),
    ("nowhere", "text=There is no page"),
)


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def made(
    chrome: Any, server: House, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    del chrome  # where there is none, nothing has to be made
    with furnished(server, tmp_path_factory.mktemp("packages")) as names:
        yield names


def test_every_page_can_be_used_by_everybody(
    chrome: Any, server: House, made: dict[str, str]
) -> None:
    """Axe finds nothing serious, Tab reaches everything, and nothing is printed as an error."""
    wrong: dict[str, list[str]] = {}
    with signed_in(chrome, server) as page:
        page.add_init_script(NOTES)
        page.reload()
        for address, sign in PAGES:
            page.goto(f"{server.url}/#/{address.format(**made)}")
            page.locator("main h1").wait_for()
            page.locator(sign.format(**made)).first.wait_for()
            at_rest(page)
            if found := wrong_with(page):
                wrong[address] = found
    assert wrong == {}


def test_a_curve_is_hidden_by_the_keyboard(
    chrome: Any, server: House, made: dict[str, str]
) -> None:
    del made
    with signed_in(chrome, server) as page:
        page.goto(f"{server.url}/#/jobs/training/{NAME}")
        name = page.get_by_role("button", name="valid:loss")
        for key, shown in (("Enter", "false"), ("Space", "true")):
            name.press(key)
            assert name.get_attribute("aria-pressed") == shown
            assert page.locator(".u-series.u-off").count() == (shown == "false")
