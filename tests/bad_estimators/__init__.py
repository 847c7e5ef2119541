"""Bad estimators: reference classifiers with one defect each.

Their attribute `fails` lists the names of the checks that must fail.
"""

from . import (
    fit,
    inputs,
    labels,
    partial_fit,
    predict,
    sample_weight,
    serialization,
    sklearn_api,
)

_MODULES = (
    sklearn_api,
    fit,
    inputs,
    labels,
    sample_weight,
    predict,
    partial_fit,
    serialization,
)
BAD_ESTIMATORS = [
    value
    for module in _MODULES
    for value in vars(module).values()
    if hasattr(value, "fails")
]
