"""JSON header of a saved model: the parts that all kinds of models have."""

import platform
import warnings
from pathlib import Path

import numpy as np

from .. import __version__
from ..augmentation._synonyms import SynonymReplacer
from ..utils._param_validation import check_params
from ._format import (
    OPTIONAL_KEYS,
    ZERO_CHECKSUM,
    check_classes,
    check_keys,
    describe_attributes,
    restore_attributes,
)

__all__ = [
    "FORMAT",
    "check_device",
    "from_json",
    "make_header",
    "parameters_to_json",
    "reject_tokenizer",
    "restore_header",
    "to_json",
    "versions",
]

# Version of the file format; increase it when the meaning of a file changes.
FORMAT = 1

_KEYS = {  # of every header, each with the type of its value
    "sha256": str,  # checksum of the file with `ZERO_CHECKSUM` in its place
    "format": int,
    "versions": dict,  # of the libraries that wrote it; informative only
    "estimator": str,
    "classes": list,
    "dtype": str,  # of the classes
}
_MAX_INT = 2**53  # of a parameter; exact in any JSON reader


def versions(*libraries):
    """Return the versions of Python, this package and the given libraries."""
    own = {"python": platform.python_version(), "sktextconv": __version__}
    return own | {library.__name__: str(library.__version__) for library in libraries}


def make_header(classifier, content, libraries):
    """Return the JSON-serializable header of a fitted classifier.

    Parameters
    ----------
    classifier : classifier
    content : dict
        Keys and values of this kind of model.
    libraries : sequence of modules
        Libraries that compute the predictions.
    """
    header = {
        "sha256": ZERO_CHECKSUM,
        "format": FORMAT,
        "versions": versions(*libraries),
        "estimator": type(classifier).__name__,
        "classes": classifier.classes_.tolist(),
        "dtype": classifier.classes_.dtype.str,
    }
    return header | describe_attributes(classifier) | content


def restore_header(header, keys):
    """Return the fitted attributes of every model, after checking all keys.

    Parameters
    ----------
    header : dict
    keys : dict of str to type
        Keys of this kind of model.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
    attributes : dict of str to object
        Those that only some models have.
    """
    check_keys(header, _KEYS | keys, OPTIONAL_KEYS)
    classes = check_classes(header["classes"], header["dtype"])
    return classes, restore_attributes(header)


def parameters_to_json(values, *, training_only):
    """Return parameters in JSON form.

    Parameters
    ----------
    values : dict of str to object
    training_only : collection of str
        Names of parameters that may have no such form: they become None, with a
        warning.

    Raises
    ------
    TypeError
        If another parameter has no such form.
    """
    parameters, omitted = {}, []
    for key, value in values.items():
        try:
            parameters[key] = to_json(value)
        except TypeError:
            if key not in training_only:
                raise
            parameters[key] = None
            omitted.append(key)
    if omitted:
        warnings.warn(
            "Parameters that are not JSON-serializable are not saved: "
            f"{', '.join(omitted)}. Only training uses them; they will be None in the "
            "loaded model.",
            stacklevel=4,
        )
    return parameters


def check_device(kind, device):
    """Raise `ValueError` if a linear model of some kind cannot use a device."""
    if device not in ("cpu", "auto"):
        raise ValueError(
            f"Expected device='cpu' for a linear {kind}, got {device!r}. Only networks "
            "use another device."
        )


def reject_tokenizer(name, tokenizer):
    """Raise `TypeError` if an estimator was fitted with a tokenizer of the user.

    The name of a tokenizer of this package is accepted.
    """
    if tokenizer is None or isinstance(tokenizer, str):
        return
    # A file without it, and another one in `load`, would give other predictions.
    raise TypeError(
        f"Expected a model without a tokenizer of your own, got {name} with "
        f"tokenizer={tokenizer!r}: the file holds no code. Save it with pickle, joblib "
        "or skops, and load it where the tokenizer can be imported; or set "
        "tokenizer=None and fit again."
    )


def to_json(value):
    """Return the JSON form of a parameter; raise `TypeError` if there is none."""
    if type(value) is list:
        return _scalars(value)
    if type(value) is tuple:
        return {"tuple": _scalars(value)}
    if type(value) is dict:
        return {"dict": [[_scalar(k), _scalar(v)] for k, v in value.items()]}
    if isinstance(value, Path):
        return {"path": str(value)}
    if type(value) is SynonymReplacer:
        parameters = value.get_params(deep=False)
        return {"SynonymReplacer": {k: to_json(v) for k, v in parameters.items()}}
    return _scalar(value)


def from_json(value):
    """Return the parameter that `to_json` converted; raise `ValueError` otherwise."""
    if type(value) is list:
        return _scalars(value)
    if type(value) is not dict:
        return _scalar(value)
    [(kind, content)] = value.items()
    if kind == "tuple":
        return tuple(_scalars(content))
    if kind == "dict":
        return {_scalar(k): _scalar(v) for k, v in content}
    if kind == "path":
        return Path(content)
    if kind == "SynonymReplacer":
        replacer = SynonymReplacer(**{k: from_json(v) for k, v in content.items()})
        check_params(replacer)
        return replacer
    raise ValueError(f"Expected a known parameter type, got {kind!r}.")


def _scalars(values):
    # A vocabulary may have a million words.
    if {*map(type, values)} == {str}:
        return list(values)
    return [_scalar(value) for value in values]


def _scalar(value):
    """Return a JSON scalar; raise `TypeError` for other types."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, int) and abs(value) > _MAX_INT:
        raise ValueError(f"Expected an int up to {_MAX_INT}, got {value}.")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(
        "Expected parameters to be None, bool, int, float or str, or a list, tuple or "
        f"dict of these, got {value!r}. Set it to such a value to save the model."
    )
