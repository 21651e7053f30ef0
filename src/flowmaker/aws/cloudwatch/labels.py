"""Labels that say something of the values: `requests: ${SUM}`."""

import re
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

_DYNAMIC = re.compile(r"\$\{([^}]*)\}")
_PROPERTY = re.compile(r"PROP\('([^']*)'\)")

_OF_VALUES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "AVG": fmean,
    "DATAPOINT_COUNT": len,
    "FIRST": lambda values: values[0],
    "LAST": lambda values: values[-1],
    "FIRST_LAST_RANGE": lambda values: values[-1] - values[0],
    "MAX": max,
    "MIN": min,
    "MIN_MAX_RANGE": lambda values: max(values) - min(values),
    "SUM": sum,
}
NO_VALUE = "--"


class LabelError(Exception):
    """A label asks for what is not there; the message names it."""


def written(label: str, query: Mapping[str, Any], values: Sequence[float], region: str) -> str:
    """The label with what it asks for; `values` in the order of their times.

    Raises:
        LabelError: it asks for something that is not supported.
    """
    default = default_label(query)

    def replaced(found: re.Match[str]) -> str:
        name = found[1]
        if name == "LABEL":
            return default
        if property_ := _PROPERTY.fullmatch(name):
            return _property(property_[1], query, region)
        if name not in _OF_VALUES:
            raise LabelError(f"the dynamic label ${{{name}}} is not supported by Flowmaker")
        return f"{_OF_VALUES[name](values):g}" if values else NO_VALUE

    return _DYNAMIC.sub(replaced, label)


def default_label(query: Mapping[str, Any]) -> str:
    if stat := query.get("MetricStat"):
        return stat["Metric"].get("MetricName", "")
    return query["Id"]


def _property(name: str, query: Mapping[str, Any], region: str) -> str:
    if name == "Region":
        return region
    stat = query.get("MetricStat")
    if stat is None:
        raise LabelError(f"PROP('{name}') is of a metric, and {query['Id']} is an expression")
    metric = stat["Metric"]
    known = {
        "MetricName": metric.get("MetricName", ""),
        "Namespace": metric.get("Namespace", ""),
        "Stat": stat["Stat"],
        "Period": str(stat["Period"]),
        **{f"Dim.{one['Name']}": one["Value"] for one in metric.get("Dimensions", ())},
    }
    if name not in known:
        raise LabelError(f"PROP('{name}') is not there")
    return known[name]
