"""Bad estimators that fail checks of `partial_fit`."""

import copy

import numpy as np

from ..letter_classifier import LetterClassifier


class InfersClasses(LetterClassifier):
    fails = "check_partial_fit_needs_the_classes_first"

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if not hasattr(self, "classes_") and classes is None:
            classes = np.unique(y)
        return super().partial_fit(X, y, classes, sample_weight)


class IgnoresSecondPartialFit(LetterClassifier):
    fails = "check_partial_fit_continues"

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        updated = copy.deepcopy(self) if hasattr(self, "classes_") else self
        LetterClassifier.partial_fit(updated, X, y, classes, sample_weight)
        return self


class ForgetsFirstPartialFit(LetterClassifier):
    fails = "check_partial_fit_continues"

    def _update(self, texts, y, weights):
        self.frequency_sums_[...], self.weight_sums_[...] = 0, 0
        super()._update(texts, y, weights)


class AcceptsUnknownLabels(LetterClassifier):
    fails = "check_failed_partial_fit_changes_nothing"

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if hasattr(self, "classes_"):
            y = np.where(np.isin(y, self.classes_), y, self.classes_[0])
        return super().partial_fit(X, y, classes, sample_weight)


class CountsFailedCalls(LetterClassifier):
    fails = "check_failed_partial_fit_changes_nothing"

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        self.n_calls_ = getattr(self, "n_calls_", 0) + 1
        return super().partial_fit(X, y, classes, sample_weight)


class ContinuesInFit(LetterClassifier):
    fails = "check_fit_after_partial_fit_starts_from_scratch"

    def _initialize(self, classes):
        if not np.array_equal(getattr(self, "classes_", None), classes):
            super()._initialize(classes)
