"""Annotations are checked in scikit-learn's own words."""

import numbers
from typing import Literal

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    StrOptions,
    validate_parameter_constraints,
)

from sktextconv.utils._param_validation import (
    Count,
    Fraction,
    Positive,
    Seed,
    Sizes,
    check_params,
    hyperparameters,
)


@hyperparameters
class Parent(BaseEstimator):
    count: Count = 3
    rate: Positive | None = None


@hyperparameters
class Child(Parent):
    count: Count = 5
    share: Fraction = 0.0
    kind: Literal["b", "a"] = "a"
    only: Literal["a"] = "a"
    depth: Literal[29, 9, 17] = 9
    flag: bool = False
    seed: Seed = None
    sizes: Sizes = (3, 4)


def test_child_has_the_parents_parameters_and_its_own_defaults():
    assert Child().get_params() == {
        "count": 5,
        "rate": None,
        "share": 0.0,
        "kind": "a",
        "only": "a",
        "depth": 9,
        "flag": False,
        "seed": None,
        "sizes": (3, 4),
    }
    assert clone(Child(count=7)).count == 7


def test_unknown_and_positional_parameters_are_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument 'cuont'"):
        Child(cuont=3)
    with pytest.raises(TypeError, match="positional"):
        Child(3)


@pytest.mark.parametrize(
    ("name", "value", "constraints"),
    [
        ("count", 0, [Interval(numbers.Integral, 1, None, closed="left")]),
        ("rate", 0.0, [Interval(numbers.Real, 0.0, None, closed="neither"), None]),
        ("share", 1.0, [Interval(numbers.Real, 0.0, 1.0, closed="left")]),
        ("only", "c", [StrOptions({"a"})]),
        ("only", None, [StrOptions({"a"})]),
    ],
)
def test_the_sentence_is_scikit_learns(name, value, constraints):
    with pytest.raises(ValueError, match="parameter of Child") as ours:
        check_params(Child(**{name: value}))
    with pytest.raises(InvalidParameterError) as theirs:
        validate_parameter_constraints({name: constraints}, {name: value}, "Child")
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"count": np.int64(2)},
        {"rate": 1},
        {"rate": np.float32(0.5)},
        {"flag": np.bool_(True)},
        {"kind": np.str_("b")},
        {"depth": np.int64(17)},
        {"seed": 2**32 - 1},
        {"seed": np.random.RandomState(0)},
        {"sizes": (1,)},
        {"sizes": [2, np.int64(3)]},
    ],
)
def test_good_values_pass(settings):
    check_params(Child(**settings))


@pytest.mark.parametrize(
    "settings",
    [
        {"count": True},
        {"count": 2.0},
        {"count": np.inf},
        {"rate": np.nan},
        {"share": "0.5"},
        {"flag": 1},
        {"depth": 10},
        {"depth": 9.0},
        {"depth": "9"},
        {"seed": 2**32},
        {"sizes": 3},
        {"sizes": ()},
        {"sizes": []},
        {"sizes": (3, 0)},
        {"sizes": (3, 4.0)},
        {"sizes": (True,)},
        {"sizes": {3, 4}},
        {"sizes": "34"},
        {"sizes": np.array([3, 4])},
    ],
)
def test_bad_values_do_not(settings):
    with pytest.raises(ValueError, match="must be"):
        check_params(Child(**settings))


def test_members_are_named_in_order():
    message = r"'depth' parameter of Child must be an int among \{9, 17, 29\}\. Got 10"
    with pytest.raises(ValueError, match=message):
        check_params(Child(depth=10))


def test_a_bool_is_no_member_of_ints():
    @hyperparameters
    class Switch(BaseEstimator):
        level: Literal[0, 1] = 0

    check_params(Switch(level=1))
    with pytest.raises(ValueError, match=r"must be an int among \{0, 1\}\. Got True"):
        check_params(Switch(level=True))


def test_sizes_say_of_what_they_are_made():
    with pytest.raises(ValueError, match="sizes") as caught:
        check_params(Child(sizes=(3, 0)))
    assert str(caught.value) == (
        "The 'sizes' parameter of Child must be an instance of 'tuple' or an instance "
        "of 'list' of one or more values, each an int in the range [1, 1000000]. "
        "Got (3, 0) instead."
    )
