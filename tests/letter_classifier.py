"""Reference text classifier in the style of scikit-learn, which passes all checks."""

import numbers

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import (
    check_consistent_length,
    check_random_state,
    compute_class_weight as class_weights,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, _check_y, check_is_fitted

from sktextconv.utils.validation import check_texts


class LetterClassifier(ClassifierMixin, BaseEstimator):
    """Nearest-centroid classifier of letter frequencies.

    The centroids are weighted means, so `sample_weight` is exact and `fit` needs one
    pass. `jitter` is the standard deviation of a random scale for each letter: the
    model depends on `random_state` with it.
    """

    def __init__(
        self, *, scale=30.0, class_weight=None, jitter=0.01, random_state=None
    ):
        self.scale = scale
        self.class_weight = class_weight
        self.jitter = jitter
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        self._check_parameters()
        texts, y, weights = self._check_data(X, y, sample_weight)
        classes = np.unique(y)
        if len(classes) < 2:
            raise ValueError(f"Expected at least two classes, got one class: {classes}")
        self._initialize(classes)
        self._update(texts, y, weights)
        return self

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        self._check_parameters()
        first = not hasattr(self, "classes_")
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit")
        classes = self.classes_ if classes is None else np.unique(classes)
        if not first and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"Expected classes={self.classes_} as in the first call, got {classes}"
            )
        texts, y, weights = self._check_data(X, y, sample_weight)
        if not np.isin(y, classes).all():
            raise ValueError(f"y contains labels that are not in classes: {classes}")
        if first:
            self._initialize(classes)
        self._update(texts, y, weights)
        return self

    def predict(self, X):
        likeliest = self._scores(X).argmax(axis=1)
        return self.classes_[likeliest]

    def predict_proba(self, X):
        return softmax(self._scores(X), axis=1)

    def predict_log_proba(self, X):
        return log_softmax(self._scores(X), axis=1)

    def decision_function(self, X):
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def _check_parameters(self):
        types = {
            "scale": numbers.Real,
            "jitter": numbers.Real,
            "class_weight": (dict, str, type(None)),
            "random_state": (numbers.Integral, np.random.RandomState, type(None)),
        }
        for name, type_ in types.items():
            if not isinstance(getattr(self, name), type_):
                raise ValueError(f"The {name!r} parameter has a wrong type.")

    def _check_data(self, X, y, sample_weight):
        texts = self._to_list(X)
        if y is None:
            raise ValueError("It requires y to be passed, but the target y is None.")
        y = _check_y(y)
        check_classification_targets(y)
        check_consistent_length(texts, y)
        weights = _check_sample_weight(
            sample_weight, y, dtype=np.float64, copy=True, ensure_non_negative=True
        )
        if not weights.any():
            raise ValueError("Expected a weight that is not zero, got only zeros.")
        return texts, y, weights

    def _to_list(self, X):
        return check_texts(X, required_by="LetterClassifier")

    def _initialize(self, classes):
        """Set all fitted attributes, with sums of no text."""
        self.classes_ = classes
        self.weight_sums_ = np.zeros(len(classes))
        self.frequency_sums_ = np.zeros((len(classes), 32))
        rng = check_random_state(self.random_state)
        self.letter_scales_ = 1 + self.jitter * rng.standard_normal(32)

    def _update(self, texts, y, weights):
        """Add the weighted letter frequencies of the texts to the sums."""
        if self.class_weight is not None:
            weights = (
                weights * self._class_weights(y)[np.searchsorted(self.classes_, y)]
            )
        members = (y[:, None] == self.classes_) * weights[:, None]
        self.weight_sums_ += members.sum(axis=0)
        self.frequency_sums_ += members.T @ self._frequencies(texts)

    def _class_weights(self, y):
        return class_weights(self.class_weight, classes=self.classes_, y=y)

    def _frequencies(self, texts):
        """Return scaled letter frequencies, of shape (n_samples, 32)."""
        counts = [
            np.bincount([ord(letter) % 32 for letter in text] or [0], minlength=32)
            for text in texts
        ]
        return np.array([row / row.sum() for row in counts]) * self.letter_scales_

    def _scores(self, X):
        """Return log priors minus scaled squared distances to the centroids."""
        check_is_fitted(self)
        weight_sums = np.maximum(self.weight_sums_, 1e-9)
        centroids = self.frequency_sums_ / weight_sums[:, None]
        differences = self._frequencies(self._to_list(X))[:, None] - centroids
        log_priors = np.log(weight_sums / self.weight_sums_.sum())
        return log_priors - self.scale * (differences**2).sum(axis=2)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags
