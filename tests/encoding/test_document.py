"""Encoding of texts as sentences of words."""

import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, strategies as st
from nltk.tokenize import NLTKWordTokenizer
from nltk.tokenize.punkt import PunktTrainer

from sktextconv.encoding import (
    SENTENCE_END,
    UNKNOWN,
    DocumentEncoder,
    _document_tokenizer,
    _sentences,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
PIECES = [
    "Mr.",
    "Dr.",
    "He",
    "Who",
    "it's",
    "don't",
    "so",
    "3.14",
    "U.S.",
    "end.",
    "Why?!",
    "(so.)",
    '"No."',
    "...",
    "<br",
    "/>",
    "x",
    "a.m.",
    "!",
    "İstanbul.",
    "met",
    "Lee",
]
PROSE = st.lists(st.sampled_from([*PIECES, "\n\n"]), max_size=30).map(" ".join)

# Enough text to learn that "mr." and "dr." do not end a sentence, while "so." does.
LETTERS = [
    f"Mr. Smith met Dr. {name}. He said so. They saw so late that {name} said it."
    for name in ("Jones", "Brown", "Miller", "Wood", "Green", "Lee", "Hall", "King")
] * 3


@pytest.fixture(scope="module")
def encoder():
    return DocumentEncoder(min_count=1).fit(LETTERS)


def sentences_of(row, encoder):
    """Return the words of a row of ids, as one list per sentence."""
    words = ["", "?", "", *encoder.words]
    parts = np.split(row, np.flatnonzero(row == SENTENCE_END) + 1)
    assert len(parts[-1]) == 0
    return [[words[index] for index in part[:-1]] for part in parts[:-1]]


def test_row_is_words_and_sentence_ends(encoder):
    (row,) = encoder.encode(["Mr. Smith met Mr. Who. He said so."])
    assert sentences_of(row, encoder) == [
        ["mr", ".", "smith", "met", "mr", ".", "?", "."],
        ["he", "said", "so", "."],
    ]


def test_fit_learns_abbreviations(encoder):
    text = ["Mr. Smith met Dr. Wood. He was late."]
    assert encoder.encode(text).parts.offsets.tolist() == [0, 2]
    untrained = DocumentEncoder(min_count=1).fit(["Smith met Wood"])
    assert untrained.encode(text).parts.offsets.tolist() == [0, 4]


def test_boundaries_match_nltk_trainer(encoder):
    params = PunktTrainer("\n\n".join(LETTERS)).get_params()
    boundaries = encoder.get_state()["boundaries"]
    assert set(boundaries["abbreviations"]) == params.abbrev_types >= {"mr", "dr"}
    assert boundaries["contexts"] == dict(params.ortho_context)
    assert boundaries["starters"] == sorted(params.sent_starters)


def test_ids_by_frequency_then_alphabet():
    encoder = DocumentEncoder(min_count=2, max_tokens=3)
    encoder.fit(["b a. b a. C c.", "d"])
    assert encoder.words == [".", "a", "b"]
    assert encoder.n_tokens == 6
    assert encoder.encode(["b c a"])[0].tolist() == [5, UNKNOWN, 4, SENTENCE_END]


def test_lower_casing_after_sentence_splitting():
    encoder = DocumentEncoder(min_count=1, lowercase=False).fit(["So good. So."])
    assert encoder.words == [".", "So", "good"]
    assert encoder.encode(["so So"])[0].tolist() == [UNKNOWN, 4, SENTENCE_END]


def test_parts_are_sentence_lengths(encoder):
    ragged = encoder.encode(["", "He went. They said so! Why?", "so", " \n "])
    lengths = [ragged.parts[row].tolist() for row in range(4)]
    assert lengths == [[], [3, 4, 2], [1], []]
    assert np.diff(ragged.offsets).tolist() == [0, 12, 2, 0]
    assert ragged.ids.dtype == np.uint8


@pytest.mark.parametrize(
    "sentence",
    [
        "It's a well-known film, isn't it?",
        "They don't care; we'd say they're right, I'm sure you'll see.",
        "He paid $3.88 (1,000.50 in all) at 10:30.",
        "Wait... what -- so soon?!",
        "One<br /><br />two & three.",
        "I can't, I CAN'T; don't!",
        "The dogs' home: John's, 50% off.",
    ],
)
def test_words_match_treebank_rules(sentence):
    find = _document_tokenizer._SPLIT_FINDER.words
    assert find(sentence) == NLTKWordTokenizer().tokenize(sentence)


def test_typographic_apostrophe():
    words = _document_tokenizer._SPLIT_FINDER.words("it’s what you couldn’t")
    assert words == ["it", "’s", "what", "you", "could", "n’t"]


def test_letters_with_periods_are_one_word():
    assert _document_tokenizer._SPLIT_FINDER.words("the U.S. at 9 a.m. J. Doe") == (
        ["the", "U.S.", "at", "9", "a.m.", "J", ".", "Doe"]
    )


@given(text=ANY_TEXT | PROSE, lowercase=st.booleans())
def test_spans_slice_encoded_words(text, lowercase):
    encoder = DocumentEncoder(
        min_count=1, max_sentences=4, max_sentence_length=5, lowercase=lowercase
    ).fit([text, "a"])
    found = [
        [text[start:end] for start, end in words] for _, _, words in encoder.spans(text)
    ]
    fold = str.lower if lowercase else str
    ragged = encoder.encode([text])
    assert sentences_of(ragged[0], encoder) == [[*map(fold, words)] for words in found]
    assert ragged.parts[0].tolist() == [*map(len, found)]
    assert [*encoder.split([text])] == [[*map(fold, words)] for words in found]


@given(text=ANY_TEXT | PROSE)
def test_spans_cover_all_characters(text):
    """Spans do not overlap, and only white space lies between them."""
    encoder = DocumentEncoder(min_count=1, max_sentences=99, max_sentence_length=99)
    position = 0
    for start, end, words in encoder.fit([text, "a"]).spans(text):
        assert position <= start
        assert words
        for first, last in words:
            assert not text[position:first].strip()
            position = last
        assert position <= end
    assert not text[position:].strip()


@given(texts=st.lists(ANY_TEXT | PROSE, min_size=1, max_size=5))
def test_ids_independent_of_other_texts(encoder, texts):
    together = encoder.encode(texts)
    for row, text in enumerate(texts):
        assert np.array_equal(together[row], encoder.encode([text])[0])


def test_max_sentences_and_max_sentence_length(encoder):
    few = DocumentEncoder(min_count=1, max_sentences=2, max_sentence_length=3)
    few.set_state(**encoder.get_state())
    text = "He said so. They met. He was late."
    whole, cut = (sentences_of(e.encode([text])[0], e) for e in (encoder, few))
    assert cut == [words[:3] for words in whole[:2]]
    assert [words for _, _, words in few.spans(text)] == [
        words[:3] for _, _, words in encoder.spans(text)[:2]
    ]


def test_max_sentence_length_above_int64():
    encoder = DocumentEncoder(min_count=1, max_sentence_length=2**64).fit(["So good."])
    assert encoder.encode(["So so good."]).parts[0].tolist() == [4]
    assert encoder.encode(["So so good."]).parts.ids.dtype.kind == "u"


@pytest.mark.parametrize("window", [30, 60])
def test_windows_do_not_change_sentences(encoder, monkeypatch, window):
    text = "He said so. They met Mr. Smith. " * 8 + "He was late."
    whole = encoder.spans(text)
    assert len(whole) == 17
    monkeypatch.setattr(_sentences, "_WINDOW", window)
    assert encoder.spans(text) == whole


@pytest.mark.parametrize(
    "unit", ["word ", "x", "! ", "!", ". ", "Yes! No. ", ' ."', " "]
)
def test_two_megabytes_are_read_up_to_limits(encoder, unit):
    (row,) = encoder.encode([unit * (2_000_000 // len(unit))])
    sentences = sentences_of(row, encoder)
    assert len(sentences) <= encoder.max_sentences
    assert all(len(words) <= encoder.max_sentence_length for words in sentences)


def test_any_character_is_read(encoder):
    text = "a\0b \ud800 \U0001f600. \x1c \u2029 İ"
    words = [text[a:b] for _, _, offsets in encoder.spans(text) for a, b in offsets]
    assert words == ["a", "\0", "b", "\ud800", "\U0001f600", ".", "İ"]


@pytest.mark.parametrize("texts", [[""], [" \n"], ["one two"] * 2])
def test_empty_vocabulary_is_rejected(texts):
    with pytest.raises(ValueError, match="empty vocabulary"):
        DocumentEncoder().fit(texts)


def test_pickle_holds_plain_values(encoder):
    """Pickles hold plain values and encode the same; lookups do not enlarge them."""

    def plain(value):
        if isinstance(value, dict):
            return all(map(plain, [*value, *value.values()]))
        if isinstance(value, list):
            return all(map(plain, value))
        return value is None or type(value) in (int, str, bool)

    state = dict(encoder.__getstate__())
    tokenizer = state.pop("_tokenizer")
    assert plain(state)
    assert plain(tokenizer.__getstate__())
    texts = ["Mr. Smith met Ms. Unheard. X. y. Lee said so", ""]
    before = pickle.dumps(encoder)
    loaded = pickle.loads(before)
    assert np.array_equal(loaded.encode(texts).ids, encoder.encode(texts).ids)
    assert pickle.dumps(encoder) == before
    assert not hasattr(pickle.loads(pickle.dumps(DocumentEncoder())), "words")


def test_fit_independent_of_hash_seed():
    texts = [*LETTERS, "etc.. a.b.. b. etc. U.S. 5.. c. d.", "a. B. e.g. x"]
    script = (
        "import pickle, sys\n"
        "from sktextconv.encoding._document import DocumentEncoder\n"
        f"encoder = DocumentEncoder(min_count=1).fit({texts!r})\n"
        "sys.stdout.buffer.write(pickle.dumps(encoder))"
    )
    one, other = (
        subprocess.run(
            [sys.executable, "-c", script],
            check=True,
            capture_output=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    )
    assert one == other


@given(text=ANY_TEXT | PROSE)
def test_offsets_of_each_id(encoder, text):
    offsets, ids = encoder.offsets(text), encoder.encode([text])[0]
    words = (word for sentence in encoder.split([text]) for word in sentence)
    assert len(offsets) == len(ids)
    for (start, end), id_ in zip(offsets.tolist(), ids.tolist(), strict=True):
        if id_ == SENTENCE_END:
            assert start == end
        else:
            assert text[start:end].lower() == next(words)
    assert next(words, None) is None


def test_set_state_restores_fitted_state(encoder):
    state = json.loads(json.dumps(encoder.get_state()))
    restored = DocumentEncoder(min_count=1).set_state(**state)
    assert pickle.dumps(restored.get_state()) == pickle.dumps(state)
    for text in LETTERS[:8]:
        assert restored.spans(text) == encoder.spans(text)
        assert restored.encode([text])[0].tolist() == encoder.encode([text])[0].tolist()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("abbreviations", "mr"),
        ("abbreviations", [1]),
        ("collocations", ["ab"]),
        ("collocations", [["a", "b", "c"]]),
        ("starters", None),
        ("contexts", [["a", 1]]),
        ("contexts", {"a": 1.5}),
        ("contexts", {"a": True}),
        ("contexts", {"a": -1}),
        ("more", []),
    ],
)
def test_set_state_rejects_invalid_boundaries(encoder, key, value):
    state = encoder.get_state()
    boundaries = state["boundaries"] | {key: value}
    with pytest.raises(ValueError, match="Expected the boundaries of sentences"):
        DocumentEncoder().set_state(words=state["words"], boundaries=boundaries)
    with pytest.raises(ValueError, match="the words of a vocabulary"):
        DocumentEncoder().set_state(words=[1], boundaries=state["boundaries"])
