"""Raw texts are taken by position, as they are, or refused."""

import collections

import numpy as np
import pytest

from sktextconv.text import check_texts, join_fields


def test_a_list_is_not_copied():
    texts = ["a", ""]
    assert check_texts(texts, required_by="Test") is texts


def test_trailing_nuls_and_lone_surrogates_survive():
    texts = ("a\0", "\0", "\udcff")
    assert check_texts(texts, required_by="Test") == list(texts)


def test_sequences_of_other_kinds_are_taken():
    texts = collections.UserList(["a", "b"])
    assert check_texts(texts, required_by="Test") == ["a", "b"]
    assert check_texts(collections.deque("ab"), required_by="Test") == ["a", "b"]


@pytest.mark.parametrize("X", [range(2), [1.5], [True], [{}], [("a",)]])
def test_other_elements_are_named_by_type_and_index(X):
    name = type(X[0]).__name__
    with pytest.raises(TypeError, match=f"got {name} at index 0"):
        check_texts(X, required_by="Test")


def test_a_type_is_no_sequence():
    with pytest.raises(TypeError, match="Expected sequence or array-like"):
        check_texts(list, required_by="Test")


def test_the_estimator_is_named_where_there_is_no_document():
    with pytest.raises(ValueError, match="minimum of 1 is required by Test"):
        check_texts(np.array([], dtype=object), required_by="Test")


def test_fields_join_with_one_space_in_either_order():
    titles, bodies = ["Ab", ""], ["x-1", "y"]
    assert join_fields(titles, bodies) == ["Ab x-1", " y"]
    assert join_fields(titles, bodies, order="reverse") == ["x-1 Ab", "y "]


def test_fields_of_unlike_length_and_unknown_orders_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        join_fields(["a"], [])
    with pytest.raises(ValueError, match="Expected order to be one of"):
        join_fields(["a"], order="backwards")
