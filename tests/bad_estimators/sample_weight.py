"""Bad estimators that fail checks of weights."""

import numpy as np

from ..letter_classifier import LetterClassifier


class RejectsListOfWeights(LetterClassifier):
    fails = "check_unit_weights check_scale_of_weights check_rejects_bad_weights"

    def _check_data(self, X, y, sample_weight):
        if isinstance(sample_weight, list):
            raise TypeError("Expected an array of weights.")
        return super()._check_data(X, y, sample_weight)


class DependsOnScaleOfWeights(LetterClassifier):
    fails = "check_scale_of_weights"

    def _scores(self, X):
        return super()._scores(X) * (
            1 + 1e-3 * getattr(self, "weight_sums_", np.ones(1)).mean()
        )


class SortsWeights(LetterClassifier):
    fails = "check_weights_by_position"

    def _check_data(self, X, y, sample_weight):
        if hasattr(sample_weight, "sort_index"):
            sample_weight = sample_weight.sort_index()
        return super()._check_data(X, y, sample_weight)


class HalvesWeightsInPlace(LetterClassifier):
    fails = "check_weights_by_position check_read_only_data_fit_without_a_warning"

    def _check_data(self, X, y, sample_weight):
        if getattr(sample_weight, "dtype", None) == np.float64:
            sample_weight /= 2
        return super()._check_data(X, y, sample_weight)


class IgnoresWeights(LetterClassifier):
    fails = (
        "check_class_weight_is_sample_weight check_weight_0_is_a_row_removed "
        "check_weight_2_is_a_row_twice"
    )

    def _check_data(self, X, y, sample_weight):
        texts, y, weights = super()._check_data(X, y, sample_weight)
        return texts, y, np.ones_like(weights)


class ReplacesZeroWeights(LetterClassifier):
    fails = "check_weight_0_is_a_row_removed"

    def _check_data(self, X, y, sample_weight):
        texts, y, weights = super()._check_data(X, y, sample_weight)
        return texts, y, np.where(weights == 0, 1.0, weights)


class TakesRootsOfWeights(LetterClassifier):
    fails = "check_class_weight_is_sample_weight check_weight_2_is_a_row_twice"

    def _check_data(self, X, y, sample_weight):
        texts, y, weights = super()._check_data(X, y, sample_weight)
        return texts, y, weights**0.5


class AcceptsInfiniteWeights(LetterClassifier):
    fails = "check_rejects_bad_weights"

    def _check_data(self, X, y, sample_weight):
        if sample_weight is not None and np.ndim(sample_weight) == 1:
            sample_weight = np.minimum(sample_weight, 1e9)
        return super()._check_data(X, y, sample_weight)


class DividesByClassWeight(LetterClassifier):
    fails = "check_weights_that_leave_one_class"

    def _update(self, texts, y, weights):
        super()._update(texts, y, weights)
        if not self.weight_sums_.all():
            self.frequency_sums_[...] = np.nan


class IgnoresClassWeights(LetterClassifier):
    fails = "check_class_weight_counts check_class_weight_is_sample_weight"

    def _class_weights(self, y):
        return np.ones(len(self.classes_))


class IgnoresBalanced(LetterClassifier):
    fails = "check_balanced_class_weight"

    def _class_weights(self, y):
        if self.class_weight == "balanced":
            return np.ones(len(self.classes_))
        return super()._class_weights(y)
