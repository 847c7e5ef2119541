"""The classifier under check: seeded clones of it, a fitted one, and comparisons."""

import contextlib
import dataclasses
import io

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from ._check import require

__all__ = [
    "METHODS",
    "EstimatorUnderTest",
    "FirstFit",
    "corpus",
    "require_finite",
    "scores",
]

_WORDS = {"pos": "good fine", "neg": "xxzz yyqq", "mid": "mmkk wwvv"}
_TOPICS = ("abc", "def", "ghi", "jkl", "mno", "pqr")
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")


def corpus(n_classes=2):
    """Return 24 short texts and an array of their labels; 18 of three classes.

    Classes differ in their words and in their letters: six texts of each in turn. Of
    two classes, the second dozen repeats the first in strings of its own.
    """
    pairs = [(label, topic) for label in list(_WORDS)[:n_classes] for topic in _TOPICS]
    pairs *= 2 if n_classes == 2 else 1
    texts = [f"{_WORDS[label]} {topic}" for label, topic in pairs]
    return texts, np.array([label for label, _ in pairs])


@dataclasses.dataclass(frozen=True)
class FirstFit:
    """A seeded clone after `fit`, and what was seen of that call."""

    estimator: object
    returned: object
    texts: list
    labels: np.ndarray
    printed: str


class EstimatorUnderTest:
    """The classifier under check.

    Parameters
    ----------
    estimator : estimator instance
        Only clones of it are fitted.
    strict : bool, default=False
        Whether what must be the same must be so bit for bit, and whether errors must
        be of the right type and say why.
    """

    def __init__(self, estimator, *, strict=False):
        self.estimator = estimator
        self.strict = strict
        self._first_fits, self._reference = {}, None

    def __str__(self):
        steps = getattr(self.estimator, "steps", ())
        inner = ", ".join(type(step).__name__ for _, step in steps)
        return type(self.estimator).__name__ + (f"({inner})" if inner else "")

    @property
    def capabilities(self):
        """What a check can ask for: methods, parameters and tags, by name."""
        tags = get_tags(self.estimator)
        kind = tags.classifier_tags
        has = {
            "sample_weight": has_fit_parameter(self.estimator, "sample_weight"),
            "class_weight": self.class_weight is not None,
            "iterations": self.iterations is not None,
            "one_output": not tags.target_tags.multi_output,
            "one_label": kind is None or not kind.multi_label,
            "repeatable": not tags.non_deterministic,
            "many_classes": kind is None or kind.multi_class,
            "two_classes_only": kind is not None and not kind.multi_class,
            "good_score": kind is None or not kind.poor_score,
        }
        has |= {
            method: hasattr(self.estimator, method)
            for method in (*METHODS, "partial_fit")
        }
        return {name for name, present in has.items() if present}

    @property
    def class_weight(self):
        """Name of the parameter class_weight, of it or of a step, or None."""
        names = [name for name in self.estimator.get_params() if name.count("__") <= 1]
        return next((n for n in names if _last(n) == "class_weight"), None)

    @property
    def iterations(self):
        """Name of the parameter that counts passes over the texts, or None."""
        params = self.estimator.get_params(deep=False)
        return next((n for n in ("max_epochs", "max_iter") if n in params), None)

    def new(self, **params):
        """Return a clone with every `random_state` 0 and no `warm_start`."""
        estimator = clone(self.estimator)
        fixed = {"random_state": 0, "warm_start": False}
        names = [name for name in estimator.get_params() if _last(name) in fixed]
        return estimator.set_params(**{n: fixed[_last(n)] for n in names} | params)

    def fit(self, texts, labels, *, params=None, **weights):
        """Return a new clone, fitted, whatever its `fit` returns."""
        estimator = self.new(**(params or {}))
        estimator.fit(texts, labels, **weights)
        return estimator

    def partial_fit(self, labels=None):
        """Return a new clone after one `partial_fit` to the corpus."""
        estimator = self.new()
        texts, known = corpus()
        labels = known if labels is None else labels
        estimator.partial_fit(texts, labels, classes=np.unique(known))
        return estimator

    def first_fit(self, n_classes=2):
        """Fit to the corpus, once for all checks."""
        if n_classes not in self._first_fits:
            estimator, printed = self.new(), io.StringIO()
            texts, labels = corpus(n_classes)
            with (
                contextlib.redirect_stdout(printed),
                contextlib.redirect_stderr(printed),
            ):
                returned = estimator.fit(texts, labels)
            self._first_fits[n_classes] = FirstFit(
                estimator, returned, texts, labels, printed.getvalue()
            )
        return self._first_fits[n_classes]

    def fitted(self, n_classes=2):
        """Return the clone of `first_fit`, which no check may change."""
        return self.first_fit(n_classes).estimator

    def fits_of_all_sizes(self):
        """Yield the number of classes and the fitted clone, for two and for three."""
        for n_classes in (2, 3) if "many_classes" in self.capabilities else (2,):
            yield n_classes, self.fitted(n_classes)

    def require_same(self, estimator, what, *, other=None, atol=None):
        """Require the scores of `other`, by default of the fitted clone."""
        texts, _ = corpus()
        if self._reference is None:
            self._reference = scores(self.fitted(), texts)
        expected = self._reference if other is None else scores(other, texts)
        self.require_equal(scores(estimator, texts), expected, what, atol=atol)

    def require_equal(self, actual, expected, what, *, atol=None):
        """Require equal arrays; `atol` None is bit for bit if strict."""
        atol = (0 if self.strict else 1e-7) if atol is None else atol
        same, got = actual.shape == expected.shape, f"shape {actual.shape}"
        if same and actual.dtype.kind == "f":
            same = np.allclose(actual, expected, rtol=atol, atol=atol)
            got = f"a difference of {np.abs(actual - expected).max():.2g}"
        elif same:
            same = np.array_equal(actual, expected)
            got = f"{(actual != expected).sum()} others of {len(actual)}"
        require(same, f"{what}, {f'within {atol:g}' if atol else 'bit for bit'}", got)


def scores(estimator, texts):
    """Return probabilities, else decisions, else labels of texts."""
    methods = ("predict_proba", "decision_function", "predict")
    best = next(method for method in methods if hasattr(estimator, method))
    return np.asarray(getattr(estimator, best)(texts))


def require_finite(values, what):
    """Require scores without NaN and infinity; labels pass."""
    finite = values.dtype.kind != "f" or np.isfinite(values).all()
    require(finite, f"finite scores of {what}", "NaN or infinity")


def _last(name):
    return name.rpartition("__")[2]
