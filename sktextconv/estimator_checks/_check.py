"""A check: one promise of a classifier, whom it binds, and the sentence if broken."""

import contextlib
import dataclasses
import re
from collections.abc import Callable

__all__ = [
    "ANY_REFUSAL",
    "Check",
    "checks_in",
    "described",
    "promise",
    "refused",
    "require",
]

# Whatever a text goes through can fail on what is none; lenient checks let it.
ANY_REFUSAL = (ValueError, TypeError, AttributeError)


@dataclasses.dataclass(frozen=True)
class Check:
    """One promise.

    Parameters
    ----------
    function : callable
        Takes a `Subject`; raises `AssertionError` where the promise is broken.
    needs : str
        What a classifier must offer for the promise to bind it: words of
        `Subject.offers`.
    stands_for : str
        Names of scikit-learn's checks of which it is the variant for texts.
    strict : bool
        Whether it binds only those that are checked strictly.
    remedy : str
        What to do where it is broken.
    """

    function: Callable
    needs: str = ""
    stands_for: str = ""
    strict: bool = False
    remedy: str = ""

    @property
    def name(self):
        return self.function.__name__

    @property
    def promise(self):
        return self.function.__doc__


def promise(remedy, *, needs="", stands_for="", strict=False):
    """Make a check of the function below, whose docstring is the promise."""

    def decorate(function):
        return Check(function, needs, stands_for, strict, remedy)

    return decorate


def checks_in(module):
    """Return the checks that a module defines, in its order."""
    return [value for value in vars(module).values() if isinstance(value, Check)]


def require(condition, expected, got):
    """Raise `AssertionError` unless `condition`."""
    if not condition:
        raise AssertionError(f"Expected {expected}, got {str(got).rstrip('.')}.")


def described(error):
    """Return the type of an exception and what it says, as part of a sentence."""
    return f"{type(error).__name__}: {error}".rstrip(": .")


@contextlib.contextmanager
def refused(what, errors, mention=""):
    """Require that the block raises one of `errors`, with `mention` in its message."""
    kinds = " or ".join(error.__name__ for error in errors)
    expected = f"{kinds} for {what}" + (f" with {mention!r} in it" if mention else "")
    try:
        yield
    except Exception as error:
        text = str(error)
        if not (isinstance(error, errors) and re.search(mention, text, re.I | re.S)):
            got = described(error)
            raise AssertionError(f"Expected {expected}, got {got}.") from error
    else:
        raise AssertionError(f"Expected {expected}, got no error.")
