"""Constructor signatures, parameter checks and tags of the networks."""

import dataclasses
import inspect

import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags


def test_init_signature(network):
    """The constructor takes keywords only, all annotated, with immutable defaults."""
    parameters = list(inspect.signature(type(network)).parameters.values())
    assert {p.kind for p in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    assert all(
        isinstance(p.default, (str, int, float, bool, type(None), tuple, type))
        for p in parameters
    )
    annotated = {field.name for field in dataclasses.fields(type(network))}
    assert annotated == set(network.get_params()) == {p.name for p in parameters}


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("max_epochs", 0, "must be an int in the range [1, inf). Got 0 instead."),
        ("max_epochs", True, "must be an int in the range [1, inf). Got True instead."),
        ("max_epochs", 1.0, "must be an int in the range [1, inf). Got 1.0 instead."),
        (
            "batch_size",
            "8",
            "an int in the range [1, 1000000] or None. Got '8' instead.",
        ),
        ("learning_rate", 0, "must be a float in the range (0.0, inf) or None."),
        ("learning_rate", float("nan"), "Got nan instead."),
        ("validation_fraction", 1.0, "must be a float in the range (0.0, 1.0)."),
        ("precision", "half", "must be a str among {'auto', 'bfloat16', 'float32'}."),
        ("early_stopping", 1, "must be a bool. Got 1 instead."),
        ("class_weight", "even", "an instance of 'dict', a str among {'balanced'} or"),
        ("random_state", -1, "an instance of 'RandomState' or None. Got -1 instead."),
        ("tol", -1.0, "must be a float in the range [0.0, inf). Got -1.0 instead."),
    ],
)
def test_fit_with_invalid_parameter(network, corpus, name, value, sentence, call):
    """The error names parameter and class, and the classifier stays unfitted."""
    network.set_params(**{name: value})
    with pytest.raises(ValueError, match="parameter of") as caught:
        getattr(network, call)(*corpus)
    start = f"The {name!r} parameter of {type(network).__name__} must be "
    assert str(caught.value).startswith(start)
    assert sentence in str(caught.value)
    with pytest.raises(NotFittedError):
        network.predict(corpus[0])


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"augmenter": 3}, "'augmenter' parameter .* augment"),
        ({"schedule": "no_such"}, "'?schedule'? .*no_such"),
    ],
)
def test_fit_with_invalid_object(network, corpus, setting, sentence):
    """Objects without `augment` and unknown schedules raise `ValueError`."""
    with pytest.raises(ValueError, match=sentence):
        clone(network).set_params(**setting).fit(*corpus)


def test_input_tags(network):
    tags = get_tags(network).input_tags
    assert (tags.string, tags.one_d_array, tags.two_d_array) == (True, True, False)
