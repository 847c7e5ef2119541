"""Check class, the decorator that makes one, and assertions shared by the checks."""

import contextlib
import dataclasses
import re
from collections.abc import Callable

__all__ = [
    "LENIENT_ERRORS",
    "Check",
    "check",
    "checks_in",
    "describe_error",
    "require",
    "require_raises",
]

# Errors for invalid texts that lenient checks accept. AttributeError is one of them:
# scikit-learn's vectorizers call str methods on the items without a check.
LENIENT_ERRORS = (ValueError, TypeError, AttributeError)


@dataclasses.dataclass(frozen=True)
class Check:
    """One check of a text classifier.

    Parameters
    ----------
    function : callable
        Takes an `EstimatorUnderTest`; raises `AssertionError` if the check fails. The
        docstring is the description of the check in the documentation.
    needs : str
        Capabilities that a classifier must have for the check to run, separated by
        spaces: items of `EstimatorUnderTest.capabilities`.
    replaces : str
        Names of the checks of scikit-learn that this check replaces for texts,
        separated by spaces.
    strict : bool
        Whether the check runs with `strict=True` only.
    hint : str
        Advice on how to make the check pass, the end of the error message.
    """

    function: Callable
    needs: str = ""
    replaces: str = ""
    strict: bool = False
    hint: str = ""

    @property
    def name(self):
        return self.function.__name__

    @property
    def description(self):
        return self.function.__doc__


def check(hint, *, needs="", replaces="", strict=False):
    """Return a decorator that makes a `Check` of a function."""

    def decorate(function):
        return Check(function, needs, replaces, strict, hint)

    return decorate


def checks_in(module):
    """Return the checks that a module defines, in the order of their definition."""
    return [value for value in vars(module).values() if isinstance(value, Check)]


def require(condition, expected, got):
    """Raise `AssertionError` unless `condition` is true."""
    if not condition:
        raise AssertionError(f"Expected {expected}, got {str(got).rstrip('.')}.")


def describe_error(error):
    """Return the type and the message of an exception, without the final full stop."""
    return f"{type(error).__name__}: {error}".rstrip(": .")


@contextlib.contextmanager
def require_raises(case, errors, match=""):
    """Require that the block raises one of `errors` with a message that matches.

    Parameters
    ----------
    case : str
        Name of the invalid input, for the message.
    errors : tuple of exception types
        Accepted types.
    match : str, default=""
        Regular expression that is searched in the message, ignoring case.
    """
    types = " or ".join(error.__name__ for error in errors)
    expected = f"{types} for {case}" + (f" with {match!r} in it" if match else "")
    try:
        yield
    except Exception as error:
        message = str(error)
        if not (isinstance(error, errors) and re.search(match, message, re.I | re.S)):
            got = describe_error(error)
            raise AssertionError(f"Expected {expected}, got {got}.") from error
    else:
        raise AssertionError(f"Expected {expected}, got no error.")
