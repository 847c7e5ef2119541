"""Docstrings of public names: complete, in order, shared parts identical."""

import ast
import inspect

import pytest
from numpydoc.docscrape import FunctionDoc, NumpyDocString

import sktextconv
from sktextconv.base import BaseTextNetClassifier

from .classifiers import NETWORKS

PUBLIC = [name for name in sktextconv.__all__ if not name.startswith("__")]
WITH_PARAMETERS = [name for name in PUBLIC if not name.endswith("Error")]


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_has_summary_and_example(name):
    sections = NumpyDocString(inspect.getdoc(getattr(sktextconv, name)))
    assert sections["Summary"]
    assert sections["Examples"]


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_parameters_match_signature(name):
    """Docstrings list all parameters in the order of the signature."""
    subject = getattr(sktextconv, name)
    documented = [
        part.name.split(" ")[0].lstrip("*")
        for part in NumpyDocString(inspect.getdoc(subject))["Parameters"]
    ]
    actual = [p for p in inspect.signature(subject).parameters if p != "self"]
    assert documented == actual


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_defaults_match_signature(name):
    subject = getattr(sktextconv, name)
    signature = inspect.signature(subject).parameters
    for part in NumpyDocString(inspect.getdoc(subject))["Parameters"]:
        _, found, text = part.type.partition("default=")
        if found:
            assert ast.literal_eval(text) == signature[part.name].default


@pytest.mark.parametrize("name", NETWORKS)
def test_own_parameters_come_first(name):
    """Signature and docstring list inherited parameters last, in one order."""
    cls = type(NETWORKS[name])
    inherited = list(inspect.signature(BaseTextNetClassifier).parameters)
    actual = list(inspect.signature(cls).parameters)
    assert actual[-len(inherited) :] == inherited
    assert not set(actual[: -len(inherited)]) & set(inherited)


@pytest.mark.parametrize("name", NETWORKS)
def test_shared_parameters_have_one_description(name):
    """Only `recipe` differs: each class describes its own recipes."""
    shared = described("Parameters", BaseTextNetClassifier)
    ours = described("Parameters", type(NETWORKS[name]))
    for parameter in shared.keys() - {"recipe"}:
        assert ours[parameter] == shared[parameter]


@pytest.mark.parametrize("name", NETWORKS)
def test_shared_attributes_have_one_description(name):
    shared = described("Attributes", BaseTextNetClassifier)
    ours = described("Attributes", type(NETWORKS[name]))
    assert {"classes_", "history_", "n_iter_"} == shared.keys()
    assert {"encoder_", "net_"} < ours.keys()
    for attribute, description in shared.items():
        assert ours[attribute] == description


def described(section, cls):
    """Return the descriptions in a section of a docstring by name."""
    parts = NumpyDocString(inspect.getdoc(cls))[section]
    return {part.name: part.desc for part in parts}


@pytest.mark.parametrize("name", NETWORKS)
def test_methods_document_parameters_and_returns(name):
    cls = type(NETWORKS[name])
    for method in ("fit", "partial_fit", "predict", "predict_proba"):
        sections = FunctionDoc(getattr(cls, method))
        documented = [part.name for part in sections["Parameters"]]
        actual = list(inspect.signature(getattr(cls, method)).parameters)[1:]
        assert documented == actual
        assert sections["Returns"]
