"""Public functions are annotated."""

import importlib
import inspect

import pytest

import sktextconv

PUBLIC = {
    # The stub does not declare `__all__`.
    "sktextconv": vars(sktextconv)["__all__"],
    "sktextconv.base": ["BaseTextNetClassifier"],
    "sktextconv.cli": ["main"],
    "sktextconv.datasets": ["join_fields"],
    "sktextconv.encoding": [
        "BaseTextEncoder",
        "CharEncoder",
        "DocumentEncoder",
        "Ragged",
        "WordEncoder",
        "word_vectors",
    ],
    "sktextconv.feature_extraction": [
        "BagOfMeansVectorizer",
        "CountScaler",
        "LogCountRatio",
    ],
    "sktextconv.linear_model": [
        "LogisticRegression",
        "NaiveBayesSVC",
        "ProbabilisticLinearSVC",
    ],
    "sktextconv.inspection": ["DeletionCurve", "Span"],
    "sktextconv.schedules": ["constant", "cyclical", "decay", "halving", "one_cycle"],
    "sktextconv.serving": ["create_app", "serve"],
}


def public_functions():
    """Return the public functions, and methods of public classes, of the package."""
    found = {}
    for module, names in PUBLIC.items():
        for name in names:
            public = getattr(importlib.import_module(module), name)
            if inspect.isfunction(public):
                found[name] = public
            elif inspect.isclass(public):
                found |= {
                    f"{name}.{method}": function
                    for method, function in inspect.getmembers(public, is_function)
                    if method == "__init__" or not method.startswith("_")
                }
    return {
        name: function
        for name, function in found.items()
        if function.__module__.startswith("sktextconv.")
    }


def is_function(member):
    return inspect.isfunction(member) or inspect.ismethod(member)


@pytest.mark.parametrize(("name", "function"), public_functions().items())
def test_public_function_is_annotated(name, function):
    """Every parameter and the result have a type."""
    signature = inspect.signature(function)
    untyped = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.annotation is parameter.empty and parameter.name != "self"
    ]
    assert not untyped
    assert signature.return_annotation is not signature.empty
