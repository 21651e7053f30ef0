"""Where the boxes of a graph go."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowmaker.web.layout import GAP_X, GAP_Y, HEIGHT, WIDTH, Layout, layout


def test_a_chain_runs_from_left_to_right_on_one_line() -> None:
    placed = layout(["a", "b", "c"], [("a", "b"), ("b", "c")])
    assert placed.boxes == {
        "a": (0, 0.0),
        "b": (WIDTH + GAP_X, 0.0),
        "c": (2 * (WIDTH + GAP_X), 0.0),
    }
    assert placed.routes["a", "b"] == [(WIDTH, HEIGHT / 2), (WIDTH + GAP_X, HEIGHT / 2)]
    assert (placed.width, placed.height) == (3 * WIDTH + 2 * GAP_X, HEIGHT)


def test_a_diamond_is_symmetric() -> None:
    placed = layout(list("abcd"), [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")])
    (_, top), (_, one), (_, other), (_, bottom) = (placed.boxes[each] for each in "abcd")
    assert top == bottom == (one + other) / 2
    assert abs(one - other) == HEIGHT + GAP_Y


def test_a_long_edge_passes_beside_the_boxes_between() -> None:
    placed = layout(["a", "b", "c"], [("a", "b"), ("b", "c"), ("a", "c")])
    (_, (_, y), _) = placed.routes["a", "c"]
    _, top = placed.boxes["b"]
    assert not top - 1 <= y <= top + HEIGHT + 1


def test_what_is_declared_in_any_order_is_laid_out() -> None:
    placed = layout(["c", "a", "b"], [("b", "c"), ("a", "b")])
    assert sorted(placed.boxes, key=lambda each: placed.boxes[each][0]) == ["a", "b", "c"]


def test_nothing_is_an_empty_picture() -> None:
    assert layout([], []) == Layout(boxes={}, routes={}, width=0, height=0)


def test_a_cycle_and_an_edge_to_nowhere_are_told() -> None:
    with pytest.raises(ValueError, match="cycle"):
        layout(["a", "b"], [("a", "b"), ("b", "a")])
    with pytest.raises(ValueError, match="a -> z"):
        layout(["a"], [("a", "z")])


@given(st.integers(1, 14), st.data())
def test_boxes_never_overlap_and_edges_go_to_the_right(count: int, data: st.DataObject) -> None:
    nodes = [str(n) for n in range(count)]
    pairs = list(itertools.combinations(nodes, 2))
    edges = data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    placed = layout(nodes, edges)
    for (x, y), (other_x, other_y) in itertools.combinations(placed.boxes.values(), 2):
        assert x != other_x or abs(y - other_y) >= HEIGHT + GAP_Y - 0.2
    for source, target in edges:
        assert placed.boxes[source][0] < placed.boxes[target][0]
        across = [x for x, _ in placed.routes[source, target]]
        assert across == sorted(across)
    assert min(y for _, y in placed.boxes.values()) >= 0
