"""Encoders are scikit-learn transformers."""

import copy
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from sktextconv import KimCNNClassifier, explain
from sktextconv.encoding import (
    BaseTextEncoder,
    CharEncoder,
    DocumentEncoder,
    Ragged,
    WordEncoder,
)
from sktextconv.utils._param_validation import hyperparameters

TEXTS = ["So good! So so good.", "bad, bad film", "", "A good film. So bad."]
PARAMS = {
    CharEncoder: {
        "alphabet": "vdcnn",
        "max_characters": 9,
        "max_length": 7,
        "lowercase": False,
        "reverse": False,
        "keep": "start",
        "unknown": True,
    },
    WordEncoder: {
        "max_tokens": 4,
        "min_count": 2,
        "max_length": 3,
        "keep": "end",
        "lowercase": False,
        "token_pattern": r"\w+",
        "tokenizer": None,
    },
    DocumentEncoder: {
        "max_tokens": 4,
        "min_count": 2,
        "max_sentences": 1,
        "max_sentence_length": 3,
        "lowercase": False,
        "tokenizer": list,
    },
}
INVALID = [
    (CharEncoder, "alphabet", 3, "a str"),
    (CharEncoder, "max_characters", 0, r"an int in the range \[1, 1000000\]"),
    (CharEncoder, "max_length", 0, r"an int in the range \[1, inf\)"),
    (CharEncoder, "lowercase", "yes", "a bool or a str among {'auto'}"),
    (CharEncoder, "reverse", 1, "a bool"),
    (CharEncoder, "keep", "middle", "a str among {'end', 'start'}"),
    (CharEncoder, "unknown", None, "a bool"),
    (WordEncoder, "max_tokens", -5, r"an int in the range \[1, inf\)"),
    (WordEncoder, "min_count", 0, r"an int in the range \[1, inf\)"),
    (WordEncoder, "max_length", 2.5, r"an int in the range \[1, inf\)"),
    (WordEncoder, "keep", "middle", "a str among {'end', 'start'}"),
    (WordEncoder, "lowercase", "auto", "a bool"),
    (WordEncoder, "token_pattern", 3, "a str or None"),
    (
        WordEncoder,
        "tokenizer",
        "jieba",
        "an instance of 'Callable', a str among {'keras'} or None",
    ),
    (DocumentEncoder, "max_tokens", True, r"an int in the range \[1, inf\)"),
    (DocumentEncoder, "min_count", "5", r"an int in the range \[1, inf\)"),
    (DocumentEncoder, "max_sentences", 0, r"an int in the range \[1, inf\)"),
    (DocumentEncoder, "max_sentence_length", -1, r"an int in the range \[1, inf\)"),
    (DocumentEncoder, "lowercase", 0, "a bool"),
    (DocumentEncoder, "tokenizer", [], "an instance of 'Callable' or None"),
]

each_encoder = pytest.mark.parametrize("cls", PARAMS)
with_vocabulary = pytest.mark.parametrize("cls", [WordEncoder, DocumentEncoder])


def fitted(cls):
    return cls(**PARAMS[cls]).fit(TEXTS)


def assert_same_ids(ours, theirs):
    assert ours.ids.dtype == theirs.ids.dtype
    assert ours.ids.tolist() == theirs.ids.tolist()
    assert ours.offsets.tolist() == theirs.offsets.tolist()


@each_encoder
def test_encoder_is_a_transformer(cls):
    """Tags say that an encoder takes a column of texts."""
    encoder = cls()
    assert isinstance(encoder, BaseEstimator)
    assert isinstance(encoder, TransformerMixin)
    tags = get_tags(encoder)
    assert tags.input_tags.string
    assert tags.input_tags.one_d_array
    assert not tags.input_tags.two_d_array
    assert tags.requires_fit is (cls is not CharEncoder)


@each_encoder
def test_constructor_stores_parameters(cls):
    """The constructor neither converts nor validates a parameter."""
    for name in PARAMS[cls]:
        value = object()
        assert cls(**{name: value}).get_params()[name] is value


@each_encoder
def test_get_params_and_set_params_round_trip(cls):
    encoder = cls(**PARAMS[cls])
    assert encoder.get_params() == PARAMS[cls]
    assert cls().set_params(**PARAMS[cls]).get_params() == PARAMS[cls]
    with pytest.raises(ValueError, match="Invalid parameter 'dim'"):
        encoder.set_params(dim=3)


@each_encoder
def test_parameters_are_keyword_only(cls):
    """Only the alphabet of characters can be passed by position."""
    n_positional = 1 if cls is CharEncoder else 0
    with pytest.raises(TypeError, match="positional argument"):
        cls(*list(PARAMS[cls].values())[: n_positional + 1])
    assert CharEncoder("code").alphabet == "code"


@each_encoder
def test_clone_is_unfitted(cls):
    encoder = fitted(cls)
    cloned = clone(encoder)
    assert cloned.get_params() == PARAMS[cls]
    assert not hasattr(cloned, "_tokenizer")
    assert_same_ids(cloned.fit_transform(TEXTS), encoder.transform(TEXTS))


def test_repr_shows_changed_parameters():
    assert repr(CharEncoder("code", max_length=5)) == (
        "CharEncoder(alphabet='code', max_length=5)"
    )
    assert repr(WordEncoder(min_count=2)) == "WordEncoder(min_count=2)"
    assert repr(DocumentEncoder()) == "DocumentEncoder()"


@pytest.mark.parametrize(("cls", "name", "value", "expected"), INVALID)
def test_fit_rejects_invalid_parameters(cls, name, value, expected):
    message = f"The '{name}' parameter of {cls.__name__} must be {expected}. Got "
    with pytest.raises(ValueError, match=message):
        cls(**{name: value}).fit(TEXTS)
    with pytest.raises(ValueError, match=message):
        cls(**{name: value}).set_state(**fitted(cls).get_state())


@pytest.mark.parametrize(
    ("cls", "name", "value", "expected"),
    [case for case in INVALID if case[0] is CharEncoder],
)
def test_unfitted_transform_rejects_parameters(cls, name, value, expected):
    """Without `fit`, a `CharEncoder` validates its parameters in each method."""
    encoder = cls(**{name: value})
    message = f"The '{name}' parameter of CharEncoder must be {expected}. Got "
    calls = (
        lambda: encoder.transform(TEXTS),
        lambda: encoder.encode(TEXTS),
        lambda: encoder.offsets("a"),
        lambda: encoder.n_tokens,
    )
    for call in calls:
        with pytest.raises(ValueError, match=message):
            call()


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("(", "must be a regular expression"), ("(a)(b)", "at most one group")],
)
def test_fit_rejects_invalid_token_pattern(pattern, message):
    with pytest.raises(ValueError, match=message):
        WordEncoder(token_pattern=pattern).fit(TEXTS)


@each_encoder
def test_numpy_scalars_are_valid_parameters(cls):
    params = {
        name: value if isinstance(value, str) else np.array(value)[()]
        for name, value in PARAMS[cls].items()
    }
    encoder = cls(**params).fit(TEXTS)
    assert_same_ids(encoder.transform(TEXTS), fitted(cls).transform(TEXTS))
    assert type(encoder.n_tokens) is int


@each_encoder
@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("ab ab", ValueError, "Iterable over raw text documents expected, string obj"),
        (b"ab ab", ValueError, "Iterable over raw text documents expected, string obj"),
        ([], ValueError, r"Found array with 0 sample\(s\)"),
        (["a", None], ValueError, "NaN or None .first at index 1."),
        (["a", 1], TypeError, "must contain only str, got int at index 1"),
        ([["a"], ["b"]], TypeError, "must contain only str, got list at index 0"),
        (np.array([["a"]]), ValueError, "Pass one column of texts"),
        (None, TypeError, "Expected sequence or array-like, got <class 'NoneType'>"),
    ],
    ids=["str", "bytes", "empty", "missing", "int", "lists", "table", "none"],
)
def test_invalid_texts_are_rejected(cls, X, error, message):
    """Encoders reject what the classifiers reject, with the same messages."""
    with pytest.raises(error, match=message):
        cls().fit(X)
    encoder = fitted(cls)
    methods = [encoder.transform, encoder.encode]
    if cls is not CharEncoder:
        methods.append(encoder.split)
    for method in methods:
        with pytest.raises(error, match=message):
            method(X)


@each_encoder
def test_offsets_reject_what_is_not_a_str(cls):
    with pytest.raises(TypeError, match="must contain only str, got list"):
        fitted(cls).offsets(TEXTS)


@each_encoder
@pytest.mark.parametrize("convert", [tuple, np.array, lambda X: np.array(X, object)])
def test_sequences_of_texts_are_accepted(cls, convert):
    encoder = cls(**PARAMS[cls]).fit(convert(TEXTS))
    assert_same_ids(encoder.transform(convert(TEXTS)), fitted(cls).transform(TEXTS))


@with_vocabulary
def test_unfitted_encoder_raises_not_fitted_error(cls):
    encoder = cls()
    calls = [
        lambda: encoder.transform(TEXTS),
        lambda: encoder.encode(TEXTS),
        lambda: encoder.offsets("a"),
        lambda: encoder.split(TEXTS),
        lambda: encoder.get_state(),
        lambda: encoder.n_tokens,
        lambda: encoder.words,
        lambda: encoder.vocabulary_,
        lambda: check_is_fitted(encoder),
    ]
    if cls is DocumentEncoder:
        calls.append(lambda: encoder.spans("a"))
    for call in calls:
        with pytest.raises(NotFittedError, match=f"This {cls.__name__} instance is no"):
            call()
    assert not hasattr(encoder, "vocabulary_")


def test_char_encoder_needs_no_fit():
    """A fitted and an unfitted `CharEncoder` follow their parameters alike."""
    encoder = CharEncoder(**PARAMS[CharEncoder])
    check_is_fitted(encoder)
    assert_same_ids(encoder.transform(TEXTS), fitted(CharEncoder).transform(TEXTS))
    changed = fitted(CharEncoder).set_params(max_length=2)
    assert (
        changed.transform(["abc"])[0].tolist() == encoder.transform(["ab"])[0].tolist()
    )
    assert encoder.n_tokens == 69
    assert encoder.get_state() == {}


@each_encoder
def test_encode_is_an_alias_of_transform(cls):
    encoder = fitted(cls)
    ids = encoder.transform(TEXTS)
    assert isinstance(ids, Ragged)
    assert len(ids) == len(TEXTS)
    assert_same_ids(encoder.encode(TEXTS), ids)
    assert_same_ids(encoder._encode(TEXTS), ids)
    assert_same_ids(clone(encoder).fit_transform(TEXTS), ids)


@with_vocabulary
def test_vocabulary_maps_words_to_ids(cls):
    encoder = cls(min_count=1).fit(TEXTS)
    n_reserved = encoder.n_tokens - len(encoder.words)
    assert list(encoder.vocabulary_) == encoder.words
    assert list(encoder.vocabulary_.values()) == [*range(n_reserved, encoder.n_tokens)]
    for word, id_ in encoder.vocabulary_.items():
        assert encoder.transform([word])[0][0] == id_


@each_encoder
def test_get_state_and_set_state_round_trip(cls):
    """The fitted state is JSON-serializable; `set_state` replaces `fit`."""
    encoder = fitted(cls)
    state = json.loads(json.dumps(encoder.get_state()))
    assert state == encoder.get_state()
    other = cls(**PARAMS[cls])
    assert other.set_state(**state) is other
    assert_same_ids(other.transform(TEXTS), encoder.transform(TEXTS))
    assert other.get_state() == state


def test_state_has_the_keys_of_saved_files():
    assert fitted(CharEncoder).get_state().keys() == set()
    words = fitted(WordEncoder).get_state()
    assert words.keys() == {"words", "split_scripts"}
    assert fitted(DocumentEncoder).get_state().keys() == words.keys() | {"boundaries"}


@each_encoder
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_copies_encode_alike(cls, copied):
    encoder = fitted(cls)
    other = copied(encoder)
    assert other.get_params() == PARAMS[cls]
    assert_same_ids(other.transform(TEXTS), encoder.transform(TEXTS))
    assert other.offsets(TEXTS[0]).tolist() == encoder.offsets(TEXTS[0]).tolist()
    assert copied(cls(**PARAMS[cls])).fit(TEXTS).get_state() == encoder.get_state()


@each_encoder
def test_parameters_set_after_fit_are_validated(cls):
    """A fitted encoder is valid, whatever its parameters are changed to."""
    encoder = fitted(cls)
    ids = encoder.transform(TEXTS)
    name = "max_sentences" if cls is DocumentEncoder else "max_length"
    encoder.set_params(**{name: -1})
    if cls is CharEncoder:
        with pytest.raises(ValueError, match="The 'max_length' parameter"):
            encoder.transform(TEXTS)
    else:
        assert_same_ids(encoder.transform(TEXTS), ids)
        with pytest.raises(ValueError, match=f"The '{name}' parameter"):
            encoder.fit(TEXTS)


def count_ids(ragged):
    """Return the number of times that each id below 6 occurs in each row."""
    return np.array([np.bincount(row, minlength=6)[:6] for row in ragged])


@each_encoder
def test_encoder_in_a_pipeline(cls):
    """Encoders work in pipelines and searches, also with metadata routing."""
    texts, labels = ["good good", "so bad"] * 6, ["pos", "neg"] * 6
    encoder = CharEncoder("god") if cls is CharEncoder else cls(min_count=1)
    pipeline = make_pipeline(
        encoder, FunctionTransformer(count_ids), LogisticRegression()
    )
    assert pipeline.fit(texts, labels).predict(texts).tolist() == labels
    name = f"{cls.__name__.lower()}__lowercase"
    search = GridSearchCV(pipeline, {name: [True, False]}, cv=2, error_score="raise")
    with config_context(enable_metadata_routing=True):
        assert search.fit(texts, labels).score(texts, labels) == 1
    assert not hasattr(encoder, "set_output")


class ParityTokenizer:
    """Tokenizer with the id 1 for characters at odd code points, and 2 for others."""

    n_tokens = 3

    def fit(self, texts):
        return self

    def encode(self, texts):
        rows = [[2 - ord(character) % 2 for character in text] for text in texts]
        ids = np.array([id_ for row in rows for id_ in row], dtype=np.uint8)
        return Ragged(ids, np.cumsum([0, *map(len, rows)]))

    def offsets(self, text):
        return np.stack([np.arange(len(text)), np.arange(len(text)) + 1], axis=1)

    def get_state(self):
        return {}

    def set_state(self):
        return self


@hyperparameters
class ParityEncoder(BaseTextEncoder, auto_wrap_output_keys=None):
    def _make_tokenizer(self):
        return ParityTokenizer()


def test_own_encoder_in_a_network():
    """A network uses the `BaseTextEncoder` that its `_make_encoder` returns."""

    class ParityClassifier(KimCNNClassifier):
        def _make_encoder(self):
            return ParityEncoder()

    texts, labels = ["aca", "bdb", "ac", "fd"] * 8, ["odd", "even"] * 16
    network = ParityClassifier(max_epochs=3, learning_rate=0.05, random_state=0)
    network.fit(texts, labels)
    assert network.score(texts, labels) == 1
    assert network.encoder_.n_tokens == 3
    assert len(explain(network, "aca", method="gradient").spans) == 3


def test_tokenizers_import_neither_sklearn_nor_torch():
    """`OnnxClassifier` needs NumPy only to encode texts, and NLTK for sentences."""
    script = (
        "import sys, sktextconv.encoding as encoding\n"
        "from sktextconv.encoding import _char_tokenizer, _word_tokenizer\n"
        "from sktextconv.encoding import _document_tokenizer, _sentences\n"
        "encoding.ALPHABETS, encoding.PAD, encoding.Ragged\n"
        "print(*{'nltk', 'scipy', 'sklearn', 'torch'} & sys.modules.keys())\n"
        "encoding.CharEncoder; print('sklearn' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert result.stdout.splitlines() == ["", "True"]
