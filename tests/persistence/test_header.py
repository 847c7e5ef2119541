"""JSON header of a saved model: wrong values are rejected."""

import json
import re
import tracemalloc

import pytest
from hypothesis import given, settings, strategies as st
from sklearn.base import clone

import sktextconv
from sktextconv import KimCNNClassifier, ModelFormatError

from ..classifiers import LINEAR
from .model_files import KIM, LABELS, TEXTS, join_file, load_error, split_file

KINDS = st.sampled_from(["tuple", "dict", "path", "SynonymReplacer", "words"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KINDS | st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


def check_rejected_or_valid(data, path):
    """Require that a file is rejected or is a working model."""
    path.write_bytes(data)
    try:
        loaded = sktextconv.load(path)
    except ModelFormatError:
        return
    assert loaded.predict_proba(TEXTS).shape == (4, 3)


@settings(max_examples=150)
@given(st.data())
def test_load_random_header_value(saved, folder, data):
    """A file with a valid checksum is rejected, or is a working model."""
    outer, header, body = split_file(saved)
    key = data.draw(st.sampled_from(sorted(header.keys() - {"sha256"})))
    header[key] = data.draw(JSON)
    check_rejected_or_valid(join_file(outer, header, body), folder / "forged")


@settings(max_examples=150)
@given(st.data())
def test_load_random_parameter_value(saved, folder, data):
    """A file with a valid checksum is rejected, or is a working model."""
    outer, header, body = split_file(saved)
    key = data.draw(st.sampled_from(sorted(header["parameters"])))
    header["parameters"][key] = data.draw(JSON)
    check_rejected_or_valid(join_file(outer, header, body), folder / "forged")


FORGERIES = {  # change of the header, pattern of the message
    "newer": (
        lambda h: h | {"format": 2, "new": 0, "versions": {"sktextconv": "9.1"}},
        r"Expected format 1, got 2, .*'9.1'.* Update sktextconv\.",
    ),
    "format": (lambda h: h | {"format": "1"}, "Expected format 1, got '1'"),
    "true": (lambda h: h | {"format": True}, "got True|got bool"),
    "estimator": (lambda h: h | {"estimator": "Booster"}, "Pipeline or .* 'Booster'"),
    "pipeline": (
        lambda h: h | {"estimator": "Pipeline"},
        "Expected nothing as 'encoder'",
    ),
    "callable": (lambda h: h | {"estimator": "os.system"}, "got 'os.system'"),
    "other": (
        lambda h: h | {"estimator": "RNNClassifier"},
        "unexpected keyword argument",
    ),
    "extra": (lambda h: h | {"more": 1}, "Expected nothing as 'more', got int"),
    "parameter": (
        lambda h: h | {"parameters": h["parameters"] | {"more": 1}},
        "unexpected keyword argument 'more'.* Update sktextconv if",
    ),
    "range": (
        lambda h: h | {"parameters": h["parameters"] | {"dropout": 2}},
        r"'dropout' parameter .* \[0.0, 1.0\)\. Got 2",
    ),
    "width": (
        lambda h: h | {"parameters": h["parameters"] | {"embedding_dim": 3}},
        r"Expected F32 \[2, 3, 1, 3\] as tensor .*, got F32 \[2, 2, 1, 3\]",
    ),
    "threads": (
        lambda h: h | {"parameters": h["parameters"] | {"n_jobs": 10**9}},
        "Expected n_jobs .* to 4096, got 1000000000",
    ),
    "large": (
        lambda h: h | {"parameters": h["parameters"] | {"max_length": 2**60}},
        "Expected an int up to 9007199254740992, got 1152921504606846976",
    ),
    "words": (
        lambda h: h | {"encoder": {"words": h["encoder"]["words"][1:]}},
        r"as tensor 'embedding.weight'",
    ),
    "repeated": (
        lambda h: h | {"encoder": {"words": ["a", *h["encoder"]["words"][1:-1], "a"]}},
        "words .* distinct",
    ),
    "numbers": (
        lambda h: h | {"encoder": {"words": [*h["encoder"]["words"][1:], 7]}},
        "words .* list of str",
    ),
    "encoder": (lambda h: h | {"encoder": {}}, "'words'"),
    "classes": (lambda h: h | {"classes": h["classes"][:2]}, "as tensor 'head.bias'"),
    "order": (lambda h: h | {"classes": h["classes"][::-1]}, "sorted labels"),
    "cut": (lambda h: h | {"dtype": "<U3"}, "sorted labels of dtype <U3"),
    "types": (lambda h: h | {"dtype": "<i8"}, "Expected int as labels"),
    "objects": (
        lambda h: h | {"dtype": "|O", "classes": [[], "a", 1]},
        "str as labels",
    ),
    "dtype": (lambda h: h | {"dtype": "|V8"}, "labels, got '|V8'"),
    "history": (lambda h: h | {"history": [{"epoch": "1"}]}, "a dict of numbers"),
    "seed": (lambda h: h | {"seed": -1}, "Seed must be between 0 and"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_load_forged_header(name, saved, path):
    forge, match = FORGERIES[name]
    outer, header, body = split_file(saved)
    assert re.search(match, load_error(join_file(outer, forge(header), body), path))


def test_load_requires_each_key_with_its_type(saved, path):
    outer, header, body = split_file(saved)
    for key in header.keys() - {"sha256", "format"}:
        less = {name: value for name, value in header.items() if name != key}
        message = load_error(join_file(outer, less, body), path)
        assert f"as '{key}', got nothing" in message
        message = load_error(join_file(outer, header | {key: None}, body), path)
        assert f"as '{key}', got NoneType" in message


def test_load_missing_parameter_takes_default(saved, path):
    """Parameters added after the file was written take their defaults."""
    outer, header, body = split_file(saved)
    del header["parameters"]["batch_size"]
    path.write_bytes(join_file(outer, header, body))
    assert sktextconv.load(path).batch_size == KimCNNClassifier().batch_size


COLUMNS = {"n_columns": 3, "names": ["id", "label", "text"], "label": 1, "texts": [2]}


@pytest.mark.parametrize("columns", [COLUMNS, COLUMNS | {"names": None}])
def test_columns_are_saved_and_loaded(saved, path, columns):
    """`columns_` is saved, loaded and saved again; training removes it."""
    path.write_bytes(saved)
    model = sktextconv.load(path)
    assert not hasattr(model, "columns_")
    model.columns_ = columns
    for _ in range(2):
        sktextconv.save(model, path)
        model = sktextconv.load(path)
        assert model.columns_ == columns
    model.partial_fit(TEXTS[:1], ["good"], classes=model.classes_)
    assert not hasattr(model, "columns_")


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        (None, "Expected dict as 'columns', got NoneType"),
        ({}, "Expected int as 'label', got nothing"),
        (COLUMNS | {"more": 1}, "Expected nothing as 'more', got int"),
        (COLUMNS | {"label": "label"}, "Expected int as 'label', got str"),
        (COLUMNS | {"label": True}, "Expected int as 'label', got bool"),
        (COLUMNS | {"texts": []}, "Expected int as positions of columns"),
        (COLUMNS | {"texts": ["text"]}, "Expected int as positions of columns"),
        (COLUMNS | {"texts": [1]}, "Expected int as positions of columns"),
        (COLUMNS | {"texts": [3]}, "Expected positions below 3"),
        (COLUMNS | {"label": -1}, "Expected positions below 3"),
        (COLUMNS | {"names": "abc"}, "Expected list as 'names', got str"),
        (COLUMNS | {"names": ["a", "b", 1]}, "Expected 3 names of columns"),
        (COLUMNS | {"n_columns": 2**60}, "names of columns"),
    ],
)
def test_load_forged_columns(saved, path, columns, match):
    outer, header, body = split_file(saved)
    data = join_file(outer, header | {"columns": columns}, body)
    assert match in load_error(data, path)


EXAMPLES = ["so good\n\ud800", "", "so good\n\ud800"]


@pytest.mark.parametrize("model", [KIM, LINEAR["tfidf"], LINEAR["tfidf-online"]])
def test_examples_are_saved_on_request(model, path):
    """`examples` are saved and loaded, and saved again; other models have none."""
    model = clone(model).fit(TEXTS, LABELS)
    sktextconv.save(model, path)
    assert not hasattr(sktextconv.load(path), "examples_")
    sktextconv.save(model, path, examples=tuple(EXAMPLES))
    assert not hasattr(model, "examples_")
    for _ in range(2):
        loaded = sktextconv.load(path)
        assert loaded.examples_ == EXAMPLES
        sktextconv.save(loaded, path)
    sktextconv.save(loaded, path, examples=[])
    assert not getattr(sktextconv.load(path), "examples_", None)


@pytest.mark.parametrize("model", [KIM, LINEAR["tfidf-online"]])
def test_training_removes_examples(model, path):
    sktextconv.save(clone(model).fit(TEXTS, LABELS), path, examples=EXAMPLES)
    assert not hasattr(sktextconv.load(path).fit(TEXTS, LABELS), "examples_")


INVALID_EXAMPLES = [
    ("so good", TypeError, "Expected list as 'examples', got str"),
    ([1], TypeError, "Expected a list of str as examples"),
    (["a"] * 101, ValueError, "Expected at most 100 examples .* got 101, the longest"),
    (["a" * 10_001], ValueError, "of at most 10,000 characters each, got 1, the long"),
]


@pytest.mark.parametrize(("examples", "error", "match"), INVALID_EXAMPLES)
def test_invalid_examples(saved, path, examples, error, match):
    """Invalid examples are rejected when they are saved and when they are loaded."""
    with pytest.raises(error, match=match):
        sktextconv.save(clone(KIM).fit(TEXTS, LABELS), path, examples=examples)
    outer, header, body = split_file(saved)
    data = join_file(outer, header | {"examples": examples}, body)
    assert re.search(match, load_error(data, path))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (
            lambda text: text.replace('"seed": ', '"seed": 1, "seed": '),
            "unique keys in JSON",
        ),
        (lambda text: text.replace('"n_iter": 1', '"n_iter": NaN'), "NaN"),
        (lambda text: text.replace('"n_iter": 1', '"n_iter": -Infinity'), "Infinity"),
        (lambda text: text.replace('"n_iter": 1', '"n_iter": 1e999'), "64 bits"),
        (
            lambda text: text.replace('"n_iter": 1', '"n_iter": ' + "9" * 9999),
            "64 bits",
        ),
        (
            lambda text: text.replace('"n_iter": 1', '"n_iter": ' + "[" * 10**6),
            "recursion",
        ),
        (lambda text: text[:-1], "Expecting"),
        (lambda text: "[]", "Expected a JSON object, got list"),
        (lambda text: "null", "Expected a JSON object, got NoneType"),
        (
            lambda text: text.replace("0" * 64, ""),
            "Expected a SHA-256 checksum, got ''",
        ),
        (lambda text: text.replace("0" * 64, "1" * 64), "SHA-256 checksum 1{64}, got"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_load_invalid_json(change, match, saved, path):
    outer, header, body = split_file(saved)
    text = json.dumps(header)
    assert change(text) != text
    assert re.search(match, load_error(join_file(outer, change(text), body), path))


def test_load_bounds_labels_before_allocating(saved, path):
    outer, header, body = split_file(saved)
    data = join_file(outer, header | {"dtype": "<U100000000"}, body)
    tracemalloc.start()
    try:
        assert "3 of 400000000 each" in load_error(data, path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10**7
