"""Parameter validation: annotations, and messages equal to scikit-learn's."""

import inspect
import numbers
import re
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
    Range,
    Seed,
    Size,
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
    fraction: Fraction = 0.0
    kind: Literal["b", "a"] = "a"
    only: Literal["a"] = "a"
    depth: Literal[29, 9, 17] = 9
    flag: bool = False
    seed: Seed = None
    sizes: Sizes = (3, 4)


def test_hyperparameters_are_inherited():
    """A subclass has the parameters of its parent, with its own defaults."""
    assert Child().get_params() == {
        "count": 5,
        "rate": None,
        "fraction": 0.0,
        "kind": "a",
        "only": "a",
        "depth": 9,
        "flag": False,
        "seed": None,
        "sizes": (3, 4),
    }
    assert clone(Child(count=7)).count == 7


@hyperparameters
class Trunk(BaseEstimator):
    """Common base.

    Parameters
    ----------
    low : int, default=1
        Of all.
    """

    low: Size = 1


@hyperparameters
class Left(Trunk):
    """First parent.

    Parameters
    ----------
    left : int, default=2
        Of the first parent.
    {inherited_parameters}
    """

    left: Size = 2


@hyperparameters
class Right(Trunk):
    """Second parent.

    Parameters
    ----------
    right : int, default=3
        Of the second parent.
    {inherited_parameters}
    """

    right: Size = 3


@hyperparameters
class Both(Left, Right):
    """Child of two.

    Parameters
    ----------
    own : int, default=4
        Of the child.
    {inherited_parameters}
    """

    own: Size = 4


def test_parameters_of_two_parents_are_merged():
    """Signature and docstring begin with what is closest to the class."""
    names = ["own", "left", "right", "low"]
    assert list(inspect.signature(Both).parameters) == names
    assert re.findall(r"^(\w+) : int", Both.__doc__, re.MULTILINE) == names
    assert Both(own=7, right=8).get_params() == {
        "own": 7,
        "left": 2,
        "right": 8,
        "low": 1,
    }


def test_init_rejects_unknown_and_positional():
    with pytest.raises(TypeError) as caught:
        Child(cuont=3)
    assert str(caught.value) == (
        "Child() got an unexpected keyword argument 'cuont'; did you mean 'count'?"
    )
    with pytest.raises(TypeError, match="positional"):
        Child(3)


@pytest.mark.parametrize(
    ("name", "value", "constraints"),
    [
        ("count", 0, [Interval(numbers.Integral, 1, None, closed="left")]),
        ("rate", 0.0, [Interval(numbers.Real, 0.0, None, closed="neither"), None]),
        ("fraction", 1.0, [Interval(numbers.Real, 0.0, 1.0, closed="left")]),
        ("only", "c", [StrOptions({"a"})]),
        ("only", None, [StrOptions({"a"})]),
    ],
)
def test_check_params_message_equals_scikit_learn(name, value, constraints):
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
def test_check_params_valid_values(settings):
    check_params(Child(**settings))


@pytest.mark.parametrize("value", [0.5, 6e4, -6e4, np.inf, np.nan])
@pytest.mark.parametrize("low", [-1e6, 0.0])
@pytest.mark.parametrize("high", [1.0, 1e6, 1e300])
def test_range_of_half_precision(value, low, high):
    """A bound that half precision cannot hold is compared without an overflow."""
    half = np.float16(value)
    for closed in ("left", "both", "neither"):
        span = Range(low, high, closed=closed)
        assert span.holds(half) is span.holds(float(half))


@pytest.mark.parametrize(
    "settings",
    [
        {"count": True},
        {"count": 2.0},
        {"count": np.inf},
        {"rate": np.nan},
        {"fraction": "0.5"},
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
def test_check_params_invalid_values(settings):
    with pytest.raises(ValueError, match="must be"):
        check_params(Child(**settings))


def test_check_params_message_sorts_literals():
    message = r"'depth' parameter of Child must be an int among \{9, 17, 29\}\. Got 10"
    with pytest.raises(ValueError, match=message):
        check_params(Child(depth=10))


def test_check_params_bool_is_not_int_literal():
    @hyperparameters
    class Switch(BaseEstimator):
        level: Literal[0, 1] = 0

    check_params(Switch(level=1))
    with pytest.raises(ValueError, match=r"must be an int among \{0, 1\}\. Got True"):
        check_params(Switch(level=True))


def test_check_params_message_for_sequences():
    """The message describes the sequence and its items."""
    with pytest.raises(ValueError, match="sizes") as caught:
        check_params(Child(sizes=(3, 0)))
    assert str(caught.value) == (
        "The 'sizes' parameter of Child must be an instance of 'tuple' or an instance "
        "of 'list' of one or more values, each an int in the range [1, 1000000]. "
        "Got (3, 0) instead."
    )
