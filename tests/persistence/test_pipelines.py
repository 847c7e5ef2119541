"""Saving and loading of linear models."""

import functools
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

import sktextconv
from sktextconv import (
    OnlineNGramClassifier,
    make_bow_classifier,
    make_tfidf_classifier,
)
from sktextconv.feature_extraction import LogCountRatio, NGramVectorizer
from sktextconv.linear_model import ProbabilisticLinearSVC

from ..classifiers import ONLINE, PIPELINES
from ..conftest import same_bits
from .model_files import TEXTS

EVERY = {
    **PIPELINES,
    "characters": make_tfidf_classifier(analyzer="char", C="auto"),
    "long": make_tfidf_classifier(min_n=2, max_n=3, max_features=9),
    "no idf": make_pipeline(
        NGramVectorizer(token_pattern=r"\w+", lowercase=False),
        TfidfTransformer(use_idf=False, norm="l1"),
        ProbabilisticLinearSVC(C=0.5),
    ),
    "ratio": make_pipeline(
        NGramVectorizer(max_n=2), LogCountRatio(), ProbabilisticLinearSVC()
    ),
}
LINEAR = EVERY | ONLINE
each_pipeline = pytest.mark.parametrize("name", EVERY)
each_kind = pytest.mark.parametrize("name", ["tfidf", "tfidf-online"])


def labels(n_classes):
    return (
        ["good", "bad", "odd", "good"] if n_classes == 3 else ["good", "bad"] * 2
    ) * 3


@functools.cache
def fitted(name, n_classes=2):
    return clone(LINEAR[name]).fit(TEXTS * 3, labels(n_classes))


def round_trip(pipeline, path):
    """Return the pipeline after saving and loading."""
    sktextconv.save(pipeline, path)
    return sktextconv.load(path)


def check_equal_attributes(one, other):
    """Require that the same attributes have the same types and values."""
    one, other = one.__getstate__(), other.__getstate__()
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert type(other[name]) is type(value), name
        if isinstance(value, np.ndarray):
            assert other[name].dtype == value.dtype, name
            assert np.array_equal(other[name], value), name
        else:
            assert other[name] == value, name


@pytest.mark.parametrize("n_classes", [2, 3])
@each_pipeline
def test_load_pipeline_same_bits(name, n_classes, path):
    """All predictions, parameters and fitted attributes are those of the saved one."""
    if (name, n_classes) == ("ratio", 3):
        pytest.skip("LogCountRatio has two classes")
    pipeline = fitted(name, n_classes)
    before = pickle.dumps(pipeline)
    loaded = round_trip(pipeline, path)
    assert type(loaded) is Pipeline
    assert list(loaded.named_steps) == list(pipeline.named_steps)
    for (_, one), (_, other) in zip(pipeline.steps, loaded.steps, strict=True):
        assert type(other) is type(one)
        check_equal_attributes(one, other)
    texts = [*TEXTS, "an ünseen film 好看", "", "\ud800"]
    assert same_bits(loaded, pipeline, texts)
    for method in ("predict", "decision_function", "predict_log_proba"):
        expected = getattr(pipeline, method)(texts)
        found = getattr(loaded, method)(texts)
        assert found.dtype == expected.dtype
        assert np.array_equal(found, expected)
    assert not hasattr(loaded, "columns_")
    # `save` has no side effects.
    assert pickle.dumps(pipeline) == before


def test_load_linear_model_without_torch(tmp_path):
    """A new process loads and predicts the same bits, and never imports torch."""
    for name in LINEAR:
        sktextconv.save(fitted(name), tmp_path / name)
    script = (
        "import sys, numpy as np, sktextconv\n"
        f"predict = lambda name: sktextconv.load({str(tmp_path)!r} + '/' + name)"
        f".predict_proba({TEXTS!r})\n"
        f"found = {{name: predict(name) for name in {list(EVERY)}}}\n"
        "unused = {'torch', 'skorch', 'gensim', 'sklearn.svm', 'sklearn.cluster'}\n"
        "assert not unused & set(sys.modules), unused & set(sys.modules)\n"
        f"found |= {{name: predict(name) for name in {list(ONLINE)}}}\n"
        "unused -= {'sklearn.svm'}\n"  # sklearn.linear_model imports it
        "assert not unused & set(sys.modules), unused & set(sys.modules)\n"
        f"np.savez({str(tmp_path / 'found.npz')!r}, **found)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    found = np.load(tmp_path / "found.npz")
    for name in LINEAR:
        assert np.array_equal(found[name], fitted(name).predict_proba(TEXTS))


@pytest.mark.parametrize(
    "classes",
    [
        np.array(["a", "b\0"], dtype=object),
        np.array(["short", "b"], dtype="<U40"),
        np.array([3, -1], dtype=np.int8),
        np.array([True, False]),
        np.array([2.0, 0.0], dtype=np.float32),
    ],
    ids=lambda classes: classes.dtype.str,
)
@each_kind
def test_labels_of_linear_model_keep_dtype(name, classes, path):
    pipeline = clone(LINEAR[name]).fit(TEXTS, np.tile(classes, 2))
    loaded = round_trip(pipeline, path)
    assert loaded.classes_.dtype.str == pipeline.classes_.dtype.str
    assert loaded.predict(TEXTS).tolist() == pipeline.predict(TEXTS).tolist()


@settings(max_examples=30)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=4), st.booleans())
def test_load_pipeline_with_any_word(tmp_path_factory, texts, of_characters):
    path = tmp_path_factory.mktemp("words") / "model"
    texts = [*texts, "a", "b"]
    analyzer = "char" if of_characters else "word"
    pipeline = make_tfidf_classifier(analyzer=analyzer, min_n=1)
    pipeline.fit(texts, [0, 1] + [0] * (len(texts) - 2))
    loaded = round_trip(pipeline, path)
    names = [each[0].get_feature_names_out().tolist() for each in (pipeline, loaded)]
    assert names[0] == names[1]
    assert same_bits(loaded, pipeline, texts)


def test_load_pipeline_after_set_params(path):
    """Parameters are those set last; the words are still those of `fit`."""
    pipeline = clone(EVERY["bow"]).fit(TEXTS, labels(2)[:4])
    pipeline.set_params(ngramvectorizer__lowercase=False, logisticregression__C=3)
    loaded = round_trip(pipeline, path)
    assert same_bits(loaded, pipeline, ["A FINE film"])
    assert loaded[0].lowercase is False
    assert loaded[-1].C == 3
    assert same_bits(
        loaded.fit(TEXTS, labels(2)[:4]),
        clone(pipeline).fit(TEXTS, labels(2)[:4]),
        TEXTS,
    )


def test_pipeline_parameters_are_restored(path):
    pipeline = make_pipeline(
        NGramVectorizer(max_features=np.int64(9)),
        sktextconv.linear_model.LogisticRegression(
            C=np.float32(0.5), class_weight={"good": 2, "bad": 1.0}
        ),
    )
    loaded = round_trip(pipeline.fit(TEXTS, labels(2)[:4]), path)
    for one, other in zip(pipeline, loaded, strict=True):
        assert other.get_params() == one.get_params()


@pytest.mark.parametrize(
    ("name", "prefix"), [("tfidf", "probabilisticlinearsvc__"), ("tfidf-online", "")]
)
def test_generator_of_linear_model_becomes_none(name, prefix, path):
    pipeline = clone(LINEAR[name]).fit(TEXTS, labels(2)[:4])
    generator = np.random.RandomState(0)
    pipeline.set_params(**{f"{prefix}random_state": generator})
    with pytest.warns(UserWarning, match="not saved: random_state") as caught:
        sktextconv.save(pipeline, path)
    assert caught[0].filename == __file__
    loaded = sktextconv.load(path)
    assert loaded.get_params()[f"{prefix}random_state"] is None
    assert same_bits(loaded, pipeline, TEXTS)


COLUMNS = {"n_columns": 3, "names": ["id", "label", "text"], "label": 1, "texts": [2]}


@each_kind
def test_columns_of_linear_model_are_saved(name, path):
    pipeline = clone(LINEAR[name]).fit(TEXTS, labels(2)[:4])
    pipeline.columns_ = COLUMNS
    loaded = round_trip(pipeline, path)
    assert loaded.columns_ == COLUMNS
    assert round_trip(loaded, path).columns_ == COLUMNS
    pipeline.columns_ = COLUMNS | {"label": 9}
    with pytest.raises(ValueError, match="Expected positions below 3"):
        sktextconv.save(pipeline, path)


def test_pickle_of_bag_of_means_before_flat_state():
    """A pickle that holds the encoder itself loads as before."""
    vectorizer = fitted("bag-of-means")[0]
    state = vars(vectorizer)
    assert "_encoder" in state
    loaded = type(vectorizer)()
    loaded.__setstate__(state)
    assert (loaded.transform(TEXTS) != vectorizer.transform(TEXTS)).nnz == 0


# -- refusals ------------------------------------------------------------------------


class Subclass(NGramVectorizer):
    pass


Derived = type("OnlineNGramClassifier", (OnlineNGramClassifier,), {})


def split_at_commas(text):
    return text.split(",")


def with_nan():
    pipeline = clone(EVERY["tfidf"]).fit(TEXTS, labels(2)[:4])
    pipeline[-1].coef_[0, 0] = np.nan
    return pipeline


def with_tokenizer(*, later):
    pipeline = make_bow_classifier(tokenizer=split_at_commas)
    pipeline.fit(TEXTS, labels(2)[:4])
    return pipeline.set_params(ngramvectorizer__tokenizer=None) if later else pipeline


def online(cls=OnlineNGramClassifier, **params):
    return cls(n_features=9, **params).fit(TEXTS, labels(2)[:4])


def online_with_nan():
    model = online()
    model.coef_[0] = np.nan
    return model


def means_with_tokenizer():
    pipeline = clone(EVERY["bag-of-means"])
    pipeline.set_params(bagofmeansvectorizer__tokenizer=split_at_commas)
    pipeline.fit(TEXTS, labels(2)[:4])
    return pipeline.set_params(bagofmeansvectorizer__tokenizer=None)


def with_step(step, position):
    steps = [NGramVectorizer(), TfidfTransformer(), ProbabilisticLinearSVC()]
    steps[position] = step
    return make_pipeline(*steps).fit(TEXTS, labels(2)[:4])


REFUSED = {
    "unfitted": (lambda: EVERY["tfidf"], NotFittedError, "NGramVectorizer"),
    "partly": (
        lambda: make_pipeline(NGramVectorizer(), fitted("bow")[-1]),
        NotFittedError,
        "NGramVectorizer",
    ),
    "scikit-learn": (
        lambda: with_step(TfidfVectorizer(), 0),
        TypeError,
        "NGramVectorizer, .*got TfidfVectorizer as its step 'tfidfv.* skops",
    ),
    "regression": (
        lambda: with_step(LogisticRegression(), 2),
        TypeError,
        "got LogisticRegression as its step",
    ),
    "subclass": (lambda: with_step(Subclass(), 0), TypeError, "got Subclass"),
    "passthrough": (lambda: with_step("passthrough", 1), TypeError, "got str as its"),
    "tokenizer": (
        lambda: with_tokenizer(later=False),
        TypeError,
        "without a tokenizer of your own, got NGramVectorizer with.*split_at",
    ),
    "fitted tokenizer": (lambda: with_tokenizer(later=True), TypeError, "split_at"),
    "means": (means_with_tokenizer, TypeError, "BagOfMeansVectorizer with.*split_at"),
    "nan": (with_nan, ValueError, "NaN or infinity in '2.coef'"),
    "unfitted online": (OnlineNGramClassifier, NotFittedError, "OnlineNGramClassifier"),
    "online tokenizer": (
        lambda: online(tokenizer=split_at_commas).set_params(tokenizer=None),
        TypeError,
        "OnlineNGramClassifier with.*split_at",
    ),
    "derived": (
        lambda: online(Derived),
        TypeError,
        f"Expected OnlineNGramClassifier of sktextconv, got .* of {__name__}.* skops",
    ),
    "online nan": (online_with_nan, ValueError, "NaN or infinity in 'mean_coef'"),
    "parameter": (
        lambda: (
            clone(EVERY["bow"])
            .fit(TEXTS, labels(2)[:4])
            .set_params(logisticregression__max_iter=0)
        ),
        ValueError,
        "'max_iter' parameter of LogisticRegression",
    ),
    "scikit-learn's parameter": (
        lambda: (
            clone(EVERY["tfidf"])
            .fit(TEXTS, labels(2)[:4])
            .set_params(tfidftransformer__norm="l3")
        ),
        ValueError,
        "'norm' parameter of TfidfTransformer",
    ),
    "sizes": (
        lambda: make_pipeline(fitted("bow")[0], fitted("ngrams")[-1]),
        ValueError,
        r"Expected I64 \[\d+\] as tensor '0.pairs', got I64 \[0\]",
    ),
    "empty": (lambda: Pipeline([]), TypeError, "Expected a vectorizer, transformers"),
    "order": (
        lambda: make_pipeline(fitted("bow")[0], fitted("bow")[1]),
        TypeError,
        "Expected a vectorizer, transformers and a classifier as steps",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_save_invalid_linear_model_writes_nothing(name, path):
    make, error, match = REFUSED[name]
    path.write_bytes(b"old")
    with pytest.raises(error, match=match):
        sktextconv.save(make(), path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == b"old"


def test_save_imblearn_pipeline(path):
    """A pipeline of another library is named in the error."""
    imblearn = pytest.importorskip("imblearn.pipeline")
    with pytest.raises(
        TypeError, match="Pipeline of scikit-learn, got one of imblearn"
    ):
        sktextconv.save(imblearn.Pipeline(fitted("tfidf").steps), path)


@pytest.mark.parametrize(
    ("name", "kind"), [("tfidf", "pipeline"), ("tfidf-online", "model")]
)
def test_linear_model_has_no_device(name, kind, path):
    sktextconv.save(fitted(name), path)
    assert same_bits(sktextconv.load(path, device="auto"), fitted(name), TEXTS)
    message = f"device='cpu' for a linear {kind}"
    with pytest.raises(ValueError, match=message) as error:
        sktextconv.load(path, device="cuda")
    assert type(error.value) is ValueError


@pytest.mark.parametrize("name", ["ngrams-nb", "tfidf-online"])
def test_save_linear_model_is_deterministic(name, path):
    sktextconv.save(fitted(name), path)
    before = path.read_bytes()
    sktextconv.save(fitted(name), path)
    assert path.read_bytes() == before


@each_kind
def test_export_of_linear_model_is_refused(name, path):
    """The error of `export_onnx` says that the saved file needs no torch."""
    kind = "model" if name == "tfidf-online" else "pipeline"
    match = f"Expected a network, got a linear {kind}.*sktextconv.save.*no PyTorch"
    with pytest.raises(TypeError, match=match):
        sktextconv.export_onnx(fitted(name), path)
    assert not path.exists()
