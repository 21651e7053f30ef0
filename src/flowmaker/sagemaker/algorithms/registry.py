"""Which image is which built-in algorithm, and what a job with it needs.

Pure, and of the standard library alone: the server imports it, and no algorithm with it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from flowmaker.sagemaker.algorithms.accounts import ACCOUNTS, domain
from flowmaker.sagemaker.algorithms.factorization_machines import schema as fm
from flowmaker.sagemaker.algorithms.hyperparameters import Schema
from flowmaker.sagemaker.algorithms.kmeans import schema as kmeans
from flowmaker.sagemaker.algorithms.knn import schema as knn
from flowmaker.sagemaker.algorithms.linear_learner import schema as linear_learner
from flowmaker.sagemaker.algorithms.pca import schema as pca
from flowmaker.sagemaker.algorithms.random_cut_forest import schema as rcf
from flowmaker.sagemaker.algorithms.tunable import Tuning, tuning
from flowmaker.sagemaker.algorithms.xgboost import metrics as xgboost_metrics
from flowmaker.sagemaker.algorithms.xgboost import schema as xgboost

_PACKAGE = "flowmaker.sagemaker.algorithms"

_URI = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.(?P<domain>[a-z0-9.]+)"
    r"/(?P<repository>[a-z0-9._/-]+?)(?::(?P<tag>[\w.-]+))?"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricDefinition:
    """A metric, and the regex whose first group is its value in a line of the log."""

    name: str
    regex: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltIn:
    """A built-in algorithm in the version that an image names."""

    name: str
    #: The image's tag, e.g. `1.7-1`.
    version: str
    #: `python -m MODULE train` and `python -m MODULE serve` are its programs.
    module: str
    #: A requirements file with hashes: the environment that both run in.
    lock: str
    metric_definitions: tuple[MetricDefinition, ...]
    #: Names of the channels: those that must be given, and those that may.
    required_channels: tuple[str, ...]
    optional_channels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Algorithm:
    #: The package below this one with its programs.
    package: str
    #: The requirements file of its environment, below this package.
    lock: str
    #: ECR repository to the tags that are this algorithm.
    repositories: Mapping[str, re.Pattern[str]]
    schema: Schema
    metrics: Sequence[tuple[str, str]]
    required_channels: tuple[str, ...]
    optional_channels: tuple[str, ...]


def _amazon_s_own(
    package: str,
    schema: Schema,
    metrics: Sequence[tuple[str, str]],
    optional_channels: tuple[str, ...],
    repository: str = "",
) -> _Algorithm:
    """One of the algorithms that Amazon wrote itself: they differ in little here."""
    return _Algorithm(
        package=package,
        lock="requirements.txt",
        repositories={repository or package.replace("_", "-"): re.compile(r"1|latest")},
        schema=schema,
        metrics=metrics,
        required_channels=("train",),
        optional_channels=optional_channels,
    )


_ALGORITHMS = {
    "xgboost": _Algorithm(
        package="xgboost",
        lock="xgboost/requirements.txt",
        repositories={
            "sagemaker-xgboost": re.compile(r"\d+\.\d+(-\d+)?(-(cpu|gpu|arm64))?(-py3)?|latest"),
            "xgboost": re.compile(r"1|latest"),
        },
        schema=xgboost.SCHEMA,
        metrics=xgboost_metrics.DEFINITIONS,
        required_channels=("train",),
        optional_channels=("validation",),
    ),
    "kmeans": _amazon_s_own("kmeans", kmeans.SCHEMA, kmeans.DEFINITIONS, ("test",)),
    "pca": _amazon_s_own("pca", pca.SCHEMA, pca.DEFINITIONS, ("test",)),
    "knn": _amazon_s_own("knn", knn.SCHEMA, knn.DEFINITIONS, ("test",)),
    "linear-learner": _amazon_s_own(
        "linear_learner",
        linear_learner.SCHEMA,
        linear_learner.DEFINITIONS,
        ("validation", "test"),
    ),
    "randomcutforest": _amazon_s_own(
        "random_cut_forest", rcf.SCHEMA, rcf.DEFINITIONS, ("test",), "randomcutforest"
    ),
    "factorization-machines": _amazon_s_own(
        "factorization_machines", fm.SCHEMA, fm.DEFINITIONS, ("test",)
    ),
}


def find(image: str) -> BuiltIn | None:
    """The built-in algorithm that an image URI names; None if it is anyone's own image."""
    uri = _URI.fullmatch(image)
    if uri is None or uri["domain"] != domain(uri["region"]):
        return None
    if ACCOUNTS.get((uri["region"], uri["repository"])) != uri["account"]:
        return None
    tag = uri["tag"] or "latest"
    for name, algorithm in _ALGORITHMS.items():
        tags = algorithm.repositories.get(uri["repository"])
        if tags is not None and tags.fullmatch(tag):
            return _built_in(name, tag)
    return None


def find_algorithm(
    definition: Mapping[str, Any], hyperparameters: Mapping[str, str] | None = None
) -> BuiltIn | None:
    """The built-in algorithm of a tuning job's definition; None for an own image or script.

    `hyperparameters` are those of its training jobs, if not StaticHyperParameters has them.
    """
    given = hyperparameters or definition.get("StaticHyperParameters", {})
    if "sagemaker_submit_directory" in given:
        return None
    return find(definition.get("AlgorithmSpecification", {}).get("TrainingImage", ""))


@cache
def _built_in(name: str, version: str) -> BuiltIn:
    algorithm = _ALGORITHMS[name]
    return BuiltIn(
        name=name,
        version=version,
        module=f"{_PACKAGE}.{algorithm.package}",
        lock=(files(_PACKAGE) / algorithm.lock).read_text(),
        metric_definitions=tuple(MetricDefinition(name=n, regex=r) for n, r in algorithm.metrics),
        required_channels=algorithm.required_channels,
        optional_channels=algorithm.optional_channels,
    )


def metric_definitions(algorithm: Mapping[str, Any]) -> dict[str, str]:
    """The regexes by metric that a job's log is read with: its image's, and its own above them.

    `algorithm` is the job's AlgorithmSpecification.
    """
    builtin = find(algorithm["TrainingImage"])
    definitions = {one.name: one.regex for one in builtin.metric_definitions} if builtin else {}
    own = {one["Name"]: one["Regex"] for one in algorithm.get("MetricDefinitions", ())}
    return definitions | own


def tuning_of(builtin: BuiltIn) -> Tuning:
    """What a tuning job may tune of the algorithm, and by which metrics."""
    return tuning(builtin.name, _ALGORITHMS[builtin.name].metrics)


def validate_hyperparameters(
    builtin: BuiltIn, hyperparameters: Mapping[str, str], channels: Sequence[str]
) -> list[str]:
    """All that the algorithm would refuse of a job, in its own words; empty if nothing.

    On AWS these come as `ClientError: …` in the FailureReason of a job that has started.
    """
    _, problems = _ALGORITHMS[builtin.name].schema.parse(hyperparameters)
    known = builtin.required_channels + builtin.optional_channels
    problems += [
        f"Missing required channel: {name}"
        for name in builtin.required_channels
        if name not in channels
    ]
    problems += [
        f"Extraneous channel found: {name}; {builtin.name} has {', '.join(known)}"
        for name in channels
        if name not in known
    ]
    return problems
