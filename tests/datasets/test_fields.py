"""Joining of fields."""

import pytest

from sktextconv.datasets import join_fields


def test_join_fields_order():
    titles, bodies = ["Ab", ""], ["x-1", "y"]
    assert join_fields(titles, bodies) == ["Ab x-1", " y"]
    assert join_fields(titles, bodies, order="reverse") == ["x-1 Ab", "y "]


def test_join_fields_invalid_input():
    with pytest.raises(ValueError, match="shorter"):
        join_fields(["a"], [])
    with pytest.raises(ValueError, match="Expected order to be one of"):
        join_fields(["a"], order="backwards")
