"""Header and arrays of a saved `OnlineNGramClassifier`, without torch."""

import numpy as np
import scipy
import sklearn
from sklearn.utils.validation import check_is_fitted

from ..online import OnlineNGramClassifier
from ._header import (
    check_device,
    from_json,
    make_header,
    parameters_to_json,
    reject_tokenizer,
    restore_header,
)

__all__ = ["SavedOnlineClassifier"]

_NUMBERS = ("n_iter", "n_steps", "n_texts")  # of the header, all positive
_KEYS = {  # of the header, besides those of every model, with the types of the values
    "parameters": dict,
    "n_columns": int,  # number of columns that a text contained; no others are saved
} | dict.fromkeys(_NUMBERS, int)
_ARRAYS = {  # types, and names of the sizes
    "columns": ("I32", ["columns"]),
    "n_containing": ("I64", ["columns"]),
    "last_coef": ("F64", ["rows", "columns"]),
    "last_intercept": ("F64", ["rows"]),
    "mean_coef": ("F64", ["rows", "columns"]),
    "mean_intercept": ("F64", ["rows"]),
}

# Limits for forged files; the memory is that of the arrays with all columns.
_MAX_NUMBER = 2**53
_MAX_INTERCEPT = 1e300
_FREE_MEMORY = 2**32  # bytes, whatever the size of the file
_MAX_MEMORY = 1024  # bytes per byte of a larger file


class SavedOnlineClassifier:
    """Online classifier without its arrays, with the methods of a `SavedPipeline`."""

    name = "model"

    def __init__(self, header):
        self._classes, self._attributes = restore_header(header, _KEYS)
        parameters = {key: from_json(v) for key, v in header["parameters"].items()}
        # Parameters added after the file was written take their defaults.
        self._classifier = OnlineNGramClassifier(**parameters)
        self._classifier._check_parameters()
        self._numbers = {name: header[name] for name in _NUMBERS}
        for name, number in self._numbers.items():
            if not 0 < number <= _MAX_NUMBER:
                raise ValueError(
                    f"Expected {name} from 1 to {_MAX_NUMBER}, got {number}."
                )
        n_classes = len(self._classes)
        self._sizes = {
            "rows": 1 if n_classes == 2 else n_classes,
            "columns": header["n_columns"],
        }

    @staticmethod
    def describe(classifier):
        """Return header and arrays of a fitted classifier.

        Raises
        ------
        TypeError
            If it is of a subclass or has a callable tokenizer, or a label is not
            JSON-serializable.
        sklearn.exceptions.NotFittedError
            If it is not fitted.
        """
        name = OnlineNGramClassifier.__name__
        if type(classifier) is not OnlineNGramClassifier:
            raise TypeError(
                f"Expected {name} of sktextconv, got {name} of "
                f"{type(classifier).__module__}. Save it with skops or joblib."
            )
        check_is_fitted(classifier)
        learner = classifier._learner
        # `set_params` does not change the features of a fitted model.
        parameters = classifier.get_params(deep=False) | learner.get_parameters()
        reject_tokenizer(name, parameters["tokenizer"])
        numbers, arrays = learner.get_state()
        content = {
            "parameters": parameters_to_json(
                parameters, training_only=("random_state",)
            ),
            "n_columns": len(arrays["columns"]),
            "n_iter": classifier.n_iter_,
        }
        libraries = (np, scipy, sklearn)
        return make_header(classifier, content | numbers, libraries), arrays

    def tensors(self, found, file_size):
        """Return type and shape of each array, such as "F32 [2, 3]", by its name.

        Parameters
        ----------
        found : dict of str to str
            Ignored: there is no choice of types.
        file_size : int
            In bytes.

        Raises
        ------
        ValueError
            If the classifier needs far more memory than the file justifies.
        """
        n_weights = 2 * self._sizes["rows"] + 1  # of a column, with its count
        size = 8 * n_weights * int(self._classifier.n_features)
        if size > max(_FREE_MEMORY, _MAX_MEMORY * file_size):
            raise ValueError(
                f"Expected a larger file for {size:,} bytes of memory, got {file_size} "
                "bytes. Train with lower n_features."
            )
        return {
            name: f"{dtype} {[self._sizes[size] for size in sizes]}"
            for name, (dtype, sizes) in _ARRAYS.items()
        }

    def set_tensors(self, arrays):
        """Take the arrays, which were compared with `tensors`, and check them."""
        columns, n_containing = arrays["columns"], arrays["n_containing"]
        n_features, n_texts = self._classifier.n_features, self._numbers["n_texts"]
        is_inside = (columns >= 0) & (columns < n_features)
        if not (is_inside.all() and (np.diff(columns) > 0).all()):
            raise ValueError(f"Expected ascending columns below {n_features}.")
        if not ((n_containing >= 1) & (n_containing <= n_texts)).all():
            raise ValueError(f"Expected columns of 1 to {n_texts} texts each.")
        for name in ("last_intercept", "mean_intercept"):
            if (np.abs(arrays[name]) > _MAX_INTERCEPT).any():
                raise ValueError(f"Expected {name} of at most {_MAX_INTERCEPT}.")
        self._arrays = arrays

    def finish(self, device):
        """Return the classifier; raise `ValueError` if it cannot use the device."""
        check_device(self.name, device)
        learner = self._classifier._make_learner(len(self._classes))
        learner.set_state(self._numbers, self._arrays)
        self._classifier._set_fitted(
            self._classes, learner, n_iter=self._numbers["n_iter"]
        )
        vars(self._classifier).update(self._attributes)
        return self._classifier
