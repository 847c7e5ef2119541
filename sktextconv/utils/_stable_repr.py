"""Text of parameter values that is the same in every process."""

import functools
import inspect
import re
import reprlib
import types
from collections.abc import Mapping
from hashlib import sha256

import numpy as np
from sklearn.base import BaseEstimator

__all__ = ["stable_repr"]

_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")
_DIGEST_SIZE = 12  # hexadecimal digits, which fit into a message


@reprlib.recursive_repr("...")
def stable_repr(value):
    """Return a parameter's value as text that is the same in every process.

    That of a function depends on its code, its defaults and the variables that it
    encloses, but not on the functions that it calls. It has no names of modules: in a
    worker process, `__main__` has another name.
    """
    if isinstance(value, (str, bytes)):
        return repr(value)
    if isinstance(value, (tuple, list)):
        return _join(value).join("()" if isinstance(value, tuple) else "[]")
    if isinstance(value, Mapping):
        items = (f"{stable_repr(key)}: {stable_repr(value[key])}" for key in value)
        return "{" + ", ".join(items) + "}"
    if isinstance(value, frozenset):  # constants of code; their order is random
        return f"frozenset({sorted(map(stable_repr, value))})"
    if isinstance(value, BaseEstimator):
        return f"{type(value).__qualname__}({_changed_parameters(value)})"
    if isinstance(value, functools.partial):
        return f"partial({_join((value.func, value.args, value.keywords))})"
    if isinstance(value, types.FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        body = _join((value.__code__, value.__defaults__, value.__kwdefaults__, cells))
        return f"{value.__qualname__} {_digest(body.encode())}"
    if isinstance(value, types.CodeType):
        return _join(
            getattr(value, f"co_{name}")
            for name in ("code", "consts", "names", "varnames", "flags")
        )
    if isinstance(value, types.MethodType):
        return f"{stable_repr(value.__func__)} of {stable_repr(value.__self__)}"
    if isinstance(value, types.BuiltinMethodType):
        owner = value.__self__
        if owner is not None and not isinstance(owner, types.ModuleType):
            return f"{value.__qualname__} of {stable_repr(owner)}"
    if isinstance(value, re.Pattern):  # whose repr is cut off
        return f"re.compile({value.pattern!r}, {value.flags})"
    if isinstance(value, np.ndarray):
        return f"array {value.shape} {value.dtype} {_digest(value.tobytes())}"
    if isinstance(value, type):
        return value.__qualname__
    if type(value).__repr__ is object.__repr__:
        return type(value).__qualname__
    return _ADDRESS.sub("", repr(value))


def _changed_parameters(estimator):
    """Return those parameters that do not have their default."""
    declared = inspect.signature(type(estimator)).parameters
    described = {
        name: (stable_repr(value), stable_repr(declared[name].default))
        for name, value in estimator.get_params(deep=False).items()
    }
    return ", ".join(
        f"{name}={value}"
        for name, (value, default) in described.items()
        if value != default
    )


def _join(values):
    return ", ".join(map(stable_repr, values))


def _digest(data):
    return sha256(data).hexdigest()[:_DIGEST_SIZE]
