"""What is public is documented, and shared parameters alike in every class."""

import ast
import dataclasses
import inspect

import pytest
from numpydoc.docscrape import FunctionDoc, NumpyDocString

import sktextconv
from sktextconv.base import BaseTextNetClassifier

from .classifiers import NETWORKS

PUBLIC = [name for name in sktextconv.__all__ if not name.startswith("__")]
WITH_PARAMETERS = [name for name in PUBLIC if not name.endswith("Error")]

# What a class may word for itself, because it names its own paper or defaults.
OWN_WORDS = {
    "recipe",
    "batch_size",
    "learning_rate",
    "epoch_size",
    "max_epochs",
    "bucketing",
}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_documented_with_an_example(name):
    sections = NumpyDocString(inspect.getdoc(getattr(sktextconv, name)))
    assert sections["Summary"]
    assert sections["Examples"]


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_every_parameter_is_documented_in_order(name):
    subject = getattr(sktextconv, name)
    documented = [
        part.name.split(" ")[0].lstrip("*")
        for part in NumpyDocString(inspect.getdoc(subject))["Parameters"]
    ]
    actual = [p for p in inspect.signature(subject).parameters if p != "self"]
    if dataclasses.is_dataclass(subject):
        assert sorted(documented) == sorted(actual)
    else:
        assert documented == actual


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_defaults_in_docstrings_are_the_defaults(name):
    subject = getattr(sktextconv, name)
    signature = inspect.signature(subject).parameters
    for part in NumpyDocString(inspect.getdoc(subject))["Parameters"]:
        _, found, text = part.type.partition("default=")
        if found:
            assert ast.literal_eval(text) == signature[part.name].default


def parameters_of(cls):
    sections = NumpyDocString(inspect.getdoc(cls))
    return {part.name: (part.type, part.desc) for part in sections["Parameters"]}


@pytest.mark.parametrize("name", NETWORKS)
def test_shared_parameters_read_alike_in_every_network(name):
    shared = {field.name for field in dataclasses.fields(BaseTextNetClassifier)}
    first = parameters_of(type(next(iter(NETWORKS.values()))))
    ours = parameters_of(type(NETWORKS[name]))
    assert shared <= ours.keys()
    for parameter in shared - OWN_WORDS:
        assert ours[parameter] == first[parameter]


@pytest.mark.parametrize("name", NETWORKS)
def test_methods_document_what_they_take_and_give(name):
    cls = type(NETWORKS[name])
    for method in ("fit", "partial_fit", "predict", "predict_proba"):
        sections = FunctionDoc(getattr(cls, method))
        documented = [part.name for part in sections["Parameters"]]
        actual = list(inspect.signature(getattr(cls, method)).parameters)[1:]
        assert documented == actual
        assert sections["Returns"]
