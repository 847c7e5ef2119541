"""Warnings of texts of which a classifier knows no word."""

import warnings

import pytest

from sktextconv import OnnxClassifier, explain, export_onnx

from ..classifiers import NETWORKS

WORD_NETWORKS = ["wordcnn", "kimcnn", "rnn", "han", "dpcnn"]
METHODS = [(name, m) for name in WORD_NETWORKS for m in ("occlusion", "gradient")]


def warning_of(*args, **kwargs):
    """Return the message of the only warning of `explain`, or None."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        explain(*args, **kwargs)
    assert len(caught) < 2
    return str(caught[0].message) if caught else None


@pytest.mark.parametrize(("name", "method"), [*METHODS, ("han", "attention")])
def test_unknown_words_warn(fitted, name, method):
    network = fitted(name)
    message = warning_of(network, "zzyzx qwrtp xkcd", method=method)
    assert message == (
        f"No word of the text is in the vocabulary of {type(network).__name__}, so the "
        "weights tell nothing about its words."
    )
    # One known word is enough.
    assert warning_of(network, "zzyzx film xkcd", method=method) is None


@pytest.mark.parametrize("name", ["charcnn", "vdcnn", "charcrnn"])
def test_unknown_characters_warn(fitted, name):
    network = fitted(name)
    for text in ("русский текст", "中文 評論", "\n😀 "):
        assert warning_of(network, text) == (
            "No character of the text is in the alphabet of "
            f"{type(network).__name__}, so the weights tell nothing about its words."
        )
    assert warning_of(network, "中文 a") is None
    assert warning_of(network, "AAA") is None


def test_unknown_words_of_linear_model_warn(bow):
    assert warning_of(bow, "zzyzx qwrtp") == (
        "Pipeline gives the same score without each word: it may know none of them."
    )
    assert warning_of(bow, "zzyzx film") is None


def test_unknown_words_of_onnx_file_warn(fitted, tmp_path):
    export_onnx(fitted("kimcnn"), tmp_path / "model.onnx")
    classifier = OnnxClassifier(tmp_path / "model.onnx")
    assert warning_of(classifier, "zzyzx qwrtp") == (
        "No word of the text is in the vocabulary of OnnxClassifier, so the weights "
        "tell nothing about its words."
    )
    assert warning_of(classifier, "a good film") is None


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("text", ["", " \n"])
def test_empty_text_does_not_warn(fitted, name, text):
    assert warning_of(fitted(name), text) is None
