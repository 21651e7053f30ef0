"""`-l` and `--field-selector`: which objects a list or a watch is asked for. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from flowmaker.errors import InvalidInput
from flowmaker.kubernetes.records import KubernetesObject

#: The fields that objects of every kind are selected by.
NAMES = frozenset({"metadata.name", "metadata.namespace"})
_KEY = r"[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?"
_EQUALITY = re.compile(rf"(?P<key>{_KEY})\s*(?P<operator>==?|!=)\s*(?P<value>[-A-Za-z0-9_.]*)")
_SET = re.compile(rf"(?P<key>{_KEY})\s+(?P<operator>in|notin)\s*\((?P<value>[^()]*)\)")
_PRESENCE = re.compile(rf"(?P<operator>!?)\s*(?P<key>{_KEY})")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on a label or a field."""

    key: str
    #: None: any value.
    values: frozenset[str] | None
    #: False: none of the values, or not there.
    wanted: bool = True

    def is_met(self, entries: Mapping[str, str]) -> bool:
        if self.values is None:
            return (self.key in entries) is self.wanted
        return (entries.get(self.key) in self.values) is self.wanted


@dataclass(frozen=True, slots=True)
class Selection:
    """All the conditions of a request."""

    labels: tuple[Requirement, ...] = ()
    fields: tuple[Requirement, ...] = ()

    def has(self, labels: Mapping[str, str], fields: Mapping[str, str]) -> bool:
        return all(each.is_met(labels) for each in self.labels) and all(
            each.is_met(fields) for each in self.fields
        )

    def of(self, each: KubernetesObject, labels: Mapping[str, str] | None = None) -> bool:
        """Whether it has the object, or had it with other labels."""
        return self.has(each.labels if labels is None else labels, each.selectable)

    def only(self, label: str) -> str:
        """The one value that a label must have; empty when it may have several."""
        for each in self.labels:
            if each.key == label and each.wanted and each.values and len(each.values) == 1:
                return next(iter(each.values))
        return ""


def selection(
    label_selector: str, field_selector: str, plural: str, fields: frozenset[str]
) -> Selection:
    """What the parameters `labelSelector` and `fieldSelector` ask for.

    The objects are those of `plural`, e.g. `pods`, and are selected by these `fields`.

    Raises:
        InvalidInput: they cannot be read, or ask for a field that such objects are not selected by.
    """
    wanted = tuple(_equality(part) for part in _parts(field_selector))
    for each in wanted:
        if each.key not in fields:
            known = ", ".join(sorted(fields))
            raise InvalidInput(
                f"field label not supported: {each.key}; {plural} are selected by {known}"
            )
    return Selection(tuple(_requirement(part) for part in _parts(label_selector)), wanted)


def _parts(selector: str) -> list[str]:
    """Split at the commas that are not in parentheses."""
    parts = re.split(r",(?![^(]*\))", selector)
    return [part.strip() for part in parts] if selector.strip() else []


def _equality(part: str) -> Requirement:
    found = _EQUALITY.fullmatch(part)
    if not found:
        raise InvalidInput(f"unable to parse requirement: {part!r}")
    return Requirement(found["key"], frozenset({found["value"]}), found["operator"] != "!=")


def _requirement(part: str) -> Requirement:
    if found := _SET.fullmatch(part):
        values = frozenset(value.strip() for value in found["value"].split(","))
        return Requirement(found["key"], values, found["operator"] == "in")
    if found := _PRESENCE.fullmatch(part):
        return Requirement(found["key"], None, not found["operator"])
    return _equality(part)
