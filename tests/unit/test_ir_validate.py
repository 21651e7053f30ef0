"""Pipelines are checked, to the last reference, before a run is made of them."""

import copy
from typing import Any

import pytest

from flowmaker.errors import InvalidInput, Unsupported
from flowmaker.pipelines.ir.validate import validate

PIPELINE: dict[str, Any] = {
    "pipelineInfo": {"name": "p"},
    "schemaVersion": "2.1.0",
    "sdkVersion": "kfp-2.17.0",
    "root": {
        "dag": {
            "tasks": {
                "a": {"componentRef": {"name": "comp-a"}, "taskInfo": {"name": "a"}},
                "b": {
                    "componentRef": {"name": "comp-b"},
                    "dependentTasks": ["a"],
                    "taskInfo": {"name": "b"},
                    "inputs": {
                        "parameters": {
                            "x": {
                                "taskOutputParameter": {
                                    "producerTask": "a",
                                    "outputParameterKey": "o",
                                }
                            }
                        }
                    },
                },
            }
        }
    },
    "components": {
        "comp-a": {
            "executorLabel": "exec-a",
            "outputDefinitions": {"parameters": {"o": {"parameterType": "STRING"}}},
        },
        "comp-b": {
            "executorLabel": "exec-b",
            "inputDefinitions": {"parameters": {"x": {"parameterType": "STRING"}}},
        },
    },
    "deploymentSpec": {
        "executors": {
            "exec-a": {"container": {"image": "python:3.11", "command": ["true"]}},
            "exec-b": {"container": {"image": "python:3.11", "command": ["true"]}},
        }
    },
}

TASK_B = ("root", "dag", "tasks", "b")
EXEC_B = ("deploymentSpec", "executors", "exec-b")


def known_image(image: str) -> None:
    if not image.startswith("python:"):
        raise Unsupported(f"image {image!r} is not known here")


def changed(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The pipeline with `value` at `path`."""
    spec = copy.deepcopy(PIPELINE)
    place = spec
    for key in path[:-1]:
        place = place.setdefault(key, {})
    place[path[-1]] = value
    return spec


def test_a_sound_pipeline_passes():
    validate(PIPELINE, {}, known_image)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("pipelineInfo",), {}, "pipelineInfo.name"),
        (("root",), {}, "root.dag"),
        (("root", "dag", "tasks"), {}, "no tasks"),
        (("rooot",), {}, 'no field named "rooot"'),
        ((*TASK_B, "dependentTasks"), "a", "repeated"),
        ((*TASK_B, "dependentTasks"), ["a", "z"], "task 'z'"),
        ((*TASK_B, "componentRef", "name"), "comp-z", "Task 'b' has component 'comp-z'"),
        ((*TASK_B, "inputs"), {}, "gives its component no 'x'"),
        (
            (*TASK_B, "inputs", "parameters", "x"),
            {"componentInputParameter": "q"},
            "takes 'q', which its DAG lacks",
        ),
        (
            (*TASK_B, "inputs", "parameters", "x", "taskOutputParameter", "outputParameterKey"),
            "z",
            "no such output",
        ),
        (("root", "dag", "tasks", "a", "dependentTasks"), ["b"], "wait for each other"),
        (("components", "comp-b", "executorLabel"), "exec-z", "executor 'exec-z'"),
        (("deploymentSpec", "executors"), {}, "which deploymentSpec lacks"),
        ((*EXEC_B, "container", "imagee"), "x", 'no field named "imagee"'),
        ((*EXEC_B,), {"importer": {"artifactUri": {"constant": "b/k"}}}, "nor an absolute path"),
        ((*EXEC_B,), {"importer": {"artifactUri": {"constant": "s3://b/k"}}}, "one artifact"),
        (
            (*EXEC_B,),
            {"importer": {"artifactUri": {"constant": "s3://b/{{channel:task=;name=k;type=x;}}"}}},
            "does not fill in values in an importer's artifact_uri",
        ),
        (
            (*TASK_B, "artifactIterator"),
            {"itemInput": "i", "items": {"inputArtifact": "zzz"}},
            "goes over its input 'zzz'",
        ),
        (
            ("root", "dag", "outputs"),
            {
                "parameters": {
                    "r": {
                        "valueFromParameter": {
                            "producerSubtask": "q",
                            "outputParameterKey": "o",
                        }
                    }
                }
            },
            "comes from task 'q'",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(path: tuple[str, ...], value: Any, said: str):
    with pytest.raises(InvalidInput) as caught:
        validate(changed(path, value), {}, known_image)
    assert said in str(caught.value)
    assert not isinstance(caught.value, Unsupported)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ((*EXEC_B,), {"importer": {"artifactUri": {"constant": "oci://b/k"}}}, "pulls no images"),
        ((*EXEC_B,), {"resolver": {}}, "resolvers of artifacts"),
        ((*EXEC_B,), {"customJob": {}}, "AI Platform custom jobs"),
        ((*EXEC_B, "container", "lifecycle"), {"preCacheCheck": {}}, "lifecycle hooks"),
        (("components", "comp-b", "singlePlatformSpecs"), [{}], "singlePlatformSpecs"),
        ((*EXEC_B, "container", "image"), "unheard:1", "image 'unheard:1' is not known"),
        ((*EXEC_B, "container", "command"), [], "neither a command nor arguments"),
        (
            (*EXEC_B, "container"),
            {"image": "own:1", "command": ["python3", "-m", "kfp.dsl.executor_main"]},
            "a containerised Python component (target_image)",
        ),
    ],
)
def test_what_is_not_executed_is_refused_by_name(path: tuple[str, ...], value: Any, said: str):
    with pytest.raises(Unsupported) as caught:
        validate(changed(path, value), {}, known_image)
    assert said in str(caught.value)
    assert "Task " in str(caught.value)


def test_a_schema_that_is_not_known_is_refused():
    for version in ("", "2.0.0", "2.1.0"):
        validate(changed(("schemaVersion",), version), {}, known_image)
    with pytest.raises(Unsupported, match=r"schemaVersion '3\.0\.0'; Flowmaker executes 2\.1\.0"):
        validate(changed(("schemaVersion",), "3.0.0"), {}, known_image)


def test_accelerators_may_be_told_to_what_a_component_starts():
    wanted = {"accelerator": {"resourceType": "nvidia.com/gpu", "resourceCount": "1"}}
    spec = changed((*EXEC_B, "container", "resources"), wanted)
    component = spec["components"]["comp-b"]
    component["taskConfigPassthroughs"] = [{"field": "RESOURCES"}]
    validate(spec, {}, known_image, {})
    component["taskConfigPassthroughs"] = [{"field": "RESOURCES", "applyToTask": True}]
    with pytest.raises(Unsupported, match=r"asks for 1 nvidia\.com/gpu, and this machine has none"):
        validate(spec, {}, known_image, {})


def test_accelerators_that_there_are_not_are_refused_with_the_way_out():
    wanted = {"accelerator": {"resourceType": "nvidia.com/gpu", "resourceCount": "2"}}
    spec = changed((*EXEC_B, "container", "resources"), wanted)
    validate(spec, {}, known_image)  # an upload: it may run on another day
    validate(spec, {}, known_image, {"nvidia.com/gpu": 2})
    with pytest.raises(Unsupported) as caught:
        validate(spec, {}, known_image, {"nvidia.com/gpu": 1, "amd.com/gpu": 2})
    said = str(caught.value)
    assert "asks for 2 nvidia.com/gpu, and this machine has 1" in said
    assert "`flowmaker up --accelerators nvidia.com/gpu=2`" in said
    many = {"accelerator": {"resourceType": "nvidia.com/gpu", "resourceCount": "many"}}
    spec = changed((*EXEC_B, "container", "resources"), many)
    with pytest.raises(InvalidInput, match="'many' is no number of accelerators"):
        validate(spec, {}, known_image, {})


def test_accelerators_that_a_parameter_says_are_not_known_yet():
    count = "{{$.inputs.parameters['n']}}"
    wanted = {"accelerator": {"resourceType": "nvidia.com/gpu", "resourceCount": count}}
    validate(changed((*EXEC_B, "container", "resources"), wanted), {}, known_image, {})


def test_no_accelerators_are_no_wish():
    for count in ({"resourceCount": "0"}, {}):
        none = {"accelerator": {"resourceType": "nvidia.com/gpu", **count}}
        validate(changed((*EXEC_B, "container", "resources"), none), {}, known_image, {})


def test_a_component_inside_itself_is_refused():
    spec = changed(("components", "comp-a"), {"dag": PIPELINE["root"]["dag"]})
    with pytest.raises(InvalidInput, match="inside its own component"):
        validate(spec, {}, known_image)


@pytest.mark.parametrize(
    ("platform", "said"),
    [
        ({"platforms": {"mars": {}}}, "mars"),
        ({"platform": {}}, "platforms"),
        ({"platforms": []}, "not an object"),
        ({"platforms": {"kubernetes": {"deploymentSpec": {"executor": {}}}}}, "'executor'"),
        ({"platforms": {"kubernetes": {"pipelineConfig": {"semaphoreKey": "a"}}}}, "semaphoreKey"),
        (
            {"platforms": {"kubernetes": {"pipelineConfig": {"workspace": {"size": "much"}}}}},
            "workspace.size is 'much'",
        ),
        (
            {
                "platforms": {
                    "kubernetes": {
                        "deploymentSpec": {"executors": {"exec-b": {"initContainers": [{"a": 1}]}}}
                    }
                }
            },
            "initContainers",
        ),
    ],
)
def test_of_the_platform_only_what_is_executed_passes(platform: dict[str, Any], said: str):
    with pytest.raises(InvalidInput, match=said):
        validate(PIPELINE, platform, known_image)
