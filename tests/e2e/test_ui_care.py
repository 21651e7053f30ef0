"""Every page of the web interface with data on it, in both themes, for whoever looks or types."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.browser import browser, signed_in
from tests.e2e.care import NOTES, at_rest, wrong_with
from tests.e2e.furnished import NAME, REFUSED, furnished
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
    ("recurringrun/details/{schedule}", ".values a[href*='{pipeline}']"),
    ("jobs", "[role=cell] a[href='#/jobs/training/{trial}']"),
    ("jobs/training/{trial}", "table.metrics >> text=validation:logloss"),
    (f"jobs/training/{NAME}", ".chart .u-label[role=button]"),
    ("jobs/processing", f"[role=cell] a[href='#/jobs/processing/{NAME}']"),
    (f"jobs/processing/{NAME}", ".log >> text=processed"),
    (f"jobs/processing/{REFUSED}", "[aria-label='Exit message']"),
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


@pytest.mark.parametrize(
    ("job", "place", "sign"),
    [
        ("transform", f"s3://{NAME}/train", "[role=cell] >> text=data.csv"),
        ("processing", f"s3://{NAME}/train", "[role=cell] >> text=data.csv"),
        ("processing", f"s3://{NAME}/told/note.txt", ".preview >> text=read me"),
    ],
)
def test_what_a_job_reads_is_one_click_away(
    chrome: Any, server: House, made: dict[str, str], job: str, place: str, sign: str
) -> None:
    """A prefix that is a folder opens it, one that is an object shows it."""
    del made
    with signed_in(chrome, server) as page:
        page.goto(f"{server.url}/#/jobs/{job}/{NAME}")
        page.get_by_role("link", name=place, exact=True).click()
        page.locator(sign).first.wait_for()
        page.go_back()  # not to the page that only knew the prefix
        page.get_by_role("heading", name="Inputs and outputs").wait_for()


def test_a_transform_job_says_what_it_does_and_no_more(
    chrome: Any, server: House, made: dict[str, str]
) -> None:
    del made
    with signed_in(chrome, server) as page:
        page.goto(f"{server.url}/#/jobs/transform/{NAME}")
        ends = page.locator("section", has=page.get_by_role("heading", name="Inputs and outputs"))
        told = ends.inner_text()
        assert "text/csv · split by line" in told
        assert "$[1:]" in told
        assert "assembled by line" in told
        assert "joined" not in told
        ends.get_by_role("link", name=NAME, exact=True).click()
        page.get_by_text("COLOUR").wait_for()


def test_a_processing_job_shows_its_command_and_why_it_failed(
    chrome: Any, server: House, made: dict[str, str]
) -> None:
    del made
    with signed_in(chrome, server) as page:
        page.goto(f"{server.url}/#/jobs/processing/{REFUSED}")
        page.get_by_label("Exit message").get_by_text("row 7 has no label").wait_for()
        assert page.get_by_role("alert").inner_text()
        assert page.locator(".history strong").all_inner_texts()[-1] == "Failed"
        command = page.get_by_label("command", exact=True).inner_text()
        assert command.startswith("python -c 'open(")
        assert command.endswith("SystemExit(3)' --year 2026")
