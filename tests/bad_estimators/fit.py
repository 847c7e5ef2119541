"""Bad estimators that fail checks of parameters, of `fit`, or of global state."""

import numbers
import sys
import warnings

import numpy as np

from ..letter_classifier import LetterClassifier


class IsTaggedAsRegressor(LetterClassifier):
    fails = "check_is_a_classifier"

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor"
        return tags


class NamesLabelsTargets(LetterClassifier):
    fails = "check_takes_texts_then_labels"

    def fit(self, X, targets, sample_weight=None):
        return super().fit(X, targets, sample_weight)


class ReturnsNone(LetterClassifier):
    fails = "check_fit_returns_self"

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)


class ChangesParameter(LetterClassifier):
    fails = "check_fit_keeps_parameters"

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.scale = 31.0
        return self


class SetsPublicAttribute(LetterClassifier):
    fails = "check_fit_sets_only_fitted_names"

    def _initialize(self, classes):
        super()._initialize(classes)
        self.alphabet = "abc"


class IsAlwaysFitted(LetterClassifier):
    fails = (
        "check_estimators_unfitted check_is_fitted_after_fit_only "
        "check_failed_fit_leaves_it_unfitted "
        "check_not_fitted_error_comes_first"
    )

    def __sklearn_is_fitted__(self):
        return True


class ValidatesTextsBeforeFitted(LetterClassifier):
    fails = "check_estimators_unfitted check_not_fitted_error_comes_first"

    def _scores(self, X):
        self._to_list(X)
        return super()._scores(X)


class SetsAttributesBeforeValidation(LetterClassifier):
    fails = "check_failed_fit_leaves_it_unfitted"

    def fit(self, X, y, sample_weight=None):
        self._check_parameters()
        if not hasattr(self, "classes_"):
            self._initialize(np.array(["a", "b"]))
        return super().fit(X, y, sample_weight)


class HasNoNIter(LetterClassifier):
    fails = "check_n_iter"

    def __init__(self, *, max_iter=10):
        super().__init__(random_state=0)
        self.max_iter = max_iter

    def _check_parameters(self):
        if not isinstance(self.max_iter, numbers.Integral):
            raise ValueError("max_iter must be a whole number")


class ModifiesTexts(LetterClassifier):
    fails = "check_data_are_not_changed"

    def _to_list(self, X):
        texts = super()._to_list(X)
        if isinstance(X, list):
            X[0] = X[0].upper()
        return texts


class Prints(LetterClassifier):
    fails = "check_nothing_is_printed"

    def fit(self, X, y, sample_weight=None):
        sys.stdout.write("fitting")
        return super().fit(X, y, sample_weight)


class WarnsAlways(LetterClassifier):
    fails = "check_read_only_data_fit_without_a_warning"

    def fit(self, X, y, sample_weight=None):
        warnings.warn("it may take long", UserWarning, stacklevel=2)
        return super().fit(X, y, sample_weight)


class WritesIntoArrays(LetterClassifier):
    fails = "check_read_only_data_fit_without_a_warning"

    def _to_list(self, X):
        if isinstance(X, np.ndarray) and X.ndim == 1:
            X[...] = X
        return super()._to_list(X)


class RejectsNumpyFloat(LetterClassifier):
    fails = "check_numpy_scalars_as_parameters"

    def _check_parameters(self):
        super()._check_parameters()
        if type(self.scale) is not float:
            raise ValueError("scale must be a float")


class ValidatesNoParameter(LetterClassifier):
    fails = "check_bad_parameters_are_named"

    def _check_parameters(self):
        pass


class HasNFeaturesIn(LetterClassifier):
    fails = "check_has_no_n_features_in"
    n_features_in_ = 32


class DependsOnCaller(LetterClassifier):
    fails = "check_pipeline_gives_the_same"

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        if sys._getframe(1).f_code.co_filename.endswith("pipeline.py"):
            self.frequency_sums_ *= 2
        return self


class DependsOnGlobalGenerator(LetterClassifier):
    fails = "check_same_seed_same_model"

    def _initialize(self, classes):
        super()._initialize(classes)
        self.letter_scales_ = self.letter_scales_ ** (np.random.get_state()[2] % 7)


class SeedsOnce(LetterClassifier):
    fails = (
        "check_fit_after_partial_fit_starts_from_scratch "
        "check_refit_starts_from_scratch"
    )

    def _initialize(self, classes):
        previous = getattr(self, "_random", None)
        self._random = previous or np.random.RandomState(self.random_state)
        super()._initialize(classes)
        self.letter_scales_ = 1 + self.jitter * self._random.standard_normal(32)


class IgnoresClassesOnRefit(LetterClassifier):
    fails = "check_refit_starts_from_scratch"

    def fit(self, X, y, sample_weight=None):
        before = getattr(self, "classes_", None)
        super().fit(X, y, sample_weight)
        self.classes_ = self.classes_ if before is None else before
        return self


class AdvancesNumpyGenerator(LetterClassifier):
    fails = "check_global_generators_unchanged"

    def fit(self, X, y, sample_weight=None):
        np.random.rand()
        return super().fit(X, y, sample_weight)


class AdvancesTorchGenerator(LetterClassifier):
    fails = "check_global_generators_unchanged"

    def predict(self, X):
        sys.modules["torch"].rand(1)
        return super().predict(X)


class ChangesWarningFilters(LetterClassifier):
    fails = "check_global_settings_unchanged"

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        warnings.simplefilter("ignore", FutureWarning)
        return super().partial_fit(X, y, classes, sample_weight)
