"""GPUs and the like that a container asks for: `set_accelerator_type`, `set_accelerator_limit`."""

from collections.abc import Mapping

from flowmaker.errors import InvalidInput, Unsupported
from flowmaker.pipelines.records.catalog import Document


def wanted(resources: Document) -> dict[str, int]:
    """How many of a kind, by the kind's name in Kubernetes; empty: none.

    Raises:
        InvalidInput: the number is none.
    """
    kind, count = _said(resources)
    if not kind or not count:  # KFP's driver leaves it out, too
        return {}
    if not count.isdecimal():
        raise InvalidInput(f"{count!r} is no number of accelerators of the type {kind}")
    return {kind: int(count)} if int(count) else {}


def check(resources: Document, there: Mapping[str, int]) -> None:
    """Refuse what this machine can never give. What the run's parameters say is not known yet.

    Raises:
        InvalidInput: the number is none.
        Unsupported: there are not so many.
    """
    if not any("{{" in each for each in _said(resources)):
        for kind, count in wanted(resources).items():
            if count > there.get(kind, 0):
                raise lacking(kind, count, there)


def lacking(kind: str, count: int, there: Mapping[str, int]) -> Unsupported:
    """What is said to who asks for more than there are. On a cluster it would wait for ever."""
    has = there.get(kind, 0)
    return Unsupported(
        f"asks for {count} {kind}, and this machine has {has or 'none'}: leave "
        f"set_accelerator_limit out, or say `flowmaker up --accelerators {kind}={count}` if it has"
    )


def _said(resources: Document) -> tuple[str, str]:
    """The kind and the number, in the newer form of the IR or in the older."""
    given = resources.get("accelerator", {})
    kind = given.get("resourceType") or given.get("type", "")
    return kind, str(given.get("resourceCount") or given.get("count", ""))
