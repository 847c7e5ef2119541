"""scikit-learn's own checks: which need no data and are used, which make no sense."""

from ._check import promise

__all__ = ["REUSED", "WITHOUT_VARIANT"]

_PROMISES = {
    "check_estimator_cloneable": "`clone` makes an unfitted copy.",
    "check_estimator_tags_renamed": "Tags are given by `__sklearn_tags__`.",
    "check_valid_tag_types": "Tags are of their types.",
    "check_estimator_repr": "`repr` works.",
    "check_mixin_order": "Mixins stand before `BaseEstimator`.",
    "check_no_attributes_set_in_init": "The constructor sets parameters alone.",
    "check_do_not_raise_errors_in_init_or_set_params": (
        "The constructor and `set_params` take any value: `fit` looks at them."
    ),
    "check_parameters_default_constructible": (
        "Defaults are plain values, which the constructor stores as they are."
    ),
    "check_get_params_invariance": "`get_params()` holds those of `deep=False`.",
    "check_set_params": "`get_params` returns what `set_params` was given.",
    "check_estimators_unfitted": "Unfitted, each method says so.",
}


def _reuse(name, kept):
    def check(subject):
        # Imported here because it imports pytest, where that is installed.
        from sklearn.utils import estimator_checks

        getattr(estimator_checks, name)(str(subject), subject.new())

    check.__name__, check.__doc__ = name, kept
    remedy = "scikit-learn's guide to developing estimators says more."
    return promise(remedy, stands_for=name)(check)


REUSED = [_reuse(name, kept) for name, kept in _PROMISES.items()]

_NO_COLUMNS = "texts have no columns"
_NO_SIGN = "texts are neither positive nor negative"
_NO_ARRAY_API = "the array API has no strings"
_ONE_LABEL = "asked of classifiers that take several labels for a text"

# Why scikit-learn's other checks of classifiers have no variant for texts.
WITHOUT_VARIANT = {
    "check_n_features_in_after_fitting": _NO_COLUMNS,
    "check_sparsify_coefficients": _NO_COLUMNS,
    "check_positive_only_tag_during_fit": _NO_SIGN,
    "check_fit_non_negative": _NO_SIGN,
    "check_sample_weight_equivalence_on_sparse_data": "there are no sparse texts",
    "check_nonsquare_error": "texts are no matrix of distances",
    "check_array_api_input": _NO_ARRAY_API,
    "check_array_api_mixed_inputs": _NO_ARRAY_API,
    "check_array_api_same_namespace": _NO_ARRAY_API,
    "check_classifier_multioutput": _ONE_LABEL,
    "check_classifiers_multilabel_representation_invariance": _ONE_LABEL,
    "check_classifiers_multilabel_output_format_predict": _ONE_LABEL,
    "check_classifiers_multilabel_output_format_predict_proba": _ONE_LABEL,
    "check_classifiers_multilabel_output_format_decision_function": _ONE_LABEL,
}
