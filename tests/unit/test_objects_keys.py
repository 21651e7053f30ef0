"""The order of keys, and what they are rolled up into."""

from hypothesis import given
from hypothesis import strategies as st

from flowmaker.objects.keys import common_prefix, successor

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
edges = st.text(st.sampled_from("a\x00\x7f\ud7ff\ue000\U0010ffff"), max_size=4)


@given(texts | edges, texts | edges)
def test_the_successor_is_beyond_all_that_start_with_a_prefix_and_not_beyond_others(
    prefix: str, key: str
) -> None:
    end = successor(prefix)
    inside = prefix.encode() <= key.encode() and (end is None or key.encode() < end.encode())
    assert inside == key.startswith(prefix)


def test_nothing_is_beyond_the_last() -> None:
    assert successor("") is None
    assert successor("\U0010ffff" * 3) is None
    assert successor("a\U0010ffff") == "b"


def test_a_key_is_rolled_up_to_the_first_delimiter_after_the_prefix() -> None:
    assert common_prefix("a/b/c", "", "/") == "a/"
    assert common_prefix("a/b/c", "a/", "/") == "a/b/"
    assert common_prefix("a/b/c", "a/b/", "/") is None
    assert common_prefix("a::b", "", "::") == "a::"
    assert common_prefix("a/b", "", "") is None
