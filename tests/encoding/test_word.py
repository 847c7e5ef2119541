"""Encoding of texts as words."""

import collections
import json
import pickle

import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn.base import clone

from sktextconv.encoding import UNKNOWN, WordEncoder, _tokenize

from .scripts import slow_words

ANY_TEXT = st.text(max_size=40)

# Few letters, so that words repeat, with characters of every kind between them.
WORDY_TEXT = st.text(st.sampled_from("aAbİßé_1 \n,.\u3000\ud800"), max_size=30)


def slow_vocabulary(texts, *, lowercase, max_tokens, min_count):
    counts = collections.Counter()
    for text in texts:
        counts.update(slow_words(text, lowercase=lowercase))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return [word for word in ranked[:max_tokens] if counts[word] >= min_count]


@given(
    texts=st.lists(ANY_TEXT | WORDY_TEXT, min_size=1, max_size=6),
    others=st.lists(ANY_TEXT | WORDY_TEXT, min_size=1, max_size=3),
    max_tokens=st.integers(1, 12),
    min_count=st.integers(1, 3),
    lowercase=st.booleans(),
    max_length=st.integers(1, 12),
    keep=st.sampled_from(["start", "end"]),
)
def test_vocabulary_and_ids_match_slow_count(
    texts, others, max_length, keep, **settings
):
    encoder = WordEncoder(max_length=max_length, keep=keep, **settings)
    expected = slow_vocabulary(texts, **settings)
    if not expected:
        with pytest.raises(ValueError, match="empty vocabulary"):
            encoder.fit(texts)
        return
    assert encoder.fit(texts).words == expected
    assert encoder.n_tokens == len(expected) + 2
    ids = {word: rank for rank, word in enumerate(expected, 2)}
    ragged = encoder.encode(texts + others)
    assert len(ragged) == len(texts + others)
    for row, text in enumerate(texts + others):
        found = slow_words(text, lowercase=settings["lowercase"])
        found = found[-max_length:] if keep == "end" else found[:max_length]
        assert ragged[row].tolist() == [ids.get(word, UNKNOWN) for word in found]


def test_chunks_do_not_change_ids(monkeypatch):
    texts = ["b a", "", "c a.", "d"] * 5
    whole = WordEncoder().fit(texts)
    monkeypatch.setattr(_tokenize, "_TEXTS_PER_CHUNK", 3)
    chunked = WordEncoder().fit(texts)
    assert chunked.words == whole.words == ["a", ".", "b", "c", "d"]
    ours, theirs = chunked.encode(texts), whole.encode(texts)
    assert ours.ids.tolist() == theirs.ids.tolist()
    assert ours.offsets.tolist() == theirs.offsets.tolist()


def test_vocabulary_by_frequency_then_alphabet():
    texts = ["d d d c c b b a"]
    assert WordEncoder().fit(texts).words == ["d", "b", "c", "a"]
    assert WordEncoder(max_tokens=2).fit(texts).words == ["d", "b"]
    assert WordEncoder(min_count=2).fit(texts).words == ["d", "b", "c"]
    assert WordEncoder(min_count=2, max_tokens=1).fit(texts).words == ["d"]
    assert WordEncoder(min_count=4, max_tokens=9).fit(["x x x x y"]).words == ["x"]


def test_lowercase():
    assert WordEncoder().fit(["Ab aB ab"]).words == ["ab"]
    assert WordEncoder(lowercase=False).fit(["Ab aB ab"]).words == ["Ab", "aB", "ab"]


def test_keep_start_or_end():
    texts = ["a b c d e"]
    start = WordEncoder(max_length=3).fit(texts)
    end = WordEncoder(max_length=3, keep="end").fit(texts)
    assert start.encode(texts)[0].tolist() == [2, 3, 4]
    assert end.encode(texts)[0].tolist() == [4, 5, 6]
    # The vocabulary is learned from all words of a text.
    assert start.words == end.words == ["a", "b", "c", "d", "e"]


def test_empty_vocabulary_is_rejected():
    """The message quotes `min_count`."""
    with pytest.raises(ValueError, match=r"empty vocabulary: .* min_count=1 times"):
        WordEncoder().fit(["", " \n"])
    with pytest.raises(ValueError, match=r"empty vocabulary: .* min_count=3 times"):
        WordEncoder(min_count=3).fit(["a a b b"])


@pytest.mark.parametrize(
    ("n_words", "dtype"), [(254, np.uint8), (255, np.uint16), (65_535, np.uint32)]
)
def test_ids_take_smallest_dtype(n_words, dtype):
    text = " ".join(f"w{number:06}" for number in range(n_words))
    encoder = WordEncoder(max_tokens=n_words, max_length=n_words).fit([text])
    ids = encoder.encode([text]).ids
    assert ids.dtype == dtype
    assert np.array_equal(ids, np.arange(2, n_words + 2))


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_encodes_the_same(protocol):
    texts = ["so so good", "So bad!", ""]
    encoder = WordEncoder(max_tokens=3, lowercase=False, max_length=2, keep="end")
    unfitted = pickle.loads(pickle.dumps(encoder, protocol))
    assert unfitted.fit(texts).words == encoder.fit(texts).words
    loaded = pickle.loads(pickle.dumps(encoder, protocol))
    assert loaded.words == encoder.words
    assert loaded.encode(texts).ids.tolist() == encoder.encode(texts).ids.tolist()


def test_set_state_restores_fitted_state():
    texts = ["so so good", "So bad!", ""]
    encoder = WordEncoder(max_tokens=3, max_length=2, keep="end")
    state = clone(encoder).fit(texts).get_state()
    assert state == json.loads(json.dumps(state))
    assert state == {"words": ["so", "!", "bad"], "split_scripts": True}
    assert encoder.set_state(**state) is encoder
    fitted = WordEncoder(max_tokens=3, max_length=2, keep="end").fit(texts)
    assert encoder.encode(texts).ids.tolist() == fitted.encode(texts).ids.tolist()
    assert encoder.n_tokens == fitted.n_tokens


@pytest.mark.parametrize("words", ["so good", ("so",), ["so", 1], [None], ["so", "so"]])
def test_set_state_rejects_invalid_vocabulary(words):
    encoder = WordEncoder()
    with pytest.raises(ValueError, match="the words of a vocabulary"):
        encoder.set_state(words=words)
    assert not hasattr(encoder, "words")


def fold(word):
    """Return a word in lower case with one form of sigma, which depends on context."""
    return word.lower().replace("ς", "σ")


@given(
    text=ANY_TEXT.filter(lambda text: "İ" not in text),
    max_length=st.integers(1, 12),
    keep=st.sampled_from(["start", "end"]),
)
def test_offsets_of_each_id(text, max_length, keep):
    encoder = WordEncoder(max_length=max_length, keep=keep).fit(["some words"])
    (words,) = encoder.split([text])
    words = words[-max_length:] if keep == "end" else words[:max_length]
    found = [text[start:end] for start, end in encoder.offsets(text)]
    assert list(map(fold, found)) == list(map(fold, words))
    assert len(encoder.encode([text])[0]) == len(found)


def test_offsets_refer_to_original_text():
    encoder = WordEncoder().fit(["x"])
    assert encoder.encode(["An İstanbul"])[0].tolist() == [UNKNOWN] * 4
    assert encoder.offsets("An İstanbul").tolist() == [[0, 2], [3, 4], [3, 4], [4, 11]]
    assert encoder.offsets("").shape == (0, 2)
    quoted = WordEncoder(token_pattern=r"'(\w+)'").fit(["'x'"])
    assert quoted.offsets("a 'b' 'cd'").tolist() == [[3, 4], [7, 9]]
