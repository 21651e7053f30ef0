"""Placeholders through the real kfp.Client: what each stands for in a command that really ran."""

# Components import what they need and open files, as users' do.
# ruff: noqa: RUF013

import json
import re
from typing import Any

import pytest
from kfp import dsl
from kfp.dsl import Dataset, Input, Model, Output

from tests.fakes.kfp_batch import Batch, Submitted
from tests.house import House

BATCH = Batch()

#: Prints its arguments.
SHOW = ["python3", "-c", "import json, sys; print('RESULT ' + json.dumps(sys.argv[1:]))"]
#: The same, and writes "text" to the file that its first argument names.
WRITE = [
    "python3",
    "-c",
    (
        "import json, sys; print('RESULT ' + json.dumps(sys.argv[1:]));"
        "print('text', end='', file=open(sys.argv[1], 'w'))"
    ),
]


@dsl.component(base_image="python:3.11")
def say(values: list):
    import json

    print("RESULT " + json.dumps(values))


@dsl.component(base_image="python:3.11")
def write(data: Output[Dataset]):
    with open(data.path, "w") as file:
        file.write("written")
    data.metadata["rows"] = 7
    data.metadata["who"] = "me"


@dsl.container_component
def of_artifacts(data: Input[Dataset], model: Output[Model], count: dsl.OutputPath(int)):  # type: ignore[valid-type]
    return dsl.ContainerSpec(
        image="python:3.11",
        command=WRITE,
        args=[
            model.path,
            model.uri,
            data.path,
            data.uri,
            "{{$.inputs.artifacts['data'].name}}",
            "{{$.inputs.artifacts['data'].metadata}}",
            data.metadata["rows"],
            data.metadata["who"],
            count,
        ],
    )


def _count(spec: dict[str, Any]) -> None:
    container = spec["deploymentSpec"]["executors"]["exec-of-artifacts"]["container"]
    container["command"][2] += ";print(7, file=open(sys.argv[9], 'w'))"


@BATCH.add(_count)
@dsl.pipeline(name="of-artifacts")
def artifacts():
    made = of_artifacts(data=write().output)
    say(values=[made.outputs["count"]]).set_display_name("count")


@dsl.container_component
def of_everything(a: int, given: str = None):  # type: ignore[assignment]
    return dsl.ContainerSpec(image="python:3.11", command=SHOW, args=["{{$}}"])


@BATCH.add()
@dsl.pipeline(name="executor-input")
def executor_input():
    of_everything(a=1)


JOB = {
    "job name": dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
    "resource name": dsl.PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER,
    "job id": dsl.PIPELINE_JOB_ID_PLACEHOLDER,
    "task name": dsl.PIPELINE_TASK_NAME_PLACEHOLDER,
    "task id": dsl.PIPELINE_TASK_ID_PLACEHOLDER,
    "created": dsl.PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER,
    "scheduled": dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER,
    "root": dsl.PIPELINE_ROOT_PLACEHOLDER,
}


@dsl.container_component
def of_the_job():
    return dsl.ContainerSpec(image="python:3.11", command=SHOW, args=list(JOB.values()))


@dsl.container_component
def show(text: str):
    return dsl.ContainerSpec(image="python:3.11", command=SHOW, args=[text])


@dsl.container_component
def show_env():
    return dsl.ContainerSpec(
        image="python:3.11",
        command=["sh", "-c", 'printf "RESULT \\"%s, %s\\"\\n" "$JOB" "$BOTH"'],
    )


@BATCH.with_options({"run_name": "a run of mine"})
@dsl.pipeline(name="of-the-job")
def of_job():
    of_the_job().set_display_name("in a command")
    for name, placeholder in JOB.items():
        show(text=f"<{placeholder}>").set_display_name(name)
    task = show_env().set_display_name("in the environment")
    task.set_env_variable("JOB", dsl.PIPELINE_JOB_NAME_PLACEHOLDER)
    task.set_env_variable("BOTH", "$(JOB) and $(NOT_THERE)")


@dsl.container_component
def show_more(text: str):
    words = [text, "$(GIVEN)", "<$(GIVEN)|$(KFP_RUN_ID)>", "$$(GIVEN) $(date) $$ $(ABSENT) $()"]
    return dsl.ContainerSpec(image="python:3.11", command=SHOW, args=words)


@BATCH.add()
@dsl.pipeline(name="variables-in-a-command")
def variables():
    show_more(text="$(GIVEN)").set_env_variable("GIVEN", "a value").set_env_variable(
        "ANOTHER", "$$(GIVEN)"
    )


@dsl.container_component
def optional(name: str, a: str = None, b: str = None, data: Input[Dataset] = None):  # type: ignore[assignment]
    return dsl.ContainerSpec(
        image="python:3.11",
        command=SHOW,
        args=[
            dsl.ConcatPlaceholder(["--name=", name, "/", dsl.ConcatPlaceholder([name, "!"])]),
            dsl.IfPresentPlaceholder("a", then=["--a", a], else_=["--no-a"]),
            dsl.IfPresentPlaceholder("b", then=["--b", b]),
            dsl.IfPresentPlaceholder(
                "a",
                then=dsl.ConcatPlaceholder(["a=", a, dsl.IfPresentPlaceholder("b", then=b)]),
                else_="nothing",
            ),
            dsl.IfPresentPlaceholder("data", then=["--data", data.uri], else_=["--no-data"]),
        ],
    )


@BATCH.add()
@dsl.pipeline(name="concat-and-ifpresent")
def structures(absent: str = None):  # type: ignore[assignment]
    optional(name="x", a=absent).set_display_name("none")
    optional(name="x", a="1").set_display_name("one")
    both = optional(name="{{$.inputs.parameters['a']}}", a="1", b="2", data=write().output)
    both.set_display_name("all")


@BATCH.add()
@dsl.pipeline(name="not-a-placeholder")
def plain():
    show(text='{"Concat": ["is", "data"], "no": "structure"} {{x}} {{}}')


@pytest.fixture(scope="module")
def ran(server: House, tmp_path_factory: pytest.TempPathFactory) -> Submitted:
    return BATCH.submitted(server, tmp_path_factory.mktemp("packages"))


def test_artifacts_in_a_command(ran: Submitted) -> None:
    run = ran(artifacts)
    assert run.error == ""
    (path, uri, data_path, data_uri, name, metadata, rows, who, _) = run.result("of-artifacts")
    root = f"s3://mlpipeline/v2/artifacts/of-artifacts/{run.id}/"
    assert re.fullmatch(f"{root}of-artifacts/[0-9a-f-]{{36}}/model", uri)
    assert path.endswith(uri.replace("s3://", "/s3/"))
    assert re.fullmatch(f"{root}write/[0-9a-f-]{{36}}/data", data_uri)
    assert data_path.endswith(data_uri.replace("s3://", "/s3/"))
    assert name == "data"
    assert json.loads(metadata) == {"rows": 7, "who": "me"}
    assert [rows, who] == ["7", "me"]
    assert run.result("count") == ["7"]  # as text: it was put into a constant


def test_the_executor_input(ran: Submitted) -> None:
    run = ran(executor_input)
    assert run.error == ""
    (text,) = run.result("of-everything")
    given = json.loads(text)
    assert given["inputs"] == {"parameterValues": {"a": 1}}
    assert given["outputs"]["outputFile"].endswith("/executor_output.json")


def test_the_job_and_its_times(ran: Submitted) -> None:
    run = ran(of_job)
    assert run.error == ""
    values = dict(zip(JOB, run.result("in a command"), strict=True))
    (task_id,) = [each.task_id for each in run.tasks if each.display_name == "in a command"]
    assert values["job name"] == "a run of mine"
    assert values["job id"] == run.id
    assert values["resource name"] == f"of-the-job-{run.id[:5]}"
    assert values["task name"] == "of-the-job"
    assert values["task id"] == task_id
    assert values["created"] == run.run.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert values["scheduled"] == values["created"]
    assert values["root"] == f"s3://mlpipeline/v2/artifacts/of-the-job/{run.id}"
    for name in JOB.keys() - {"task name", "task id"}:
        assert run.result(name) == [f"<{values[name]}>"]
    assert re.fullmatch(r"<show(-\d)?>", run.result("task name")[0])
    assert run.result("in the environment") == "a run of mine, a run of mine and $(NOT_THERE)"


def test_a_command_may_name_variables_as_on_kubernetes(ran: Submitted) -> None:
    run = ran(variables)
    assert run.error == ""
    assert run.result("show-more") == [
        "a value",
        "a value",
        f"<a value|{run.id}>",
        "$(GIVEN) $(date) $$ $(ABSENT) $()",
    ]


def test_concat_and_ifpresent(ran: Submitted) -> None:
    run = ran(structures)
    assert run.error == ""
    assert run.result("none") == ["--name=x/x!", "--no-a", "nothing", "--no-data"]
    assert run.result("one") == ["--name=x/x!", "--a", "1", "a=1", "--no-data"]
    (name, *rest, uri) = run.result("all")
    assert name == "--name=1/1!"
    assert rest == ["--a", "1", "--b", "2", "a=12", "--data"]
    assert uri.startswith("s3://mlpipeline/")


def test_text_that_is_no_placeholder_stays(ran: Submitted) -> None:
    run = ran(plain)
    assert run.result("show") == ['{"Concat": ["is", "data"], "no": "structure"} {{x}} {{}}']
