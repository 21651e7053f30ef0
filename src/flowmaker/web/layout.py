"""Where the boxes of a graph go, and along which points its edges run.

A layered layout, left to right: a node's layer is the longest path to it; an edge over several
layers passes a waypoint in each; nodes of a layer are ordered by their neighbours' middle, and
then moved as near to their neighbours as order and gaps allow. Pure, and linear in what it is
given but for sorting: a thousand nodes take well under a second.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

#: Of a box, and of the gaps between boxes; in pixels.
WIDTH, HEIGHT = 190, 46
GAP_X, GAP_Y = 56, 14
#: Height that is kept free for an edge which passes.
_PASSAGE = 6
_ORDERINGS, _STRAIGHTENINGS = 10, 6

Point = tuple[float, float]
Edge = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """In pixels; the origin is at the top left."""

    #: The top left corner of each box.
    boxes: Mapping[str, Point]
    #: The points of each edge, from the right of its source to the left of its target.
    routes: Mapping[Edge, Sequence[Point]]
    width: float
    height: float


def layout(nodes: Sequence[str], edges: Sequence[Edge]) -> Layout:
    """Lay out an acyclic graph.

    Raises:
        ValueError: the graph has a cycle, or an edge of something that is no node.
    """
    layer = _layers(nodes, edges)
    drawn = _Drawn(layer)
    waypoints = {edge: drawn.lead(edge) for edge in edges}
    drawn.order()
    tops = drawn.straighten()
    lowest = min(tops.values(), default=0.0)
    left = {one: drawn.layer[one] * (WIDTH + GAP_X) for one in drawn.layer}
    boxes = {one: (left[one], round(tops[one] - lowest, 1)) for one in nodes}
    routes = {
        (source, target): [
            (left[source] + WIDTH, boxes[source][1] + HEIGHT / 2),
            *((left[p] + WIDTH / 2, round(tops[p] - lowest + _PASSAGE / 2, 1)) for p in points),
            (left[target], boxes[target][1] + HEIGHT / 2),
        ]
        for (source, target), points in waypoints.items()
    }
    return Layout(
        boxes=boxes,
        routes=routes,
        width=max((x + WIDTH for x, _ in boxes.values()), default=0),
        height=max((y + HEIGHT for _, y in boxes.values()), default=0),
    )


def _layers(nodes: Sequence[str], edges: Sequence[Edge]) -> dict[Hashable, int]:
    """The longest path to each node, by removing again and again what waits for nothing."""
    waits = dict.fromkeys(nodes, 0)
    following: dict[str, list[str]] = {one: [] for one in nodes}
    for source, target in edges:
        if source not in waits or target not in waits:
            raise ValueError(f"the edge {source} -> {target} is of no node of the graph")
        waits[target] += 1
        following[source].append(target)
    layer: dict[Hashable, int] = dict.fromkeys(nodes, 0)
    ready = [one for one in nodes if not waits[one]]
    for one in ready:  # it grows while it is read
        for each in following[one]:
            layer[each] = max(layer[each], layer[one] + 1)
            waits[each] -= 1
            if not waits[each]:
                ready.append(each)
    if len(ready) < len(waits):
        raise ValueError("the graph has a cycle")
    return layer


class _Drawn:
    """The graph with a waypoint in every layer that an edge passes."""

    def __init__(self, layer: dict[Hashable, int]) -> None:
        self.layer = layer
        self._height: dict[Hashable, float] = dict.fromkeys(layer, HEIGHT)
        self._before: dict[Hashable, list[Hashable]] = {one: [] for one in layer}
        self._after: dict[Hashable, list[Hashable]] = {one: [] for one in layer}
        self._rows: list[list[Hashable]] = []

    def lead(self, edge: Edge) -> list[Hashable]:
        """Take up an edge; returns its waypoints."""
        source, target = edge
        points: list[Hashable] = [
            (source, target, row) for row in range(self.layer[source] + 1, self.layer[target])
        ]
        last: Hashable = source
        for row, point in enumerate(points, self.layer[source] + 1):
            self.layer[point], self._height[point] = row, _PASSAGE
            self._before[point], self._after[point] = [], []
            self._join(last, point)
            last = point
        self._join(last, target)
        return points

    def _join(self, one: Hashable, other: Hashable) -> None:
        self._after[one].append(other)
        self._before[other].append(one)

    def order(self) -> None:
        """Bring each layer into the order of its neighbours' middle, forth and back."""
        self._rows = [[] for _ in range(max(self.layer.values(), default=-1) + 1)]
        for one, row in self.layer.items():
            self._rows[row].append(one)
        place = {one: float(k) for row in self._rows for k, one in enumerate(row)}
        for turn in range(_ORDERINGS):
            near, rows = self._towards(turn)
            for row in rows:
                middle = {one: _mean([place[e] for e in near[one]], place[one]) for one in row}
                row.sort(key=middle.__getitem__)
                place.update({one: float(k) for k, one in enumerate(row)})

    def straighten(self) -> dict[Hashable, float]:
        """The top of each box and waypoint."""
        tops: dict[Hashable, float] = {}
        for row in self._rows:
            offsets = self._offsets(row)
            half = (offsets[-1] + self._height[row[-1]]) / 2
            tops.update({one: at - half for one, at in zip(row, offsets, strict=True)})
        for turn in range(_STRAIGHTENINGS):
            near, rows = self._towards(turn)
            for row in rows:
                self._pull(row, near, tops)
        return tops

    def _pull(
        self,
        row: list[Hashable],
        near: Mapping[Hashable, list[Hashable]],
        tops: dict[Hashable, float],
    ) -> None:
        wanted = [
            _mean(
                [tops[e] + self._height[e] / 2 for e in near[one]],
                tops[one] + self._height[one] / 2,
            )
            - self._height[one] / 2
            for one in row
        ]
        offsets = self._offsets(row)
        nearest = _rising([want - at for want, at in zip(wanted, offsets, strict=True)])
        for one, base, at in zip(row, nearest, offsets, strict=True):
            tops[one] = base + at

    def _offsets(self, row: Sequence[Hashable]) -> list[float]:
        """The tops of a layer that is stacked without a hole, the first at 0."""
        offsets: list[float] = []
        at = 0.0
        for one in row:
            offsets.append(at)
            at += self._height[one] + GAP_Y
        return offsets

    def _towards(self, turn: int) -> tuple[Mapping[Hashable, list[Hashable]], list[list[Hashable]]]:
        if turn % 2 == 0:
            return self._before, self._rows
        return self._after, self._rows[::-1]


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _rising(values: Sequence[float]) -> list[float]:
    """The nearest numbers, by least squares, that do not fall (pool adjacent violators)."""
    blocks: list[tuple[float, int]] = []
    for value in values:
        mean, count = value, 1
        while blocks and blocks[-1][0] > mean:
            other, others = blocks.pop()
            mean = (mean * count + other * others) / (count + others)
            count += others
        blocks.append((mean, count))
    return [mean for mean, count in blocks for _ in range(count)]
