"""Damaged and forged files of linear models are rejected."""

import json
import re

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import assume, given, settings, strategies as st

import sktextconv
from sktextconv import ModelFormatError

from .model_files import TEXTS, join_file, load_error, split_file
from .test_header import COLUMNS, JSON
from .test_pipelines import fitted

ONLINE = "tfidf-online"
NAMES = (
    *("bow-tfidf", "ngrams-nb", "tfidf", "characters", "bag-of-means", "ratio"),
    ONLINE,
)


@pytest.fixture(scope="module")
def saved(folder):
    """Return the bytes of saved pipelines by name."""
    files = {}
    for name in NAMES:
        sktextconv.save(fitted(name), folder / "saved")
        files[name] = (folder / "saved").read_bytes()
    return files


def test_load_reassembled_pipeline(saved, path):
    for name in NAMES:
        path.write_bytes(join_file(*split_file(saved[name])))
        found = sktextconv.load(path).predict_proba(TEXTS)
        assert np.array_equal(found, fitted(name).predict_proba(TEXTS))


@settings(max_examples=100)
@given(st.data())
def test_load_damaged_pipeline(saved, folder, data):
    """A file is rejected if bits are flipped, or bytes inserted or removed."""
    whole = saved[data.draw(st.sampled_from(NAMES))]
    damaged = bytearray(whole)
    for position in data.draw(st.sets(st.integers(0, len(whole) - 1))):
        damaged[position] ^= 1 << data.draw(st.integers(0, 7))
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    damaged[start:end] = data.draw(st.binary(max_size=20))
    assume(damaged != whole)
    load_error(bytes(damaged), folder / "damaged")


@settings(max_examples=300)
@given(st.data())
def test_load_random_pipeline_header(saved, folder, data):
    """A file with a valid checksum is rejected, or is a working model."""
    outer, header, body = split_file(saved[data.draw(st.sampled_from(NAMES))])
    step = data.draw(st.sampled_from(header.get("steps", [header])))
    parts = [header, step, step["parameters"], step.get("state")]
    part = data.draw(st.sampled_from([part for part in parts if part]))
    part[data.draw(st.sampled_from(sorted(part.keys() - {"sha256"})))] = data.draw(JSON)
    path = folder / "forged"
    path.write_bytes(join_file(outer, header, body))
    try:
        loaded = sktextconv.load(path)
    except ModelFormatError:
        return
    probabilities = loaded.predict_proba(TEXTS)
    assert probabilities.shape == (4, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def state(step, **values):
    """Return a change of a header that replaces fitted values of a step."""
    return lambda header: header["steps"][step]["state"].update(values)


def parameters(step, **values):
    return lambda header: header["steps"][step]["parameters"].update(values)


def part(step, **values):
    return lambda header: header["steps"][step].update(values)


def words(*change):
    def forge(header):
        found = header["steps"][0]["state"]["words"]
        found[slice(*change[:2])] = change[2:]

    return forge


def top(**values):
    return lambda header: header.update(values)


def online(**values):
    return lambda header: header["parameters"].update(values)


SPLITTING = [["lowercase", True], ["token_pattern", None], ["tokenizer", None]]

FORGERIES = {  # name of the file, change of the header, pattern of the message
    "more": ("tfidf", lambda h: h.update(more=1), "Expected nothing as 'more'"),
    "no steps": ("tfidf", lambda h: h.update(steps=[]), "a vectorizer, transformers"),
    "steps": ("tfidf", lambda h: h.update(steps=[1]), "object has no attribute"),
    "many": (
        "tfidf",
        lambda h: h.update(steps=[h["steps"][0], *[h["steps"][1]] * 99, h["steps"][2]]),
        "Expected 100 steps or less",
    ),
    "one": ("tfidf", lambda h: h["steps"].pop(), "a vectorizer, transformers and a"),
    "reversed": ("tfidf", lambda h: h["steps"].reverse(), "a vectorizer, transformers"),
    "class": ("tfidf", part(0, **{"class": "os.system"}), "got 'os.system'"),
    "private": ("tfidf", part(0, **{"class": "Pipeline"}), "got 'Pipeline'"),
    "other": ("tfidf", part(0, **{"class": "CountScaler"}), "unexpected keyword"),
    "step": ("tfidf", part(0, more=1), "Expected nothing as 'more'"),
    "repeated": ("tfidf", part(0, name="tfidftransformer"), "distinct names of steps"),
    "name": ("tfidf", part(0, name="a__b"), "distinct names of steps"),
    "reserved": ("tfidf", part(0, name="steps"), "distinct names of steps"),
    "parameter": ("tfidf", parameters(0, more=1), "unexpected keyword argument 'more'"),
    "range": ("tfidf", parameters(2, tol=-1), "'tol' parameter of ProbabilisticLin"),
    "norm": ("tfidf", parameters(1, norm="l3"), "'norm' parameter of TfidfTransformer"),
    "code": ("tfidf", parameters(0, tokenizer="os.system"), "'tokenizer' parameter of"),
    "large": ("tfidf", parameters(0, max_n=2**60), "Expected an int up to 900719925"),
    "columns": (
        "tfidf",
        lambda h: h.update(columns=COLUMNS | {"label": 3}),
        "Expected positions below 3",
    ),
    # sizes
    "features": ("tfidf", lambda h: h.update(n_features=9), r"tensor '0.pairs', got I"),
    "negative": ("tfidf", lambda h: h.update(n_features=-9), r"I64 \[-\d+\] as tensor"),
    "huge": ("tfidf", lambda h: h.update(n_features=2**60), r"I64 \[\d+\] as tensor"),
    "fewer words": ("tfidf", words(0, 1), r"as tensor '0.pairs', got I64 \[\d+\]"),
    "fewer clusters": ("bag-of-means", words(0, 1), r"as tensor '0.columns', got I32"),
    "clusters": (
        "bag-of-means",
        lambda h: h.update(n_features=3),
        "as tensor '1.idf', got F64",
    ),
    "classes": (
        "tfidf",
        lambda h: h.update(classes=["bad", "good", "odd"]),
        r"Expected F64 \[\d+, 3\] as tensor '2.coef', got F64 \[\d+, 1\]",
    ),
    "short": ("tfidf", state(0, n_short=1), "as tensor '0.pairs'"),
    # the vocabulary
    "no word": ("bow-tfidf", words(0, 99), "as tensor '0.pairs'|words"),
    "same word": ("tfidf", words(0, 1, "good"), "words .* to be distinct"),
    "number": ("tfidf", words(0, 1, 7), "to be a list of str"),
    "no list": ("tfidf", state(0, words="abc"), "Expected list as 'words', got str"),
    "two": ("characters", words(0, 1, "ab"), "characters in ascending order"),
    "unsorted": ("characters", words(0, 2, "b", "a"), "characters in asc|distinct"),
    "kind": ("tfidf", state(0, of_characters=True), "Expected nothing as 'token_pat"),
    "true": ("tfidf", state(0, of_characters=1), "Expected bool as 'of_characters'"),
    "below": ("tfidf", state(0, n_short=-1), "as tensor '0.pairs'|no negative number"),
    "pattern": (
        "tfidf",
        state(0, splitting={"dict": [*SPLITTING[::2], ["token_pattern", "("]]}),
        "must be a regular expression",
    ),
    "long pattern": (
        "tfidf",
        state(0, splitting={"dict": [*SPLITTING[::2], ["token_pattern", "a" * 10**5]]}),
        "token_pattern of at most 10000 characters",
    ),
    "callable": (
        "tfidf",
        state(0, splitting={"dict": [*SPLITTING[:2], ["tokenizer", "os.system"]]}),
        "Expected NoneType as 'tokenizer', got str",
    ),
    "split": ("bag-of-means", state(0, split_scripts=1), "Expected bool as 'split_s"),
    # numbers
    "largest": ("bow-tfidf", state(1, largest=0.0), "Expected largest_ above"),
    "tiny": ("bow-tfidf", state(1, largest=1e-300), "Expected largest_ above"),
    "type": ("bow-tfidf", state(1, largest=1), "Expected float as 'largest', got int"),
    "scale": ("ngrams-nb", state(1, scale=1e9), "Expected scale_ above"),
    "opposite": ("ngrams-nb", state(1, scale=-1.0), "Expected scale_ above"),
    "C": ("tfidf", state(2, C=-1.0), "Expected C_ above"),
    "errors": ("tfidf", state(2, cv_errors={"dict": [["a", 1]]}), "float as errors"),
    "missing": ("tfidf", part(2, state={}), "Expected float as 'C', got nothing"),
    # the online model
    "online parameter": (ONLINE, online(more=1), "unexpected keyword argument 'more'"),
    "online range": (ONLINE, online(n_features=2**26), "'n_features' parameter of On"),
    "online rate": (ONLINE, online(alpha=0.5), "must be below 1 / learning_r"),
    "online code": (ONLINE, online(tokenizer="os.system"), "'tokenizer' parameter of"),
    "online steps": (ONLINE, top(steps=[]), "Expected nothing as 'steps', got list"),
    "online classes": (
        ONLINE,
        top(classes=["bad", "good", "odd"]),
        r"Expected F64 \[3, \d+\] as tensor 'last_coef', got F64 \[1, \d+\]",
    ),
    "online columns": (
        ONLINE,
        top(n_columns=2**60),
        r"I32 \[\d+\] as tensor 'columns'",
    ),
    "online negative": (ONLINE, top(n_columns=-1), r"I32 \[-1\] as tensor 'columns'"),
    "online texts": (ONLINE, top(n_texts=0), "Expected n_texts from 1 to .*, got 0"),
    "fewer texts": (ONLINE, top(n_texts=1), "Expected columns of 1 to 1 texts each"),
    "online steps made": (ONLINE, top(n_steps=-1), "Expected n_steps from 1 to"),
    "many steps": (ONLINE, top(n_steps=2**60), "Expected n_steps from 1 to"),
    "epochs": (ONLINE, top(n_iter=0), "Expected n_iter from 1 to"),
    "online float": (ONLINE, top(n_texts=2.0), "Expected int as 'n_texts', got float"),
    "online memory": (
        ONLINE,
        lambda h: (online(n_features=2**25)(h), top(classes=[*map(str, range(10))])(h)),
        r"Expected a larger file for 5,637,144,576 bytes of memory, got \d+ bytes\.",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_load_forged_pipeline_header(name, saved, path):
    file, forge, match = FORGERIES[name]
    outer, header, body = split_file(saved[file])
    forge(header)
    assert re.search(match, load_error(join_file(outer, header, body), path))


@pytest.mark.parametrize("name", ["tfidf", ONLINE])
def test_load_linear_model_requires_each_key(name, saved, path):
    outer, header, body = split_file(saved[name])
    for key in header.keys() - {"sha256", "format", "estimator"}:
        less = {name: value for name, value in header.items() if name != key}
        message = load_error(join_file(outer, less, body), path)
        assert f"as '{key}', got nothing" in message


def test_load_pipeline_missing_parameter(saved, path):
    """A parameter added after the file was written takes its default."""
    outer, header, body = split_file(saved["tfidf"])
    del header["steps"][2]["parameters"]["cv"]
    path.write_bytes(join_file(outer, header, body))
    assert sktextconv.load(path)[-1].cv == 3


def replaced(saved, name, tensor, change):
    """Return the bytes of a file with another tensor; None removes it."""
    _, header, _ = split_file(saved[name])
    tensors = safetensors.numpy.load(saved[name])
    tensors[tensor] = change(tensors[tensor])
    tensors = {key: array for key, array in tensors.items() if array is not None}
    data = safetensors.numpy.save(tensors, {"sktextconv": json.dumps(header)})
    outer, _, body = split_file(data)
    return join_file(outer, header, body)


def with_value(index, value):
    def change(array):
        array = array.copy()
        array[index] = value
        return array

    return change


WRONG_TENSORS = {  # name of the file, tensor, its change, pattern of the message
    "none": ("tfidf", "2.coef", lambda a: None, "as tensor '2.coef', got none"),
    "type": ("tfidf", "2.coef", np.float32, "as tensor '2.coef', got F32"),
    "idf": ("tfidf", "1.idf", np.float16, "as tensor '1.idf', got F16"),
    "shape": ("tfidf", "2.coef", np.transpose, r"as tensor '2.coef', got F64 \[1, \d+"),
    "infinity": ("tfidf", "2.coef", with_value((0, 0), np.inf), "NaN or infinity"),
    "repeated": ("tfidf", "0.pairs", with_value(1, 0), "n-grams in ascending order"),
    "below": ("tfidf", "0.pairs", with_value(0, -1), "n-grams in ascending order"),
    "above": (
        "tfidf",
        "0.pairs",
        with_value(-1, np.iinfo(np.int64).max),
        "n-grams in ascending order",
    ),
    "gap": ("bag-of-means", "0.columns", with_value(2, 9), "words in each of 4 clust"),
    "no cluster": ("bag-of-means", "0.columns", with_value(2, -1), "words in each of"),
    "reserved": ("bag-of-means", "0.columns", with_value(0, 0), "for reserved ids"),
    "online none": (
        ONLINE,
        "mean_coef",
        lambda a: None,
        "as tensor 'mean_coef', got n",
    ),
    "online type": (ONLINE, "columns", np.int64, "as tensor 'columns', got I64"),
    "online nan": (ONLINE, "last_coef", with_value((0, 0), np.nan), "NaN or infinity"),
    "online intercept": (
        ONLINE,
        "mean_intercept",
        with_value(0, 1e308),
        "Expected mean_intercept of at most 1e.300",
    ),
    "same column": (ONLINE, "columns", lambda a: np.repeat(a[:1], len(a)), "ascending"),
    "descending": (
        ONLINE,
        "columns",
        lambda a: a[::-1],
        "ascending columns below 4096",
    ),
    "negative": (ONLINE, "columns", with_value(0, -1), "ascending columns below 4096"),
    "outside": (
        ONLINE,
        "columns",
        with_value(-1, 4096),
        "ascending columns below 4096",
    ),
    "no text": (ONLINE, "n_containing", with_value(0, 0), "columns of 1 to 12 texts"),
    "more texts": (ONLINE, "n_containing", with_value(0, 13), "of 1 to 12 texts each"),
}


@pytest.mark.parametrize("name", WRONG_TENSORS)
def test_load_pipeline_with_wrong_tensor(name, saved, path):
    file, tensor, change, match = WRONG_TENSORS[name]
    message = load_error(replaced(saved, file, tensor, change), path)
    assert re.search(match, message)


def test_load_pipeline_without_idf(saved, path):
    """A file without document frequencies is that of a step without them."""
    path.write_bytes(replaced(saved, "tfidf", "1.idf", lambda a: None))
    assert not hasattr(sktextconv.load(path)[1], "idf_")
