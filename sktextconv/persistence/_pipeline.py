"""Header and arrays of a saved linear pipeline, without torch."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy
import sklearn
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ..encoding._ragged import N_RESERVED
from ..feature_extraction import (
    BagOfMeansVectorizer,
    CountScaler,
    LogCountRatio,
    NGramVectorizer,
)
from ..linear_model import LogisticRegression, NaiveBayesSVC, ProbabilisticLinearSVC
from ..utils._param_validation import check_params
from ._format import check_keys
from ._header import (
    check_device,
    from_json,
    make_header,
    parameters_to_json,
    reject_tokenizer,
    restore_header,
    to_json,
)
from ._pipeline_checks import check_clusters, check_ngrams, check_numbers

__all__ = ["SavedPipeline"]

_KEYS = {  # of the header, besides those of every model, with the types of the values
    "n_features": int,  # number of columns that the vectorizer returns
    "steps": list,
}
_STEP_KEYS = {
    "name": str,
    "class": str,
    "parameters": dict,
    "state": dict,  # fitted values
}
_MAX_STEPS = 100  # limit for forged files

# Names of steps that a pipeline cannot have, being those of its own parameters.
_RESERVED_NAMES = {"steps", "memory", "verbose", "transform_input"}

# Parameters used only in training; their values may not be JSON-serializable.
_TRAINING_ONLY = ("random_state",)


class _Step(NamedTuple):
    """Class of a step, with its fitted attributes.

    Attributes
    ----------
    cls : type
    role : {"vectorizer", "transformer", "classifier"}
    arrays : dict of str to tuple
        Attributes that are arrays: possible types, and names of the sizes. A tensor has
        the name of the attribute without underscores, after the number of the step. It
        is the transposed array: products with sparse features need that layout.
    values : dict of str to type
        Attributes that are saved as JSON.
    check : callable
        Raises `ValueError` for invalid attributes; takes them and the number of
        features.
    """

    cls: type
    role: str
    arrays: dict
    values: dict
    check: Callable = check_numbers


_COEF = ("features", "rows")
_STEPS = {
    step.cls.__name__: step
    for step in (
        _Step(
            NGramVectorizer,
            "vectorizer",
            {"_pairs": (["I64"], ("pairs",))},
            {"_words": list, "_splitting": dict, "_n_short": int}
            | {"_of_characters": bool},
            check_ngrams,
        ),
        _Step(
            BagOfMeansVectorizer,
            "vectorizer",
            {"_columns": (["I32"], ("tokens",))},
            {"_words": list, "_split_scripts": bool},
            check_clusters,
        ),
        _Step(
            CountScaler,
            "transformer",
            {"idf_": (["F64"], ("features",))},
            {"largest_": float},
        ),
        _Step(
            LogCountRatio,
            "transformer",
            {"log_ratio_": (["F32"], ("features",))},
            {},
        ),
        _Step(
            TfidfTransformer,
            "transformer",
            # Missing if it was fitted with use_idf=False.
            {"idf_": (["none", "F32", "F64"], ("features",))},
            {},
        ),
        _Step(
            LogisticRegression,
            "classifier",
            {
                "coef_": (["F64"], _COEF),
                "intercept_": (["F64"], ("rows",)),
                "n_iter_": (["I32"], ("one",)),
            },
            {"C_": float},
        ),
        _Step(
            ProbabilisticLinearSVC,
            "classifier",
            {"coef_": (["F64"], _COEF), "intercept_": (["F64"], ("rows",))},
            {"C_": float, "cv_errors_": dict, "n_iter_": int, "scale_": float},
        ),
        _Step(
            NaiveBayesSVC,
            "classifier",
            {
                "coef_": (["F32"], _COEF),
                "intercept_": (["F64"], ("rows",)),
                "log_ratio_": (["F32"], _COEF),
            },
            {"n_iter_": int, "scale_": float},
        ),
    )
}


class SavedPipeline:
    """Linear pipeline without its arrays, as its header describes it.

    Parameters
    ----------
    header : dict
        Header of a file.

    Raises
    ------
    AttributeError, LookupError, TypeError, ValueError
        If `describe` did not return the header.
    """

    name = "pipeline"

    def __init__(self, header):
        self._classes, self._attributes = restore_header(header, _KEYS)
        n_classes = len(self._classes)
        self._sizes = {
            "one": 1,
            "rows": 1 if n_classes == 2 else n_classes,
            "features": header["n_features"],
        }
        if len(header["steps"]) > _MAX_STEPS:
            raise ValueError(f"Expected {_MAX_STEPS} steps or less.")
        self._names, self._steps, self._states = [], [], []
        for entry in header["steps"]:
            check_keys(entry, _STEP_KEYS)
            step, state = _restore_step(entry)
            self._names.append(entry["name"])
            self._steps.append(step)
            self._states.append(state)
        _check_order(self._names, self._steps)
        if "_words" in self._states[0]:
            n_words = len(self._states[0]["_words"])
            n_short = self._states[0].get("_n_short", 0)
            self._sizes["pairs"] = header["n_features"] + n_short - n_words
            self._sizes["tokens"] = n_words + N_RESERVED

    @staticmethod
    def describe(pipeline):
        """Return header and arrays of a fitted pipeline.

        Raises
        ------
        TypeError
            If a step is of another class than those that a file can hold, or a label or
            a parameter is not JSON-serializable.
        sklearn.exceptions.NotFittedError
            If a step is not fitted.
        ValueError
            If a parameter is invalid.
        """
        _check_classes(pipeline)
        _check_order(list(pipeline.named_steps), [step for _, step in pipeline.steps])
        steps, tensors = [], {}
        for index, (name, step) in enumerate(pipeline.steps):
            check_is_fitted(step)
            known, fitted = _STEPS[type(step).__name__], step.__getstate__()
            reject_tokenizer(type(step).__name__, _find_tokenizer(fitted))
            entry = {
                "name": name,
                "class": type(step).__name__,
                "parameters": parameters_to_json(
                    step.get_params(deep=False), training_only=_TRAINING_ONLY
                ),
                "state": {
                    _plain(attribute): to_json(fitted[attribute])
                    for attribute in known.values
                },
            }
            steps.append(entry)
            tensors |= {
                _tensor_name(index, attribute): fitted[attribute].T
                for attribute in known.arrays
                if attribute in fitted
            }
        n_features = pipeline.steps[-1][1].n_features_in_
        content = {"n_features": int(n_features), "steps": steps}
        return make_header(pipeline, content, (np, scipy, sklearn)), tensors

    def tensors(self, found, file_size):
        """Return type and shape of each array, such as "F32 [2, 3]", by its name.

        Parameters
        ----------
        found : dict of str to str
            Type and shape of the tensors in the file, for those with a choice.
        file_size : int
            Ignored: all arrays are in the file.
        """
        expected = {}
        for index, step in enumerate(self._steps):
            arrays = _STEPS[type(step).__name__].arrays
            for attribute, (dtypes, sizes) in arrays.items():
                name = _tensor_name(index, attribute)
                given = found.get(name, "none").partition(" ")[0]
                dtype = given if given in dtypes else dtypes[-1]
                if dtype != "none":
                    shape = [self._sizes[size] for size in sizes]
                    expected[name] = f"{dtype} {shape}"
        return expected

    def set_tensors(self, arrays):
        """Take the arrays, which were compared with `tensors`, and check them."""
        n_features = self._sizes["features"]
        for index, step in enumerate(self._steps):
            known, state = _STEPS[type(step).__name__], self._states[index]
            for attribute in known.arrays:
                name = _tensor_name(index, attribute)
                if name in arrays:
                    state[attribute] = arrays[name].T
            known.check(state, n_features)
            if known.role != "vectorizer":
                state["n_features_in_"] = n_features
            if known.role == "classifier":
                state["classes_"] = self._classes
            step.__setstate__(step.__getstate__() | state)

    def finish(self, device):
        """Return the pipeline; raise `ValueError` if it cannot use the device."""
        check_device(self.name, device)
        pipeline = Pipeline(list(zip(self._names, self._steps, strict=True)))
        vars(pipeline).update(self._attributes)
        return pipeline


def _restore_step(entry):
    """Return a step that is not fitted, and its fitted values."""
    if entry["class"] not in _STEPS:
        raise ValueError(
            f"Expected a step among {', '.join(_STEPS)}, got {entry['class']!r}."
        )
    known = _STEPS[entry["class"]]
    # Parameters added after the file was written take their defaults.
    step = known.cls(**{key: from_json(v) for key, v in entry["parameters"].items()})
    if known.cls is TfidfTransformer:
        step._validate_params()
    else:
        check_params(step)
    values = {key: from_json(value) for key, value in entry["state"].items()}
    attributes = {_plain(attribute): attribute for attribute in known.values}
    check_keys(values, {key: known.values[name] for key, name in attributes.items()})
    return step, {attributes[key]: value for key, value in values.items()}


def _check_order(names, steps):
    """Raise `TypeError` or `ValueError` unless named steps make a pipeline."""
    roles = [_STEPS[type(step).__name__].role for step in steps]
    between = ["transformer"] * (len(roles) - 2)
    if roles != ["vectorizer", *between, "classifier"]:
        raise TypeError(
            "Expected a vectorizer, transformers and a classifier as steps, got "
            f"{', '.join(type(step).__name__ for step in steps)}."
        )
    is_valid = len({*names}) == len(names) and not {*names} & _RESERVED_NAMES
    if not is_valid or any("__" in name for name in names):
        raise ValueError(f"Expected distinct names of steps, got {names!r}.")


def _check_classes(pipeline):
    """Raise `TypeError` unless all steps are of classes that a file can hold."""
    others = "Save other pipelines with skops or joblib."
    if type(pipeline) is not Pipeline:
        raise TypeError(
            "Expected a Pipeline of scikit-learn, got one of "
            f"{type(pipeline).__module__}. {others}"
        )
    for name, step in pipeline.steps:
        known = _STEPS.get(type(step).__name__)
        if known is None or known.cls is not type(step):
            raise TypeError(
                f"Expected a pipeline of {', '.join(_STEPS)}, got "
                f"{type(step).__name__} as its step {name!r}. {others}"
            )


def _find_tokenizer(fitted):
    """Return the callable tokenizer among the attributes of a step, or None."""
    splitting = fitted.get("_splitting", {})
    found = (fitted.get("tokenizer"), splitting.get("tokenizer"))
    return next(filter(None, (*found, fitted.get("_tokenizer"))), None)


def _plain(attribute):
    """Return the name of an attribute in the file."""
    return attribute.strip("_")


def _tensor_name(index, attribute):
    return f"{index}.{_plain(attribute)}"
