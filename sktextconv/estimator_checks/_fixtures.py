"""The classifier under test with its fitted clones, a corpus, and comparisons."""

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
    """Return short texts and an array of their labels.

    Each text consists of two words of its class and of a third word that occurs in
    each class; words of different classes have no letter in common. Blocks of six
    texts have the same label. Two classes have 24 texts: the last twelve are equal to
    the first twelve, but are distinct str objects. Three classes have 18 texts.
    """
    pairs = [(label, topic) for label in list(_WORDS)[:n_classes] for topic in _TOPICS]
    pairs *= 2 if n_classes == 2 else 1
    texts = [f"{_WORDS[label]} {topic}" for label, topic in pairs]
    return texts, np.array([label for label, _ in pairs])


@dataclasses.dataclass(frozen=True)
class FirstFit:
    """A seeded clone after `fit`, with the inputs and outputs of the call."""

    estimator: object
    returned: object
    texts: list
    labels: np.ndarray
    printed: str


class EstimatorUnderTest:
    """The classifier under test.

    Parameters
    ----------
    estimator : estimator instance
        The classifier. Only clones of it are fitted.
    strict : bool, default=False
        Whether equal results must be equal bit for bit, and whether errors must have
        the right type and a message that gives the reason.
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
        """Methods, parameters and tags that checks can need, as a set of names."""
        tags = get_tags(self.estimator)
        classifier_tags = tags.classifier_tags
        present = {
            "sample_weight": has_fit_parameter(self.estimator, "sample_weight"),
            "class_weight": self.class_weight is not None,
            "iterations": self.iterations is not None,
            "one_output": not tags.target_tags.multi_output,
            "one_label": classifier_tags is None or not classifier_tags.multi_label,
            "repeatable": not tags.non_deterministic,
            "many_classes": classifier_tags is None or classifier_tags.multi_class,
            "two_classes_only": (
                classifier_tags is not None and not classifier_tags.multi_class
            ),
            "good_score": classifier_tags is None or not classifier_tags.poor_score,
        }
        present |= {
            method: hasattr(self.estimator, method)
            for method in (*METHODS, "partial_fit")
        }
        return {name for name, is_present in present.items() if is_present}

    @property
    def class_weight(self):
        """Name of the parameter `class_weight` of it or of a step, or None."""
        names = [name for name in self.estimator.get_params() if name.count("__") <= 1]
        return next((n for n in names if _last(n) == "class_weight"), None)

    @property
    def iterations(self):
        """Name of the parameter that sets the number of epochs, or None."""
        params = self.estimator.get_params(deep=False)
        return next((n for n in ("max_epochs", "max_iter") if n in params), None)

    def new(self, **params):
        """Return a clone with each `random_state` 0 and each `warm_start` False."""
        estimator = clone(self.estimator)
        fixed = {"random_state": 0, "warm_start": False}
        names = [name for name in estimator.get_params() if _last(name) in fixed]
        return estimator.set_params(**{n: fixed[_last(n)] for n in names} | params)

    def fit(self, texts, labels, *, params=None, **weights):
        """Fit a new clone and return the clone, even if its `fit` does not."""
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
        """Return the record of a fit to the corpus, which all checks share."""
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
        """Return the clone of `first_fit`; checks must not change it."""
        return self.first_fit(n_classes).estimator

    def fitted_by_n_classes(self):
        """Yield the number of classes and the fitted clone, for two and for three."""
        for n_classes in (2, 3) if "many_classes" in self.capabilities else (2,):
            yield n_classes, self.fitted(n_classes)

    def require_same(self, estimator, description, *, other=None, atol=None):
        """Require that `estimator` has the scores of `other`.

        Parameters
        ----------
        estimator : estimator instance
            A fitted classifier.
        description : str
            Description of the expected scores, for the message.
        other : estimator instance, default=None
            A fitted classifier; None is the shared fitted clone.
        atol : float, default=None
            As in `require_equal`.
        """
        texts, _ = corpus()
        if self._reference is None:
            self._reference = scores(self.fitted(), texts)
        expected = self._reference if other is None else scores(other, texts)
        self.require_equal(scores(estimator, texts), expected, description, atol=atol)

    def require_equal(self, actual, expected, description, *, atol=None):
        """Require equal arrays.

        `atol` is the tolerance for floats, absolute and relative; None is 0 if strict,
        else 1e-7.
        """
        atol = (0 if self.strict else 1e-7) if atol is None else atol
        same, got = actual.shape == expected.shape, f"shape {actual.shape}"
        if same and actual.dtype.kind == "f":
            same = np.allclose(actual, expected, rtol=atol, atol=atol)
            got = f"a difference of {np.abs(actual - expected).max():.2g}"
        elif same:
            same = np.array_equal(actual, expected)
            got = f"{(actual != expected).sum()} different values of {len(actual)}"
        tolerance = f"within {atol:g}" if atol else "bit for bit"
        require(same, f"{description}, {tolerance}", got)


def scores(estimator, texts):
    """Return the best available of probabilities, decisions and predicted labels."""
    methods = ("predict_proba", "decision_function", "predict")
    best = next(method for method in methods if hasattr(estimator, method))
    return np.asarray(getattr(estimator, best)(texts))


def require_finite(values, description):
    """Require scores without NaN and infinity; ignore labels."""
    finite = values.dtype.kind != "f" or np.isfinite(values).all()
    require(finite, f"finite scores of {description}", "NaN or infinity")


def _last(name):
    """Return the part of a parameter name after the last double underscore."""
    return name.rpartition("__")[2]
