"""Classifiers of letters that break a promise; `breaks` names the checks that fail."""

import copy
import numbers
import sys
import warnings

import numpy as np
from sklearn.base import clone

from .letter_classifier import LetterClassifier as Letters


class ReturnsCodesOfNumbers(Letters):
    breaks = "check_label_types check_pandas_labels"

    def predict(self, X):
        codes = self._scores(X).argmax(axis=1)
        return codes if self.classes_.dtype.kind in "iufb" else self.classes_[codes]


class ReturnsObjects(Letters):
    breaks = "check_label_types check_pandas_labels"

    def predict(self, X):
        return super().predict(X).astype(object)


class MovesNumpy(Letters):
    breaks = "check_global_generators_unchanged"

    def fit(self, X, y, sample_weight=None):
        np.random.rand()
        return super().fit(X, y, sample_weight)


class MovesTorch(Letters):
    breaks = "check_global_generators_unchanged"

    def predict(self, X):
        sys.modules["torch"].rand(1)
        return super().predict(X)


class SetsWarnings(Letters):
    breaks = "check_global_settings_unchanged"

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        warnings.simplefilter("ignore", FutureWarning)
        return super().partial_fit(X, y, classes, sample_weight)


class DrawsFromWhereNumpyIs(Letters):
    breaks = "check_same_seed_same_model"

    def _start(self, classes):
        super()._start(classes)
        self.stretch_ = self.stretch_ ** (np.random.get_state()[2] % 7)


class SeedsOnce(Letters):
    breaks = (
        "check_fit_after_partial_fit_starts_from_scratch "
        "check_refit_starts_from_scratch"
    )

    def _start(self, classes):
        kept = getattr(self, "_random", None)
        self._random = kept or np.random.RandomState(self.random_state)
        super()._start(classes)
        self.stretch_ = 1 + self.jitter * self._random.standard_normal(32)


class ChangesParameter(Letters):
    breaks = "check_fit_keeps_parameters"

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        self.scale = 31.0
        return self


class SetsAttributeInInit(Letters):
    breaks = "check_no_attributes_set_in_init"

    def __init__(
        self, *, scale=30.0, class_weight=None, jitter=0.01, random_state=None
    ):
        super().__init__(
            scale=scale,
            class_weight=class_weight,
            jitter=jitter,
            random_state=random_state,
        )
        self.alphabet = "abc"


class ChecksInInit(Letters):
    breaks = "check_do_not_raise_errors_in_init_or_set_params"

    def __init__(
        self, *, scale=30.0, class_weight=None, jitter=0.01, random_state=None
    ):
        super().__init__(
            scale=scale,
            class_weight=class_weight,
            jitter=jitter,
            random_state=random_state,
        )
        float(scale)


class HasMutableDefault(Letters):
    breaks = "check_parameters_default_constructible"

    def __init__(self, *, scale=30.0, class_weight=None, jitter=0.01, random_state=[]):  # noqa: B006
        super().__init__(
            scale=scale,
            class_weight=class_weight,
            jitter=jitter,
            random_state=random_state,
        )


class SetsPublicName(Letters):
    breaks = "check_fit_sets_only_fitted_names"

    def _start(self, classes):
        super()._start(classes)
        self.alphabet = "abc"


class HasTagsOfOld(Letters):
    breaks = "check_estimator_tags_renamed"

    def _more_tags(self):
        return {"X_types": ["string"]}


class KeepsNoNone(Letters):
    breaks = "check_set_params"

    def set_params(self, **params):
        return super().set_params(**{k: v for k, v in params.items() if v is not None})


class CannotShowItself(Letters):
    breaks = "check_estimator_repr"

    def __repr__(self):
        raise RuntimeError("no name")


class HasWrongTag(Letters):
    breaks = "check_valid_tag_types"

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = "yes"
        return tags


class IsNoClassifier(Letters):
    breaks = "check_is_a_classifier"

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor"
        return tags


class NamesLabelsTargets(Letters):
    breaks = "check_takes_texts_then_labels"

    def fit(self, X, targets, sample_weight=None):
        return super().fit(X, targets, sample_weight)


class ReturnsNothing(Letters):
    breaks = "check_fit_returns_self"

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)


class Prints(Letters):
    breaks = "check_nothing_is_printed"

    def fit(self, X, y, sample_weight=None):
        sys.stdout.write("fitting")
        return super().fit(X, y, sample_weight)


class WarnsOfNothing(Letters):
    breaks = "check_read_only_data_fit_without_a_warning"

    def fit(self, X, y, sample_weight=None):
        warnings.warn("it may take long", UserWarning, stacklevel=2)
        return super().fit(X, y, sample_weight)


class WritesIntoArrays(Letters):
    breaks = "check_read_only_data_fit_without_a_warning"

    def _to_list(self, X):
        if isinstance(X, np.ndarray) and X.ndim == 1:
            X[...] = X
        return super()._to_list(X)


class ChangesTexts(Letters):
    breaks = "check_data_are_not_changed"

    def _to_list(self, X):
        texts = super()._to_list(X)
        if isinstance(X, list):
            X[0] = X[0].upper()
        return texts


class IsAlwaysFitted(Letters):
    breaks = (
        "check_estimators_unfitted check_is_fitted_after_fit_only "
        "check_failed_fit_leaves_it_unfitted "
        "check_not_fitted_error_comes_first"
    )

    def __sklearn_is_fitted__(self):
        return True


class LooksAtTextsFirst(Letters):
    breaks = "check_estimators_unfitted check_not_fitted_error_comes_first"

    def _scores(self, X):
        self._to_list(X)
        return super()._scores(X)


class FitsBeforeItChecks(Letters):
    breaks = "check_failed_fit_leaves_it_unfitted"

    def fit(self, X, y, sample_weight=None):
        self._check_parameters()
        if not hasattr(self, "classes_"):
            self._start(np.array(["a", "b"]))
        return super().fit(X, y, sample_weight)


class CountsNoPasses(Letters):
    breaks = "check_n_iter"

    def __init__(self, *, max_iter=10):
        super().__init__(random_state=0)
        self.max_iter = max_iter

    def _check_parameters(self):
        if not isinstance(self.max_iter, numbers.Integral):
            raise ValueError("max_iter must be a whole number")


class WantsPythonsFloat(Letters):
    breaks = "check_numpy_scalars_as_parameters"

    def _check_parameters(self):
        super()._check_parameters()
        if type(self.scale) is not float:
            raise ValueError("scale must be a float")


class ChecksNoParameter(Letters):
    breaks = "check_bad_parameters_are_named"

    def _check_parameters(self):
        pass


class ClaimsColumns(Letters):
    breaks = "check_has_no_n_features_in"
    n_features_in_ = 32


class LearnsOtherwiseInPipelines(Letters):
    breaks = "check_pipeline_gives_the_same"

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        if sys._getframe(1).f_code.co_filename.endswith("pipeline.py"):
            self.sums_ *= 2
        return self


class ForgetsClassesOnRefit(Letters):
    breaks = "check_refit_starts_from_scratch"

    def fit(self, X, y, sample_weight=None):
        before = getattr(self, "classes_", None)
        super().fit(X, y, sample_weight)
        self.classes_ = self.classes_ if before is None else before
        return self


class GoesOnInFit(Letters):
    breaks = "check_fit_after_partial_fit_starts_from_scratch"

    def _start(self, classes):
        if not np.array_equal(getattr(self, "classes_", None), classes):
            super()._start(classes)


class DependsOnTheBatch(Letters):
    breaks = "check_scores_do_not_depend_on_other_texts"

    def _frequencies(self, texts):
        rows = super()._frequencies(texts)
        return rows + 0.001 * rows.std(axis=0)


class EncodesTexts(Letters):
    breaks = "check_any_str_is_a_text"

    def _frequencies(self, texts):
        return super()._frequencies([text.encode().decode() for text in texts])


class DividesByLength(Letters):
    breaks = (
        "check_any_str_is_a_text check_empty_texts_alone "
        "check_scores_do_not_depend_on_other_texts "
        "check_unknown_texts"
    )

    def _frequencies(self, texts):
        rows = super()._frequencies(texts)
        rows[[not text for text in texts]] = np.nan
        return rows


class WantsFourTexts(Letters):
    breaks = "check_few_texts"

    def fit(self, X, y, sample_weight=None):
        if isinstance(X, list) and len(X) in (2, 3):
            raise ValueError("too few texts")
        return super().fit(X, y, sample_weight)


class WantsAnyVariance(Letters):
    breaks = "check_identical_texts"

    def fit(self, X, y, sample_weight=None):
        alike = isinstance(X, list) and X == ["good fine"] * 12
        if alike and self.class_weight is None:
            raise ValueError("all texts are the same")
        return super().fit(X, y, sample_weight)


class SaysNothingOfVocabulary(Letters):
    breaks = "check_empty_texts_alone"

    def fit(self, X, y, sample_weight=None):
        if isinstance(X, list) and X and not any(X):
            raise ValueError("bad texts")
        return super().fit(X, y, sample_weight)


class TakesAStr(Letters):
    breaks = "check_rejects_a_single_text"

    def _to_list(self, X):
        return super()._to_list(list(X) if isinstance(X, str) else X)


class TakesNone(Letters):
    breaks = "check_rejects_missing_texts"

    def _to_list(self, X):
        if isinstance(X, list):
            X = ["" if text is None else text for text in X]
        return super()._to_list(X)


class TakesNumbers(Letters):
    breaks = "check_rejects_missing_texts check_rejects_items_that_are_not_str"

    def _to_list(self, X):
        if isinstance(X, list):
            X = [str(text) if isinstance(text, float) else text for text in X]
        return super()._to_list(X)


class DecodesBytes(Letters):
    breaks = "check_rejects_items_that_are_not_str"

    def _to_list(self, X):
        if isinstance(X, list):
            X = [t.decode() if isinstance(t, bytes) else t for t in X]
        return super()._to_list(X)


class TakesColumnNames(Letters):
    breaks = "check_rejects_tables"

    def _to_list(self, X):
        return super()._to_list(list(X) if hasattr(X, "columns") else X)


class TakesAnyNumber(Letters):
    breaks = "check_rejects_non_sequences"

    def _to_list(self, X):
        return super()._to_list(["text"] * X if isinstance(X, int) else X)


class TakesDicts(Letters):
    breaks = "check_rejects_other_iterables"

    def _to_list(self, X):
        return super()._to_list(list(X) if isinstance(X, dict) else X)


class LabelsNoTexts(Letters):
    breaks = "check_rejects_an_empty_list"

    def predict(self, X):
        return np.array([]) if isinstance(X, list) and not X else super().predict(X)


class CutsTexts(Letters):
    breaks = "check_rejects_unequal_lengths"

    def fit(self, X, y, sample_weight=None):
        X = X[: len(y)] if isinstance(X, list) and isinstance(y, np.ndarray) else X
        return super().fit(X, y, sample_weight)


class ReadsSeriesByLabel(Letters):
    breaks = "check_pandas_texts"

    def _to_list(self, X):
        if hasattr(X, "iloc") and X.ndim == 1:
            X = [X.to_dict()[row] for row in range(len(X))]
        return super()._to_list(X)


class IteratesOverArrow(Letters):
    breaks = "check_pyarrow_texts"

    def _to_list(self, X):
        return super()._to_list(list(X) if hasattr(X, "to_pylist") else X)


class TakesNoPolars(Letters):
    breaks = "check_polars_texts"

    def _to_list(self, X):
        if type(X).__module__.startswith("polars") and hasattr(X, "to_list"):
            raise TypeError("Expected a list.")
        return super()._to_list(X)


class TakesNoTuple(Letters):
    breaks = "check_containers"

    def _to_list(self, X):
        if isinstance(X, tuple):
            raise TypeError("Expected a list.")
        return super()._to_list(X)


class TakesContinuousLabels(Letters):
    breaks = "check_rejects_bad_labels"

    def _check_data(self, X, y, sample_weight):
        y = [str(y_) for y_ in y] if isinstance(y, list) and 1.7 in y else y
        return super()._check_data(X, y, sample_weight)


class FlattensInSilence(Letters):
    breaks = "check_column_of_labels_warns"

    def _check_data(self, X, y, sample_weight):
        y = y[:, 0] if np.shape(y)[1:] == (1,) else y
        return super()._check_data(X, y, sample_weight)


class TakesTheFirstOfManyLabels(Letters):
    breaks = "check_rejects_labels_of_several_columns"

    def _check_data(self, X, y, sample_weight):
        y = y[:, 0] if np.shape(y)[1:] == (3,) else y
        return super()._check_data(X, y, sample_weight)


class SaysNothingOfClasses(Letters):
    breaks = "check_one_class"

    def fit(self, X, y, sample_weight=None):
        if isinstance(y, list) and len(y) > 1 == len(set(y)):
            raise ValueError("bad data")
        return super().fit(X, y, sample_weight)


class SaysNothingOfTexts(Letters):
    breaks = "check_one_text"

    def fit(self, X, y, sample_weight=None):
        if isinstance(X, list) and len(X) == 1:
            raise ValueError("bad data")
        return super().fit(X, y, sample_weight)


class IsTaggedBinary(Letters):
    breaks = "check_rejects_three_classes"

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class SortsClassesByNumber(Letters):
    breaks = "check_three_classes"

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        if len(self.classes_) == 3:
            self.classes_ = self.classes_[[1, 0, 2]]
        return self


class LearnsNothing(Letters):
    breaks = "check_learns check_partial_fit_continues"

    def _frequencies(self, texts):
        return super()._frequencies(texts) * 0.0


class ScoresErrors(Letters):
    breaks = "check_score_is_the_accuracy"

    def score(self, X, y, sample_weight=None):
        return 1 - super().score(X, y, sample_weight)


class SumsToNineTenths(Letters):
    breaks = (
        "check_log_probabilities check_probabilities check_probabilities_are_float64"
    )

    def predict_proba(self, X):
        return super().predict_proba(X) * 0.9


class HasFloat32Probabilities(Letters):
    breaks = "check_probabilities_are_float64"

    def predict_proba(self, X):
        return super().predict_proba(X).astype(np.float32)


class TakesLogsOfSmallFloats(Letters):
    breaks = "check_log_probabilities"

    def predict_log_proba(self, X):
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X).astype(np.float16) ** 8)


class DecidesInTwoColumns(Letters):
    breaks = "check_decision_function"

    def decision_function(self, X):
        return self._scores(X)


class DecidesForTheFirst(Letters):
    breaks = "check_decisions_agree_with_probabilities"

    def decision_function(self, X):
        scores = super().decision_function(X)
        return -scores if scores.ndim == 1 else scores


class PredictsTheUnlikeliest(Letters):
    breaks = "check_learns check_predict_gives_the_likeliest_class"

    def predict(self, X):
        unlikeliest = self._scores(X).argmin(axis=1)
        return self.classes_[unlikeliest]


class CountsPredictions(Letters):
    breaks = "check_prediction_changes_nothing"

    def predict(self, X):
        likeliest = super().predict(X)
        self.n_predictions_ = getattr(self, "n_predictions_", 0) + 1
        return likeliest


class IgnoresWeights(Letters):
    breaks = (
        "check_class_weight_is_sample_weight check_weight_0_is_a_row_removed "
        "check_weight_2_is_a_row_twice"
    )

    def _check_data(self, X, y, sample_weight):
        texts, y, weights = super()._check_data(X, y, sample_weight)
        return texts, y, np.ones_like(weights)


class TakesZeroForOne(Letters):
    breaks = "check_weight_0_is_a_row_removed"

    def _check_data(self, X, y, sample_weight):
        texts, y, weights = super()._check_data(X, y, sample_weight)
        return texts, y, np.where(weights == 0, 1.0, weights)


class TakesRootsOfWeights(Letters):
    breaks = "check_class_weight_is_sample_weight check_weight_2_is_a_row_twice"

    def _check_data(self, X, y, sample_weight):
        texts, y, weights = super()._check_data(X, y, sample_weight)
        return texts, y, weights**0.5


class SortsWeights(Letters):
    breaks = "check_weights_by_position"

    def _check_data(self, X, y, sample_weight):
        if hasattr(sample_weight, "sort_index"):
            sample_weight = sample_weight.sort_index()
        return super()._check_data(X, y, sample_weight)


class NormalizesWeightsInPlace(Letters):
    breaks = "check_weights_by_position check_read_only_data_fit_without_a_warning"

    def _check_data(self, X, y, sample_weight):
        if getattr(sample_weight, "dtype", None) == np.float64:
            sample_weight /= 2
        return super()._check_data(X, y, sample_weight)


class MindsTheScaleOfWeights(Letters):
    breaks = "check_scale_of_weights"

    def _scores(self, X):
        return super()._scores(X) * (
            1 + 1e-3 * getattr(self, "masses_", np.ones(1)).mean()
        )


class WantsAnArrayOfWeights(Letters):
    breaks = "check_unit_weights check_scale_of_weights check_rejects_bad_weights"

    def _check_data(self, X, y, sample_weight):
        if isinstance(sample_weight, list):
            raise TypeError("Expected an array of weights.")
        return super()._check_data(X, y, sample_weight)


class TakesInfiniteWeights(Letters):
    breaks = "check_rejects_bad_weights"

    def _check_data(self, X, y, sample_weight):
        if sample_weight is not None and np.ndim(sample_weight) == 1:
            sample_weight = np.minimum(sample_weight, 1e9)
        return super()._check_data(X, y, sample_weight)


class DividesByWeightOfClass(Letters):
    breaks = "check_weights_that_leave_one_class"

    def _add(self, texts, y, weights):
        super()._add(texts, y, weights)
        if not self.masses_.all():
            self.sums_[...] = np.nan


class IgnoresClassWeights(Letters):
    breaks = "check_class_weight_counts check_class_weight_is_sample_weight"

    def _class_weights(self, y):
        return np.ones(len(self.classes_))


class DoesNotBalance(Letters):
    breaks = "check_balanced_class_weight"

    def _class_weights(self, y):
        if self.class_weight == "balanced":
            return np.ones(len(self.classes_))
        return super()._class_weights(y)


class GuessesClasses(Letters):
    breaks = "check_partial_fit_needs_the_classes_first"

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if not hasattr(self, "classes_") and classes is None:
            classes = np.unique(y)
        return super().partial_fit(X, y, classes, sample_weight)


class LearnsOnce(Letters):
    breaks = "check_partial_fit_continues"

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        learning = copy.deepcopy(self) if hasattr(self, "classes_") else self
        Letters.partial_fit(learning, X, y, classes, sample_weight)
        return self


class ForgetsWhatItLearnt(Letters):
    breaks = "check_partial_fit_continues"

    def _add(self, texts, y, weights):
        self.sums_[...], self.masses_[...] = 0, 0
        super()._add(texts, y, weights)


class TakesNewLabels(Letters):
    breaks = "check_failed_partial_fit_changes_nothing"

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if hasattr(self, "classes_"):
            y = np.where(np.isin(y, self.classes_), y, self.classes_[0])
        return super().partial_fit(X, y, classes, sample_weight)


class CountsRefusedCalls(Letters):
    breaks = "check_failed_partial_fit_changes_nothing"

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        self.n_calls_ = getattr(self, "n_calls_", 0) + 1
        return super().partial_fit(X, y, classes, sample_weight)


class PicklesLate(Letters):
    breaks = "check_pickle"

    def __reduce_ex__(self, protocol):
        if protocol == 2:
            raise TypeError("It needs protocol 3.")
        return super().__reduce_ex__(protocol)


class CannotBePickled(Letters):
    breaks = (
        "check_joblib_memory_map check_pickle check_pickle_between_partial_fits "
        "check_pickle_holds_no_training_data"
    )

    def _start(self, classes):
        super()._start(classes)
        self.lower_ = lambda text: text.lower()


class LosesItsStretch(Letters):
    breaks = (
        "check_deepcopy check_joblib_memory_map check_pickle "
        "check_pickle_between_partial_fits"
    )

    def __getstate__(self):
        state = super().__getstate__()
        return state | {"stretch_": 1.0} if "stretch_" in state else state


class CopiesParametersOnly(Letters):
    breaks = "check_deepcopy"

    def __deepcopy__(self, memo):
        return clone(self)


class WritesIntoFittedArrays(Letters):
    breaks = "check_joblib_memory_map"

    def _scores(self, X):
        if hasattr(self, "masses_"):
            self.masses_ += 0
        return super()._scores(X)


class KeepsItsTexts(Letters):
    breaks = "check_pickle_holds_no_training_data"

    def _add(self, texts, y, weights):
        super()._add(texts, y, weights)
        self.texts_ = list(texts)


class KeepsItsWeights(Letters):
    breaks = "check_pickle_holds_no_training_data"

    def _add(self, texts, y, weights):
        super()._add(texts, y, weights)
        self.weights_ = weights
