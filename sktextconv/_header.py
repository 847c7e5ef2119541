"""What a file says of a fitted network besides its weights: plain values, as JSON."""

import copy
import json
import math
import platform
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import sklearn
import skorch
import torch
from sklearn.utils.validation import check_is_fitted

from . import networks
from ._params import check_params
from .augmentation import SynonymReplacer

__all__ = ["FORMAT", "NO_DIGEST", "describe", "parse", "restore"]

FORMAT = 1  # raise it whenever a file would mean something else
NO_DIGEST = "0" * 64  # stands for the sum until the file is there to be summed

_CLASSIFIERS = {
    name: getattr(networks, name)
    for name in networks.__all__
    if name.endswith("Classifier")
}

_KEYS = {  # of the header, each with the type of its value
    "sha256": str,  # sum of the whole file, with `NO_DIGEST` in its own place
    "format": int,
    "versions": dict,  # of the libraries that wrote it, for people to read
    "estimator": str,
    "parameters": dict,
    "classes": list,
    "dtype": str,  # of the classes
    "encoder": dict,  # what it has learnt
    "history": list,
    "n_iter": int,
    "seed": int,  # of training that goes on
}

# Parameters that training alone looks at, and that may be no plain values.
_LEFT_OUT = ("augmenter", "callbacks", "random_state", "schedule", "vectors")

_LABELS = re.compile(r"\|O|[<>|](b1|[iu][1248]|f[248]|U\d+)")  # dtypes of classes

# A file could ask for more than a machine has; nobody who trains does.
_MAX_LABELS = 2**26  # bytes of all labels
_MAX_JOBS = 4096
_MAX_INT = 2**53  # of a parameter; what any reader of JSON can hold


def describe(classifier):
    """Return the header of a fitted network, which JSON can write.

    Raises
    ------
    TypeError
        If it is no public network, or a label or a parameter is no plain value.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    ValueError
        If a parameter is not what it must be.
    """
    name = type(classifier).__name__
    if _CLASSIFIERS.get(name) is not type(classifier):
        raise TypeError(
            f"Expected a fitted network of sktextconv ({', '.join(_CLASSIFIERS)}), got "
            f"{name}. Keep other estimators, and pipelines, with skops or joblib."
        )
    check_is_fitted(classifier)
    parameters, left_out = {}, []
    # Those that made the network, as they were then.
    given = classifier.get_params(deep=False) | classifier._made_with
    for key, value in given.items():
        try:
            parameters[key] = _to_json(value)
        except TypeError:
            if key not in _LEFT_OUT:
                raise
            parameters[key] = None
            left_out.append(key)
    if left_out:
        warnings.warn(
            f"Left out of the file, being no plain values: {', '.join(left_out)}. They "
            "matter to training alone, and will be None in the loaded model.",
            stacklevel=3,
        )
    libraries = (sys.modules[__package__], np, sklearn, skorch, torch)
    header = {
        "sha256": NO_DIGEST,
        "format": FORMAT,
        "versions": {"python": platform.python_version()}
        | {library.__name__: str(library.__version__) for library in libraries},
        "estimator": name,
        "parameters": parameters,
        "classes": classifier.classes_.tolist(),
        "dtype": classifier.classes_.dtype.str,
        "encoder": classifier.encoder_.learnt(),
        "history": [
            {key: _scalar(value) for key, value in row.items()}
            for row in classifier.history_
        ],
        "n_iter": classifier.n_iter_,
        # Of a copy: drawing from the generator itself would change the classifier.
        "seed": copy.deepcopy(classifier._rng).randint(2**31),
    }
    restore(header)  # what cannot be read is not to be written
    return header


def restore(header):
    """Return classifier, encoder and fitted attributes but the net, each checked.

    Raises
    ------
    AttributeError, LookupError, TypeError, ValueError
        If `describe` cannot have written the header.
    """
    for key in sorted(_KEYS.keys() | header.keys()):
        wanted = _KEYS[key].__name__ if key in _KEYS else "nothing"
        given = type(header[key]).__name__ if key in header else "nothing"
        if wanted != given:
            raise TypeError(f"Expected {wanted} as {key!r}, got {given}.")
    if header["estimator"] not in _CLASSIFIERS:
        raise ValueError(
            f"Expected one of {', '.join(_CLASSIFIERS)}, got {header['estimator']!r}."
        )
    # One that is missing takes its default: it is younger than the file.
    parameters = {key: _from_json(value) for key, value in header["parameters"].items()}
    classifier = _CLASSIFIERS[header["estimator"]](**parameters)
    classifier._check_parameters()
    classifier.compile = False  # needs a compiler, which this machine may not have
    if classifier.n_jobs == 0 or (classifier.n_jobs or 0) > _MAX_JOBS:
        raise ValueError(
            f"Expected n_jobs below 0 or from 1 to {_MAX_JOBS}, got "
            f"{classifier.n_jobs}."
        )
    for row in header["history"]:
        if type(row) is not dict or {*map(type, row.values())} - {int, float}:
            raise TypeError(f"Expected numbers of an epoch in history, got {row!r}.")
    encoder = classifier._make_encoder().restore(**header["encoder"])
    return (
        classifier,
        encoder,
        {
            "classes_": _check_classes(header["classes"], header["dtype"]),
            "encoder_": header["encoder"],
            "history_": header["history"],
            "n_iter_": header["n_iter"],
            "_made_with": classifier._network_parameters(),
            "_rng": np.random.RandomState(header["seed"]),
        },
    )


def _check_classes(labels, dtype):
    if not _LABELS.fullmatch(dtype):
        raise TypeError(f"Expected str, int, bool or float as labels, got {dtype!r}.")
    dtype = np.dtype(dtype)
    wanted = {"O": str, "U": str, "b": bool, "f": float}.get(dtype.kind, int)
    if {*map(type, labels)} != {wanted}:
        raise TypeError(f"Expected {wanted.__name__} as labels, got {labels!r}.")
    if len(labels) < 2 or len(labels) * dtype.itemsize > _MAX_LABELS:
        raise ValueError(
            f"Expected 2 labels or more of at most {_MAX_LABELS:,} bytes together, got "
            f"{len(labels)} of {dtype.itemsize} each."
        )
    classes = np.array(labels, dtype=dtype)
    # Cut, rounded, repeated or out of order they would be others.
    if np.unique(classes).tolist() != labels:
        raise ValueError(f"Expected sorted labels of dtype {dtype}, got {labels!r}.")
    return classes


def _to_json(value):
    """Return a parameter as JSON has it; `TypeError` if it is no plain value."""
    if type(value) is list:
        return [_scalar(item) for item in value]
    if type(value) is tuple:
        return {"tuple": [_scalar(item) for item in value]}
    if type(value) is dict:
        return {"dict": [[_scalar(k), _scalar(v)] for k, v in value.items()]}
    if isinstance(value, Path):
        return {"path": str(value)}
    if type(value) is SynonymReplacer:
        parameters = value.get_params(deep=False)
        return {"SynonymReplacer": {k: _to_json(v) for k, v in parameters.items()}}
    return _scalar(value)


def _from_json(value):
    if type(value) is list:
        return [_scalar(item) for item in value]
    if type(value) is not dict:
        return _scalar(value)
    [(kind, inside)] = value.items()
    if kind == "tuple":
        return tuple(_scalar(item) for item in inside)
    if kind == "dict":
        return {_scalar(k): _scalar(v) for k, v in inside}
    if kind == "path":
        return Path(inside)
    if kind == "SynonymReplacer":
        replacer = SynonymReplacer(**{k: _from_json(v) for k, v in inside.items()})
        check_params(replacer)
        return replacer
    raise ValueError(f"Expected a parameter of a known kind, got {kind!r}.")


def _scalar(value):
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, int) and abs(value) > _MAX_INT:
        raise ValueError(f"Expected an int up to {_MAX_INT}, got {value}.")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(
        "Expected parameters to be None, bool, int, float or str, or a list, tuple or "
        f"dict of such, got {value!r}. Set it to one of these to save the model."
    )


def parse(text):
    """Read a JSON object with no key twice, and with numbers of 64 bits alone.

    Raises
    ------
    ValueError, RecursionError
        If it is something else.
    """
    header = json.loads(
        text,
        object_pairs_hook=_unique,
        parse_float=_number,
        parse_int=_number,
        parse_constant=_number,
    )
    if type(header) is not dict:
        raise ValueError(f"Expected a JSON object, got {type(header).__name__}.")
    return header


def _unique(pairs):
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("Expected no key of JSON twice.")
    return found


def _number(text):
    # No more digits than tell it from one that is small enough.
    value = float(text) if set(text) & set(".eE") else int(text[:21])
    if not (math.isfinite(value) and -(2**63) <= value < 2**64):
        raise ValueError(f"Expected numbers of 64 bits, got {text[:21]}.")
    return value
