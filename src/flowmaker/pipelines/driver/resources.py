"""What a task asks of the machine: ResourceSpec, in its newer form and in its older one. Pure.

The newer has quantities as Kubernetes writes them (`500m`, `2Gi`), the older has numbers: cores,
and gigabytes (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/).
"""

import re
from decimal import Decimal
from typing import Any

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.records.catalog import Document

_QUANTITY = re.compile(r"\+?(\d+\.?\d*|\.\d+)(m|[kKMGTPE]i?|[eE][+-]?\d+)?")
_EXPONENTS = {"k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}


def requirements(resources: Document) -> dict[str, Any]:
    """ResourceSpec as Kubernetes' ResourceRequirements."""
    limits = {
        "cpu": resources.get("resourceCpuLimit") or _number(resources, "cpuLimit"),
        "memory": resources.get("resourceMemoryLimit") or _number(resources, "memoryLimit", "G"),
    }
    requests = {
        "cpu": resources.get("resourceCpuRequest") or _number(resources, "cpuRequest"),
        "memory": resources.get("resourceMemoryRequest")
        or _number(resources, "memoryRequest", "G"),
    }
    accelerator = resources.get("accelerator", {})
    kind = accelerator.get("resourceType") or accelerator.get("type", "")
    if kind:
        limits[kind] = str(accelerator.get("resourceCount") or accelerator.get("count", ""))
    sides = {"limits": limits, "requests": requests}
    given = {side: {key: each for key, each in of.items() if each} for side, of in sides.items()}
    return {side: of for side, of in given.items() if of}


def requested(resources: Document) -> tuple[int, int]:
    """The millicores and the bytes of memory that a task asks for; 0 where it asks for nothing.

    As Kubernetes has it, a request is what counts, and a limit stands in where there is none.

    Raises:
        InvalidInput: a quantity is none.
    """
    asked = requirements(resources)
    sides = asked.get("requests", {}), asked.get("limits", {})
    kinds = "cpu", "memory"
    cpu, memory = (next((side[key] for side in sides if key in side), "0") for key in kinds)
    return _ceiling(quantity(cpu) * 1000), _ceiling(quantity(memory))


def limits(resources: Document) -> tuple[float, int]:
    """The cores and the bytes of memory that a task may use; 0 where there is no limit.

    Raises:
        InvalidInput: a quantity is none.
    """
    if not resources:
        return 0.0, 0
    given = requirements(resources).get("limits", {})
    return float(quantity(given.get("cpu", "0"))), _ceiling(quantity(given.get("memory", "0")))


def quantity(text: str) -> Decimal:
    """A quantity of Kubernetes. KFP's `K` is its `k`.

    Raises:
        InvalidInput: it is none.
    """
    found = _QUANTITY.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(f"{text!r} is no quantity: write 2, 500m, 1.5G or 2Gi")
    number, suffix = Decimal(found[1]), found[2] or ""
    if not suffix:
        return number
    if suffix == "m":
        return number / 1000
    if suffix[1:].lstrip("+-").isdigit():
        return number * Decimal(10) ** int(suffix[1:])
    base = 1024 if suffix.endswith("i") else 1000
    return number * base ** _EXPONENTS[suffix[0]]


def _ceiling(value: Decimal) -> int:
    return int(value.to_integral_value(rounding="ROUND_CEILING"))


def _number(resources: Document, field: str, unit: str = "") -> str:
    """The older, numeric form of a quantity."""
    return f"{resources[field]:g}{unit}" if field in resources else ""
