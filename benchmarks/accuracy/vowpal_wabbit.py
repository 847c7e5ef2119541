"""Vowpal Wabbit as a scikit-learn classifier, for comparison."""

import re
import tempfile
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from sktextconv.encoding._tokenize import PLAIN_PATTERN
from sktextconv.utils._optional_dependencies import require

__all__ = ["VowpalWabbitClassifier"]

_find_words = re.compile(PLAIN_PATTERN).findall


class VowpalWabbitClassifier(ClassifierMixin, BaseEstimator):
    """Vowpal Wabbit's one class against all others, on hashed n-grams.

    Parameters
    ----------
    word_ngrams : int, default=2
        Words in the longest n-grams.
    passes : int, default=1
        Passes over the training texts, in an order drawn at random.
    bits : int, default=22
        Binary logarithm of the number of weights.
    random_state : int, default=0
    """

    def __init__(self, *, word_ngrams=2, passes=1, bits=22, random_state=0):
        self.word_ngrams = word_ngrams
        self.passes = passes
        self.bits = bits
        self.random_state = random_state

    def fit(self, X, y):
        vowpalwabbit = require(
            "vowpalwabbit", by="VowpalWabbitClassifier", extra="peers"
        )
        self.classes_, y_encoded = np.unique(y, return_inverse=True)
        order = np.random.RandomState(self.random_state).permutation(len(y_encoded))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "train.txt")
            with path.open("w", encoding="utf-8", errors="replace") as file:
                file.writelines(
                    f"{y_encoded[row] + 1} {_as_example(X[row])}\n" for row in order
                )
            self.model_ = vowpalwabbit.Workspace(
                f"--oaa {len(self.classes_)} --ngram {self.word_ngrams} "
                f"-b {self.bits} -d {path} --cache_file {path}.cache -k "
                f"--passes {self.passes} --holdout_off --no_stdin --quiet "
                f"--random_seed {self.random_state}"
            )
        return self

    def predict(self, X):
        found = [self.model_.predict(_as_example(text)) for text in X]
        return self.classes_[np.array(found) - 1]

    @property
    def n_parameters_(self):
        return len(self.classes_) * 2**self.bits


def _as_example(text):
    """Return the words of a text in the format of Vowpal Wabbit, without the label."""
    words = " ".join(_find_words(text.lower()))
    return f"|w {words.replace(':', ' ').replace('|', ' ')}"
