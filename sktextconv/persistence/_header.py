"""JSON header of a saved model: parameters, classes, vocabulary, history."""

import copy
import platform
import warnings
from pathlib import Path

import numpy as np
import sklearn
import skorch
import torch
from sklearn.utils.validation import check_is_fitted

from .. import _HOMES, __version__, networks
from ..augmentation._synonyms import SynonymReplacer
from ..utils._param_validation import check_params
from ._format import (
    OPTIONAL_KEYS,
    ZERO_CHECKSUM,
    check_classes,
    check_columns,
    check_keys,
)

__all__ = ["FORMAT", "check_network", "make_header", "restore_estimator", "versions"]

# Version of the file format; increase it when the meaning of a file changes.
FORMAT = 1

_CLASSIFIERS = {name: getattr(networks, name) for name in _HOMES["networks"]}

_KEYS = {  # of the header, each with the type of its value
    "sha256": str,  # checksum of the file with `ZERO_CHECKSUM` in its place
    "format": int,
    "versions": dict,  # of the libraries that wrote it; informative only
    "estimator": str,
    "parameters": dict,
    "classes": list,
    "dtype": str,  # of the classes
    "encoder": dict,  # its fitted state
    "history": list,
    "n_iter": int,
    "seed": int,  # of continued training
}

# Parameters used only in training; their values may not be JSON-serializable.
_TRAINING_ONLY = ("augmenter", "callbacks", "random_state", "schedule", "vectors")

# Parameters that depend on the machine, with the values to save instead.
_MACHINE = {"checkpoint": None, "compile": False, "resume": False}

# Parameters that files of earlier versions lack, with values other than the default.
_EARLIER_VALUES = {"VDCNNClassifier": {"alphabet": "vdcnn"}}

# Limits for forged files; far above any real value.
_MAX_JOBS = 4096
_MAX_INT = 2**53  # of a parameter; exact in any JSON reader


def check_network(classifier):
    """Raise `TypeError` or `NotFittedError` unless a file can hold a classifier.

    That is a fitted public network without a callable tokenizer.
    """
    name = type(classifier).__name__
    if _CLASSIFIERS.get(name) is not type(classifier):
        raise TypeError(
            f"Expected a fitted network of sktextconv ({', '.join(_CLASSIFIERS)}), got "
            f"{name}. Save other estimators, and pipelines, with skops or joblib."
        )
    check_is_fitted(classifier)
    tokenizer = classifier._init_params.get("tokenizer")
    if tokenizer is not None:
        # A file without it, and another one in `load`, would give other predictions.
        raise TypeError(
            f"Expected a network without a tokenizer of your own, got {name} with "
            f"tokenizer={tokenizer!r}: the file holds no code. Save it with pickle, "
            "joblib or skops, and load it where the tokenizer can be imported; or set "
            "tokenizer=None and fit again."
        )


def versions(*libraries):
    """Return the versions of Python, this package and the given libraries."""
    own = {"python": platform.python_version(), "sktextconv": __version__}
    return own | {library.__name__: str(library.__version__) for library in libraries}


def make_header(classifier):
    """Return the JSON-serializable header of a fitted network.

    Raises
    ------
    TypeError
        If it is not a public network, or a label or a parameter is not
        JSON-serializable.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    ValueError
        If a parameter is invalid.
    """
    check_network(classifier)
    parameters, omitted = {}, []
    # Parameters of the network have the values they had in `fit`.
    values = classifier.get_params(deep=False) | classifier._init_params | _MACHINE
    for key, value in values.items():
        try:
            parameters[key] = _to_json(value)
        except TypeError:
            if key not in _TRAINING_ONLY:
                raise
            parameters[key] = None
            omitted.append(key)
    if omitted:
        warnings.warn(
            "Parameters that are not JSON-serializable are not saved: "
            f"{', '.join(omitted)}. Only training uses them; they will be None in the "
            "loaded model.",
            stacklevel=3,
        )
    header = {
        "sha256": ZERO_CHECKSUM,
        "format": FORMAT,
        "versions": versions(np, sklearn, skorch, torch),
        "estimator": type(classifier).__name__,
        "parameters": parameters,
        "classes": classifier.classes_.tolist(),
        "dtype": classifier.classes_.dtype.str,
        "encoder": classifier.encoder_.get_state(),
        "history": [
            {key: _scalar(value) for key, value in row.items()}
            for row in classifier.history_
        ],
        "n_iter": classifier.n_iter_,
        # Drawn from a copy: drawing from the generator would change the classifier.
        "seed": copy.deepcopy(classifier._rng).randint(2**31),
    }
    if hasattr(classifier, "columns_"):
        header["columns"] = classifier.columns_
    # Fail here rather than write an unreadable file.
    restore_estimator(header)
    return header


def restore_estimator(header):
    """Return classifier, encoder and fitted attributes without the net, all checked.

    Raises
    ------
    AttributeError, LookupError, TypeError, ValueError
        If `describe` did not write the header.
    """
    check_keys(header, _KEYS, OPTIONAL_KEYS)
    if header["estimator"] not in _CLASSIFIERS:
        raise ValueError(
            f"Expected one of {', '.join(_CLASSIFIERS)}, got {header['estimator']!r}."
        )
    # Parameters added after the file was written take the value they had implicitly.
    parameters = dict(_EARLIER_VALUES.get(header["estimator"], {}))
    parameters |= {key: _from_json(v) for key, v in header["parameters"].items()}
    classifier = _CLASSIFIERS[header["estimator"]](**parameters)
    classifier._check_parameters()
    classifier.set_params(**_MACHINE)
    if classifier.n_jobs == 0 or (classifier.n_jobs or 0) > _MAX_JOBS:
        raise ValueError(
            f"Expected n_jobs below 0 or from 1 to {_MAX_JOBS}, got "
            f"{classifier.n_jobs}."
        )
    for row in header["history"]:
        if type(row) is not dict or {*map(type, row.values())} - {int, float}:
            raise TypeError(f"Expected a dict of numbers in history, got {row!r}.")
    encoder = classifier._make_encoder().set_state(**header["encoder"])
    columns = {}
    if "columns" in header:
        columns = {"columns_": check_columns(header["columns"])}
    return (
        classifier,
        encoder,
        {
            "classes_": check_classes(header["classes"], header["dtype"]),
            "encoder_": header["encoder"],
            "history_": header["history"],
            "n_iter_": header["n_iter"],
            "_init_params": classifier._network_parameters(),
            "_rng": np.random.RandomState(header["seed"]),
        }
        | columns,
    )


def _to_json(value):
    """Return the JSON form of a parameter; raise `TypeError` if there is none."""
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
    """Return the parameter that `_to_json` converted; raise `ValueError` otherwise."""
    if type(value) is list:
        return [_scalar(item) for item in value]
    if type(value) is not dict:
        return _scalar(value)
    [(kind, content)] = value.items()
    if kind == "tuple":
        return tuple(_scalar(item) for item in content)
    if kind == "dict":
        return {_scalar(k): _scalar(v) for k, v in content}
    if kind == "path":
        return Path(content)
    if kind == "SynonymReplacer":
        replacer = SynonymReplacer(**{k: _from_json(v) for k, v in content.items()})
        check_params(replacer)
        return replacer
    raise ValueError(f"Expected a known parameter type, got {kind!r}.")


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
