"""scikit-learn's own checks: those without data as they are, the others on numbers."""

import pytest
from sklearn.base import clone
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from .contract import NETWORKS, ON_NUMBERS

WITHOUT_DATA = [
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_mixin_order",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_estimators_unfitted",
]

FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": (
        "in minibatches a weight of 2 is a row seen twice in expectation only"
    ),
}

# They ask for equality within 1e-7 and 1e-9, and what float32 kernels give differs by
# 1e-7 with the shape of the batch, or happens not to. Our own contract asks for 1e-5.
CLOSER_THAN_FLOAT32 = {
    "check_methods_subset_invariance",
    "check_methods_sample_order_invariance",
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("check", WITHOUT_DATA)
def test_check_that_needs_no_data_passes(check, name):
    getattr(estimator_checks, check)(name, clone(NETWORKS[name]))


@parametrize_with_checks(ON_NUMBERS, expected_failed_checks=lambda estimator: FAILURES)
def test_check_on_numbers_passes(estimator, check):
    if check.func.__name__ in CLOSER_THAN_FLOAT32:
        pytest.xfail("asks for more digits than float32 has")
    check(estimator)
