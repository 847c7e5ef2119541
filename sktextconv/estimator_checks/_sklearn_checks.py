"""Checks of scikit-learn: those that are reused, and those that do not apply."""

from ._check import check

__all__ = ["REUSED", "WITHOUT_VARIANT"]

_DESCRIPTIONS = {
    "check_estimator_cloneable": "`clone` returns an unfitted copy.",
    "check_estimator_tags_renamed": (
        "The estimator defines its tags in `__sklearn_tags__`, not in `_more_tags`."
    ),
    "check_valid_tag_types": "The tags have the documented types.",
    "check_estimator_repr": "`repr` returns a string.",
    "check_mixin_order": "Mixins precede `BaseEstimator` in the list of base classes.",
    "check_no_attributes_set_in_init": "The constructor sets only parameters.",
    "check_do_not_raise_errors_in_init_or_set_params": (
        "The constructor and `set_params` accept any value: `fit` validates them."
    ),
    "check_parameters_default_constructible": (
        "Defaults are immutable, and the constructor stores parameters unchanged."
    ),
    "check_get_params_invariance": (
        "`get_params(deep=True)` contains all of `get_params(deep=False)`."
    ),
    "check_set_params": "`get_params` returns the values passed to `set_params`.",
    "check_estimators_unfitted": (
        "Before `fit`, each prediction method raises `NotFittedError`."
    ),
}


def _reuse(name, description):
    def run(under_test):
        # Import it here: the module imports pytest if that is installed.
        from sklearn.utils import estimator_checks

        getattr(estimator_checks, name)(str(under_test), under_test.new())

    run.__name__, run.__doc__ = name, description
    hint = "See scikit-learn's guide to developing estimators."
    return check(hint, replaces=name)(run)


REUSED = [_reuse(name, description) for name, description in _DESCRIPTIONS.items()]

_NO_COLUMNS = "Texts have no columns"
_NO_SIGN = "Texts have no sign"
_NO_ARRAY_API = "The array API has no strings"
_MULTILABEL = "The check applies to multilabel classifiers"

# Reasons why other checks of scikit-learn for classifiers have no variant for texts.
WITHOUT_VARIANT = {
    "check_n_features_in_after_fitting": _NO_COLUMNS,
    "check_sparsify_coefficients": _NO_COLUMNS,
    "check_positive_only_tag_during_fit": _NO_SIGN,
    "check_fit_non_negative": _NO_SIGN,
    "check_sample_weight_equivalence_on_sparse_data": "Texts are never sparse",
    "check_nonsquare_error": "Texts are not a matrix of distances",
    "check_array_api_input": _NO_ARRAY_API,
    "check_array_api_mixed_inputs": _NO_ARRAY_API,
    "check_array_api_same_namespace": _NO_ARRAY_API,
    "check_classifier_multioutput": _MULTILABEL,
    "check_classifiers_multilabel_representation_invariance": _MULTILABEL,
    "check_classifiers_multilabel_output_format_predict": _MULTILABEL,
    "check_classifiers_multilabel_output_format_predict_proba": _MULTILABEL,
    "check_classifiers_multilabel_output_format_decision_function": _MULTILABEL,
}
