"""Validation of hyper-parameters by annotations, with scikit-learn's messages."""

import dataclasses
import functools
import inspect
import sys
import types
import typing
from typing import Annotated, Literal, TypeVar, dataclass_transform

import numpy as np

from ._docstrings import inherit_sections, merge_parents
from ._param_names import describe_unknown_name, suggest_name

__all__ = [
    "Count",
    "Fraction",
    "InnerFraction",
    "LossWeight",
    "NonNegative",
    "Positive",
    "Range",
    "Seed",
    "Size",
    "Sizes",
    "Whole",
    "accepts",
    "check_params",
    "hyperparameters",
    "python_values",
]

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Range:
    """Interval of numbers from `low` to `high`; `closed` are the ends it includes."""

    low: float
    high: float = np.inf
    closed: Literal["left", "both", "neither"] = "left"

    def holds(self, value):
        value = _python_value(value)  # half precision cannot hold each bound
        above = value > self.low if self.closed == "neither" else value >= self.low
        below = value <= self.high if self.closed == "both" else value < self.high
        return bool(above and below)

    def __str__(self):
        left = "(" if self.closed == "neither" else "["
        right = "]" if self.closed == "both" else ")"
        return f"in the range {left}{self.low}, {self.high}{right}"


@dataclasses.dataclass(frozen=True)
class Each:
    """Constraint on a sequence: at least one item, and all items match `hint`."""

    hint: object

    def holds(self, value):
        return len(value) > 0 and all(accepts(self.hint, item) for item in value)

    def __str__(self):
        return f"of one or more values, each {_describe(self.hint)}"


Count = Annotated[int, Range(1)]
# Sizes of arrays are limited, so that a product of three fits into 64 bits.
Size = Annotated[int, Range(1, 1_000_000, closed="both")]
Whole = Annotated[int, Range(0)]
Positive = Annotated[float, Range(0.0, closed="neither")]
NonNegative = Annotated[float, Range(0.0)]
Fraction = Annotated[float, Range(0.0, 1.0)]
InnerFraction = Annotated[float, Range(0.0, 1.0, closed="neither")]
# Much larger weights overflow in the gradients.
LossWeight = Annotated[float, Range(0.0, 1_000.0, closed="both")]
Sizes = Annotated[tuple | list, Each(Size)]
Seed = Annotated[int, Range(0, 2**32 - 1, closed="both")] | np.random.RandomState | None

# Accepted types by annotation. Searches over parameters pass NumPy scalars. `accepts`
# rejects bools as numbers, although bool is a subclass of int. Fractions and decimals
# are missing because torch does not accept them.
_KINDS = {
    int: (int, np.integer),
    float: (int, float, np.integer, np.floating),
    bool: (bool, np.bool_),
}


@dataclass_transform(
    kw_only_default=True, eq_default=False, field_specifiers=(dataclasses.field,)
)
def hyperparameters(cls: type[T]) -> type[T]:
    """Generate the constructor of `cls` from its annotated defaults.

    The constructor takes keywords only, suggests a name for an unknown one, and stores
    each value unchanged; `check_params` checks them in `fit`. Its signature shows plain
    types, and the parameters of `cls` itself before inherited ones, which take their
    documentation from the docstrings of the parents. The decorator is not inherited:
    apply it to each class with parameters.
    """
    parents = [*filter(dataclasses.is_dataclass, cls.__bases__)]
    cls = dataclasses.dataclass(kw_only=True, eq=False, repr=False)(cls)
    cls.__init__.__annotations__ = {
        name: _plain(hint) for name, hint in _hints(cls).items()
    } | {"return": None}
    if parents:
        cls.__init__.__signature__ = _own_parameters_first(cls, parents)
        inherit_sections(cls, parents)
    else:
        cls.set_params = _suggest_names(cls.set_params)
    cls.__init__ = _reject_unknown_names(cls.__init__)
    return cls


def _reject_unknown_names(init):
    known = [name for name in inspect.signature(init).parameters if name != "self"]

    @functools.wraps(init)
    def init_with_known_names(self, *args, **params):
        for name in params:
            if name not in known:
                raise TypeError(
                    f"{type(self).__name__}() got an unexpected keyword argument "
                    f"{name!r}; {describe_unknown_name(name, known)}"
                )
        init(self, *args, **params)

    return init_with_known_names


def _suggest_names(set_params):
    @functools.wraps(set_params)
    def set_params_with_suggestion(self, **params):
        try:
            return set_params(self, **params)
        except ValueError as error:
            known = self._get_param_names()
            for name in params:
                right = suggest_name(name, known) if name not in known else None
                if right is not None:
                    raise ValueError(f"{error} Did you mean {right!r}?") from error
            raise

    return set_params_with_suggestion


def _own_parameters_first(cls, parents):
    """Return the signature of the constructor, inherited parameters at its end."""
    signature = inspect.signature(cls.__init__)
    self, *parameters = signature.parameters.values()
    inherited = [
        *merge_parents([inspect.signature(parent).parameters for parent in parents])
    ]
    own = [each for each in parameters if each.name not in inherited]
    return signature.replace(
        parameters=[self, *own, *(signature.parameters[name] for name in inherited)]
    )


def check_params(estimator, *, only=None):
    """Raise `ValueError` for the first parameter that does not match its annotation.

    Parameters
    ----------
    estimator : estimator
        Instance of a class decorated with `hyperparameters`.
    only : collection of str or None, default=None
        Names of the parameters to check; None checks all.
    """
    hints = _hints(type(estimator))
    for name in hints if only is None else only:
        value = getattr(estimator, name)
        options = _options(hints[name])
        if not any(accepts(option, value) for option in options):
            raise ValueError(
                f"The {name!r} parameter of {type(estimator).__name__} must be "
                f"{_enumerate(options)}. Got {value!r} instead."
            )


def python_values(estimator):
    """Return the parameters of an estimator, with NumPy scalars as Python numbers.

    NumPy integers overflow, and some functions of torch do not accept NumPy scalars.
    """
    params = estimator.get_params(deep=False)
    return {name: _python_value(value) for name, value in params.items()}


def _python_value(value):
    if isinstance(value, np.generic):
        return value.item()
    if type(value) in (tuple, list):
        return type(value)(map(_python_value, value))
    return value


@functools.cache
def _hints(cls):
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _options(hint):
    """Return the members of a union, or a tuple of the hint alone."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.get_args(hint)
    return (hint,)


def _plain(hint):
    """Return a type hint without its constraints."""
    plain = [
        typing.get_args(option)[0] if typing.get_origin(option) is Annotated else option
        for option in _options(hint)
    ]
    return typing.Union[tuple(plain)]  # noqa: UP007 (a tuple has no `|`)


def accepts(option, value):
    """Return whether `value` matches `option`, a type hint that is not a union."""
    if option is type(None):
        return value is None
    origin, args = typing.get_origin(option), typing.get_args(option)
    if origin is Literal:
        return accepts(type(args[0]), value) and value in args
    if origin is Annotated:
        return accepts(args[0], value) and args[1].holds(value)
    if option in (int, float) and isinstance(value, _KINDS[bool]):
        return False
    if not isinstance(value, _KINDS.get(option, option)):
        return False
    too_large = isinstance(value, int) and abs(value) > sys.float_info.max
    return option is not float or not too_large


def _describe(option):
    """Return a type hint in the words of scikit-learn's messages."""
    if option is type(None):
        return "None"
    origin, args = typing.get_origin(option), typing.get_args(option)
    if origin is Literal:
        kind, members = _describe(type(args[0])), ", ".join(map(repr, sorted(args)))
        return f"{kind} among {{{members}}}"
    if origin is Annotated:
        return f"{_describe(args[0])} {args[1]}"
    if origin is types.UnionType:
        return _enumerate(args)
    if option in (int, float, bool, str):
        return f"{'an' if option is int else 'a'} {option.__name__}"
    return f"an instance of {option.__qualname__!r}"


def _enumerate(options):
    *first, last = map(_describe, options)
    return f"{', '.join(first)} or {last}" if first else last
