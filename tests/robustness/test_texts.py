"""Texts of any characters: encoders equal slow loops, classifiers stay finite."""

import collections
import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.base import clone

from sktextconv import NGramVectorizer
from sktextconv.encoding import CharEncoder, DocumentEncoder, WordEncoder
from sktextconv.utils.validation import check_texts

from ..classifiers import NETWORKS, PIPELINES
from ..conftest import attempt
from ..encoding.scripts import slow_words
from ..encoding.test_char import slow_encode

# Code points of all 17 planes of Unicode with equal probability.
PLANES = st.builds(
    lambda plane, point: chr(plane * 0x10000 + point),
    st.integers(0, 16),
    st.integers(0, 0xFFFF),
)
SURROGATES, CONTROLS, MARKS, SPACES = (
    st.characters(categories=categories)
    for categories in (["Cs"], ["Cc", "Cf"], ["Mn", "Mc", "Me"], ["Zs", "Zl", "Zp"])
)
# NUL, line and file separators, joiners, direction overrides, byte order marks.
SPECIAL = st.sampled_from(
    "\0\n\r\x1c\x1f\x85\u2028\u2029\u200d\u202e\u2066\ufeff\ufffe"
)
# Both surrogates of an emoji, and letters whose lower case is longer.
LETTERS = st.sampled_from("\ud83d\ude00İẞŉǰﬁΣaz09_ .!?'\"-/\\")
CHARACTERS = st.one_of(PLANES, SURROGATES, CONTROLS, MARKS, SPACES, SPECIAL, LETTERS)
REPEATED = st.builds(
    str.__mul__, st.text(CHARACTERS, min_size=1, max_size=3), st.integers(1, 500)
)
TEXTS = st.text(CHARACTERS, max_size=40) | REPEATED | st.sampled_from(["", " ", "\n\t"])

CLASSIFIERS = {**NETWORKS, **PIPELINES}
ORDINARY = ["a good film", "so good", "a dull plot", "dull, dull"]


# -- encoders -----------------------------------------------------------------


@given(
    texts=st.lists(TEXTS, min_size=1, max_size=6),
    alphabet=st.lists(CHARACTERS, min_size=1, max_size=12, unique=True).map("".join),
    unknown=st.booleans(),
    lowercase=st.booleans(),
    keep=st.sampled_from(["start", "end"]),
)
def test_char_encoder_with_any_alphabet(texts, alphabet, **settings):
    """Ids equal those of a slow loop for any alphabet and any texts."""
    settings |= {"max_length": 50, "reverse": True}
    rows = CharEncoder(alphabet, **settings).encode(texts)
    for row, text in enumerate(texts):
        assert rows[row].tolist() == slow_encode(text, alphabet, **settings)


def slow_counts(texts, max_n):
    """Return for each text the counts of its n-grams, which are tuples of words."""
    rows = []
    for text in texts:
        words = slow_words(text, lowercase=True)
        rows.append(
            collections.Counter(
                tuple(words[start : start + n])
                for n in range(1, max_n + 1)
                for start in range(len(words) - n + 1)
            )
        )
    return rows


@given(texts=st.lists(TEXTS, min_size=1, max_size=5), max_n=st.integers(1, 3))
def test_ngrams_of_any_characters(texts, max_n):
    """Counts equal those of a slow loop, with columns in the documented order."""
    expected = slow_counts(texts, max_n)
    total = sum(expected, collections.Counter())
    vectorizer = NGramVectorizer(max_features=None, max_n=max_n)
    if not total:
        with pytest.raises(ValueError, match="empty vocabulary"):
            vectorizer.fit(texts)
        return
    counts = vectorizer.fit_transform(texts)
    # The documented order of columns: by n, then alphabetical.
    grams = sorted(total, key=lambda gram: (len(gram), gram))
    assert vectorizer.get_feature_names_out().tolist() == list(map(" ".join, grams))
    assert counts.toarray().tolist() == [[row[g] for g in grams] for row in expected]


UNIT = "so\0 é\u0301x \U0001f600! "
N_UNITS = 10_000_000 // len(UNIT.encode())


@pytest.fixture(scope="module")
def ten_megabytes():
    return UNIT * N_UNITS


def test_encoders_truncate_ten_megabytes(ten_megabytes):
    """A long text is encoded like its start, up to the maximal length."""
    start = UNIT * 200
    for encoder, n_read in (
        (CharEncoder(reverse=False, keep="start"), 1014),
        (CharEncoder("é\0\U0001f600", reverse=False, keep="start"), 1014),
        (WordEncoder(), 400),
        (DocumentEncoder(min_count=1, max_sentences=20), 20 * 8),
    ):
        long, short = encoder.fit([ten_megabytes]).encode([ten_megabytes, start])
        assert len(long) == n_read
        assert long.tolist() == short.tolist()


def test_ngrams_of_ten_megabytes(ten_megabytes):
    """All n-grams of a long text are counted, up to its end."""
    vectorizer = NGramVectorizer(max_n=2)
    counts = vectorizer.fit_transform([ten_megabytes, "so so"])
    words = slow_words(UNIT, lowercase=True)
    names = dict.fromkeys([*words, *map(" ".join, itertools.pairwise(words)), "so so"])
    assert set(vectorizer.get_feature_names_out()) == {*names, f"{words[-1]} so"}
    found = dict(
        zip(vectorizer.get_feature_names_out(), counts.toarray()[0], strict=True)
    )
    assert found[f"{words[-1]} so"] == N_UNITS - 1
    assert all(found[word] == N_UNITS * words.count(word) for word in words)


# -- containers ---------------------------------------------------------------


class Text(str):
    """Subclass of str."""


CONTAINERS = {
    "tuple": tuple,
    "deque": collections.deque,
    "object array": lambda texts: np.array([*texts, None], dtype=object)[:-1],
    "reversed view": lambda texts: np.array([*texts, None], dtype=object)[-2::-1],
    "object Series": lambda texts: pd.Series(texts, dtype=object, index=[7] * 3),
    "object Index": lambda texts: pd.Index(texts, dtype=object),
    "subclass of str": lambda texts: list(map(Text, texts)),
    "NumPy str": lambda texts: list(map(np.str_, texts)),
}


@pytest.mark.parametrize("kind", CONTAINERS)
@given(texts=st.lists(TEXTS, min_size=3, max_size=3))
def test_check_texts_preserves_characters(kind, texts):
    """No container changes a character of its texts."""
    found = check_texts(CONTAINERS[kind](texts), required_by="Test")
    assert found == (texts[::-1] if kind == "reversed view" else texts)


# -- classifiers --------------------------------------------------------------


def tiny(name):
    """Return an unfitted classifier; networks train for one epoch."""
    classifier = clone(CLASSIFIERS[name])
    return classifier.set_params(max_epochs=1) if name in NETWORKS else classifier


@pytest.mark.filterwarnings("ignore:.* outside the alphabet")
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_predict_any_text_alone_or_in_batch(name):
    """Probabilities of a text are finite and do not depend on its minibatch."""
    classifier = tiny(name).fit([*ORDINARY, "\0\ud800 é"] * 2, [0, 0, 1, 1, 1] * 2)

    @settings(max_examples=30)
    @given(texts=st.lists(TEXTS, min_size=1, max_size=8))
    def run(texts):
        together = classifier.predict_proba([*texts, *ORDINARY])
        assert np.isfinite(together).all()
        assert np.allclose(together.sum(axis=1), 1)
        for row, text in enumerate([*texts, *ORDINARY]):
            alone = classifier.predict_proba([text])[0]
            np.testing.assert_allclose(alone, together[row], rtol=0, atol=1e-5)

    run()


@pytest.mark.filterwarnings("ignore:.* outside the alphabet")
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_fit_any_texts(name):
    """Any texts can be fitted unless none of them has a word."""

    @settings(max_examples=12)
    @given(texts=st.lists(TEXTS, min_size=4, max_size=9), seed=st.integers(0, 9))
    def run(texts, seed):
        labels = np.random.RandomState(seed).permutation(len(texts)) % 2
        classifier = tiny(name)
        _, error = attempt(classifier.fit, texts, labels)
        if error:
            assert "empty vocabulary" in str(error)
            assert not any(slow_words(text, lowercase=True) for text in texts)
        else:
            assert np.isfinite(classifier.predict_proba([*texts, *ORDINARY])).all()

    run()
