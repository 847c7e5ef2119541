"""Alphabets learned from texts, bytes as an alphabet, and the warning about others."""

import collections
import copy
import json
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.exceptions import NotFittedError

from sktextconv.encoding import CharEncoder, _char_tokenizer
from sktextconv.encoding._char_coverage import warn_if_outside

from .test_char import ANY_TEXT, slow_encode

PLANES = st.text(st.sampled_from("aAéÉΣсС日\ud83d\ude00😀 \n\0İ"), max_size=12)
READING = {
    "max_length": st.integers(1, 15),
    "lowercase": st.booleans(),
    "reverse": st.booleans(),
    "keep": st.sampled_from(["start", "end"]),
}


def slow_alphabet(texts, *, max_characters, max_length, lowercase, keep, **_):
    """Return the most frequent characters of what is read, by a loop."""
    counts = collections.Counter()
    for text in texts:
        text = text.lower() if lowercase else text
        counts.update(text[-max_length:] if keep == "end" else text[:max_length])
    return "".join(sorted(counts, key=lambda c: (-counts[c], c))[:max_characters])


def slow_bytes(text, *, max_length, lowercase, reverse, keep):
    """Return the ids of the bytes of a text, and the offsets of their characters."""
    pairs = []
    for index, character in enumerate(text):
        folded = character.lower() if lowercase else character
        for byte in folded.encode("utf-8", "surrogatepass"):
            pairs.append((byte + 1, [index, index + 1]))
    pairs = pairs[-max_length:] if keep == "end" else pairs[:max_length]
    return pairs[::-1] if reverse else pairs


# -- learned alphabets ------------------------------------------------------------


@settings(max_examples=50)
@given(
    texts=st.lists(ANY_TEXT | PLANES, min_size=1, max_size=5),
    max_characters=st.integers(1, 20),
    **READING,
)
def test_learned_alphabet_matches_slow_loop(texts, max_characters, **reading):
    """The alphabet holds the most frequent characters of what is read."""
    encoder = CharEncoder("auto", max_characters=max_characters, **reading).fit(texts)
    expected = slow_alphabet(texts, max_characters=max_characters, **reading)
    assert encoder.characters == expected
    assert encoder.n_tokens == len(expected) + 1


@settings(max_examples=50)
@given(
    texts=st.lists(PLANES, min_size=1, max_size=5),
    other=PLANES,
    unknown=st.booleans(),
    **READING,
)
def test_ids_of_learned_alphabet(texts, other, unknown, **reading):
    """Ids equal those of the same characters given as an alphabet."""
    encoder = CharEncoder("auto", unknown=unknown, **reading).fit([*texts, "x"])
    texts = [*texts, other]
    for row, text in zip(encoder.transform(texts), texts, strict=True):
        expected = slow_encode(text, encoder.characters, unknown=unknown, **reading)
        assert row.tolist() == expected


def test_learned_alphabet_with_lowercase_auto():
    """A learned alphabet has no capitals, unless lowercase is False."""
    assert CharEncoder("auto").fit(["AaБб"]).characters == "aб"
    assert CharEncoder("auto", lowercase=False).fit(["AaБб"]).characters == "AaБб"


def test_learned_alphabet_in_chunks(monkeypatch):
    """Texts are counted in chunks, also if the first has fewer code points."""
    texts = ["a", "b", "日本", "bb", "本"]
    monkeypatch.setattr(_char_tokenizer, "_TEXTS_PER_CHUNK", 2)
    assert CharEncoder("auto").fit(texts).characters == "b本a日"


def test_learned_alphabet_of_empty_texts():
    """Texts without characters give an empty alphabet."""
    encoder = CharEncoder("auto", unknown=True).fit(["", ""])
    assert (encoder.characters, encoder.n_tokens) == ("", 2)
    assert encoder.transform(["ab", ""]).ids.tolist() == [1, 1]


def test_learned_alphabet_requires_fit():
    """Before fit, an encoder with a learned alphabet raises `NotFittedError`."""
    encoder = CharEncoder("auto")
    for call in (
        lambda: encoder.transform(["a"]),
        lambda: encoder.offsets("a"),
        lambda: encoder.characters,
        lambda: encoder.n_tokens,
        lambda: encoder.get_state(),
    ):
        with pytest.raises(NotFittedError, match="This CharEncoder instance is not"):
            call()


@pytest.mark.parametrize("alphabet", ["auto", "bytes", "paper"])
def test_state_of_alphabets(alphabet):
    """JSON, pickles and copies preserve the alphabet, also lone surrogates in it."""
    texts = ["\ud83d\ude00", "日本 x", "\ude00\ud83d"]
    encoder = CharEncoder(alphabet, unknown=True).fit(texts)
    state = json.loads(json.dumps(encoder.get_state()))
    others = [
        CharEncoder(alphabet, unknown=True).set_state(**state),
        pickle.loads(pickle.dumps(encoder)),
        copy.deepcopy(encoder),
    ]
    for other in others:
        assert other.characters == encoder.characters
        assert (
            other.transform(texts).ids.tolist() == encoder.transform(texts).ids.tolist()
        )
    assert bool(state) is (alphabet == "auto")


@pytest.mark.parametrize(
    ("alphabet", "state", "message"),
    [
        ("auto", {}, "Expected the characters of a learned alphabet"),
        ("paper", {"characters": ["a"]}, "Expected the characters of a learned"),
        ("auto", {"characters": "ab"}, "to be a list of str"),
        ("auto", {"characters": ["a", 1]}, "to be a list of str"),
        ("auto", {"characters": ["a", "a"]}, "to be distinct"),
        ("auto", {"characters": ["ab"]}, "to be distinct"),
        ("auto", {"characters": ["", "ab"]}, "to be distinct"),
        ("auto", {"characters": ["a", ""]}, "to be distinct"),
    ],
)
def test_invalid_state_is_rejected(alphabet, state, message):
    with pytest.raises(ValueError, match=message):
        CharEncoder(alphabet).set_state(**state)


# -- bytes ------------------------------------------------------------------------


@settings(max_examples=50)
@given(texts=st.lists(ANY_TEXT | PLANES, min_size=1, max_size=5), **READING)
def test_bytes_match_slow_loop(texts, **reading):
    """Ids are the bytes of UTF-8 plus 1; offsets are those of their characters."""
    if reading["lowercase"]:  # the slow loop lower-cases without context
        texts = [text.replace("Σ", "S") for text in texts]
    encoder = CharEncoder("bytes", **reading)
    for row, text in zip(encoder.transform(texts), texts, strict=True):
        pairs = slow_bytes(text, **reading)
        assert row.tolist() == [id_ for id_, _ in pairs]
        assert encoder.offsets(text).tolist() == [offset for _, offset in pairs]


def test_bytes_worked_example():
    """A lone surrogate takes three bytes; capitals are kept by default."""
    encoder = CharEncoder("bytes", reverse=False)
    ids = encoder.transform(["Aé\ud83d"])[0] - 1
    assert bytes(ids.tolist()) == b"A\xc3\xa9\xed\xa0\xbd"
    assert (encoder.n_tokens, len(encoder.characters)) == (257, 256)
    assert encoder.transform([""]).ids.tolist() == []


# -- the warning ------------------------------------------------------------------


def caught(encoder, texts):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        warn_if_outside(encoder._fitted_tokenizer(), texts, stacklevel=1)
    return [str(each.message) for each in found]


@pytest.mark.parametrize(
    ("text", "n_warnings"),
    [
        ("abcdefghi日", 0),  # a tenth
        ("abcdefgh日", 1),
        ("a b c d e f g h i 日" + " " * 50, 0),
        ("日 \n\t\u3000" + " " * 50, 1),
        (" \n\u3000", 0),
        ("", 0),
        ("ABCDEFGHI", 0),
    ],
)
def test_warning_above_a_tenth(text, n_warnings):
    """The warning counts characters other than white space."""
    assert len(caught(CharEncoder("paper"), [text])) == n_warnings
    assert not caught(CharEncoder("bytes"), [text])


def test_warning_names_fraction_and_characters():
    """The message has the fraction, five characters at most, and the remedy."""
    (message,) = caught(CharEncoder("paper"), ["это abcd", "коты \u202e" + "ы" * 2])
    assert message.startswith("71 % of the characters of the texts, white space not ")
    assert "outside the alphabet 'paper', such as 'ы', 'о', 'т', 'к', 'э':" in message
    assert 'alphabet="auto"' in message
    (message,) = caught(CharEncoder("ab"), ["\u202e"])
    assert message.startswith("All of the characters")
    assert "outside the alphabet, such as '\\u202e':" in message


def test_warning_for_small_learned_alphabet():
    """With a learned alphabet, the remedy is a larger one or bytes."""
    encoder = CharEncoder("auto", max_characters=2).fit(["日本の車"])
    (message,) = caught(encoder, ["日本の車"])
    assert 'larger max_characters, or with alphabet="bytes"' in message
    assert message.startswith("50 % ")


def test_warning_counts_what_is_read():
    """Characters beyond the maximal length do not count."""
    encoder = CharEncoder("paper", max_length=4, keep="start")
    assert not caught(encoder, ["good日本日本"])
    assert len(caught(encoder, ["日本日本good"])) == 1


def test_count_of_many_texts():
    """Counts of code points equal those of a Counter."""
    rng = np.random.default_rng(0)
    texts = ["".join(map(chr, rng.integers(0, 0x3000, 20))) for _ in range(300)]
    counts = CharEncoder(lowercase=False)._fitted_tokenizer().count(texts)
    expected = collections.Counter("".join(texts))
    assert {chr(i): n for i, n in enumerate(counts.tolist()) if n} == expected
