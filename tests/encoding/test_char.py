"""Encoding of texts as characters."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from sktextconv.encoding import ALPHABETS, PAD, CharEncoder, _char_tokenizer

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
SOME_ALPHABET = st.sampled_from([*ALPHABETS, "aàßx", "абвİi", "Ab"])


def slow_encode(text, alphabet, *, max_length, lowercase, reverse, keep, unknown):
    """Return the ids of a text by section 2.2 of the paper, character by character."""
    text = text.lower() if lowercase else text
    text = text[-max_length:] if keep == "end" else text[:max_length]
    rows = {}
    for row, character in enumerate(ALPHABETS.get(alphabet, alphabet), 1):
        rows[character] = row + unknown
    ids = [rows.get(character, int(unknown)) for character in text]
    return ids[::-1] if reverse else ids


@given(
    texts=st.lists(ANY_TEXT, min_size=1, max_size=5),
    alphabet=SOME_ALPHABET,
    max_length=st.integers(1, 45),
    lowercase=st.booleans(),
    reverse=st.booleans(),
    keep=st.sampled_from(["start", "end"]),
    unknown=st.booleans(),
)
def test_ids_match_slow_loop(texts, alphabet, **settings):
    ragged = CharEncoder(alphabet, **settings).encode(texts)
    assert len(ragged) == len(texts)
    for row, text in enumerate(texts):
        assert ragged[row].tolist() == slow_encode(text, alphabet, **settings)


@given(
    text=ANY_TEXT,
    max_length=st.integers(1, 45),
    lowercase=st.booleans(),
    reverse=st.booleans(),
    keep=st.sampled_from(["start", "end"]),
)
def test_offsets_of_each_id(text, max_length, lowercase, reverse, keep):
    encoder = CharEncoder(
        "full", max_length=max_length, lowercase=lowercase, reverse=reverse, keep=keep
    )
    # Lower-casing maps "İ" to two characters.
    lengths = [len(c.lower()) if lowercase else 1 for c in text]
    offsets = [(i, i + 1) for i, length in enumerate(lengths) for _ in range(length)]
    offsets = offsets[-max_length:] if keep == "end" else offsets[:max_length]
    offsets = offsets[::-1] if reverse else offsets
    assert encoder.offsets(text).tolist() == list(map(list, offsets))
    assert len(encoder.encode([text])[0]) == len(offsets)


def test_chunks_do_not_change_ids(monkeypatch):
    texts = ["abc", "", "é", "de"] * 5
    whole = CharEncoder().encode(texts)
    monkeypatch.setattr(_char_tokenizer, "_TEXTS_PER_CHUNK", 3)
    chunked = CharEncoder().encode(texts)
    assert np.array_equal(chunked.ids, whole.ids)
    assert np.array_equal(chunked.offsets, whole.offsets)


def test_worked_example():
    encoder = CharEncoder("code", max_length=6)
    assert encoder.encode(["x-1 Ab"])[0].tolist() == [2, 1, 0, 28, 60, 24]


def test_code_alphabet_has_68_distinct_characters():
    code = ALPHABETS["code"]
    assert (len(code), len(set(code))) == (69, 68)
    assert sum(not c.isalnum() for c in code) == 33
    rows = {c: code.index(c) + 1 for c in "az09}"}
    assert rows == {"a": 1, "z": 26, "0": 27, "9": 36, "}": 69}
    assert code.index("-") + 1 == 37


def test_hyphen_uses_later_row():
    assert CharEncoder("code").encode(["-"])[0].tolist() == [60]
    assert CharEncoder("paper").encode(["-"])[0].tolist() == [60]
    assert CharEncoder("unique").encode(["-"])[0].tolist() == [59]
    assert CharEncoder("space").encode(["-"])[0].tolist() == [37]


@pytest.mark.parametrize(
    ("alphabet", "rows", "can_be_nonzero", "line_break"),
    [
        ("paper", 70, 69, True),
        ("code", 69, 68, False),
        ("unique", 68, 68, False),
        ("space", 69, 69, False),
        ("full", 96, 95, True),
        ("vdcnn", 67, 67, False),
    ],
)
def test_rows_of_named_alphabets(alphabet, rows, can_be_nonzero, line_break):
    encoder = CharEncoder(alphabet)
    assert encoder.n_tokens - 1 == rows
    every = "".join(map(chr, range(128)))
    used = set(encoder.encode([every])[0].tolist()) - {PAD}
    assert len(used) == can_be_nonzero
    assert (encoder.encode(["\n"])[0].tolist() != [PAD]) is line_break
    has_space = alphabet in ("space", "vdcnn")
    assert (encoder.encode([" "])[0].tolist() != [PAD]) is has_space


def test_only_full_alphabet_distinguishes_case():
    for alphabet in ALPHABETS:
        upper, lower = CharEncoder(alphabet).encode(["A", "a"])
        assert (upper.tolist() != lower.tolist()) is (alphabet == "full")


def test_accented_letter_is_one_zero():
    assert CharEncoder(reverse=False).encode(["aéb"])[0].tolist() == [1, 0, 2]


def test_truncation_after_lower_casing():
    # "İ" becomes "i" and a combining dot: four characters, of which three are read.
    encoder = CharEncoder(max_length=3, reverse=False)
    assert encoder.encode(["aİb"])[0].tolist() == [9, 0, 2]
    kept = CharEncoder(max_length=3, reverse=False, lowercase=False)
    assert kept.encode(["aİb"])[0].tolist() == [1, 0, 2]


def test_keep_and_reverse():
    encoder = CharEncoder(max_length=3)
    assert encoder.encode(["abcde"])[0].tolist() == [5, 4, 3]
    assert CharEncoder(max_length=3, keep="start").encode(["abcde"])[0].tolist() == [
        3,
        2,
        1,
    ]


def test_ids_are_unpadded_bytes():
    ragged = CharEncoder().encode(["ab", "", "abcd" * 500])
    assert ragged.ids.dtype == np.uint8
    assert ragged.offsets.tolist() == [0, 2, 2, 2 + 1014]


def test_vdcnn_alphabet_has_69_tokens():
    characters = ALPHABETS["vdcnn"]
    assert (len(characters), len(set(characters))) == (67, 67)
    assert set(ALPHABETS["space"]) - set(characters) == {"@", "\\"}
    encoder = CharEncoder("vdcnn", unknown=True, reverse=False, keep="start")
    assert encoder.n_tokens == 69
    assert encoder.encode(["B @é\na}"])[0].tolist() == [4, 2, 1, 1, 1, 3, 68]
    every = CharEncoder("vdcnn", unknown=True, reverse=False).encode([characters])
    assert every[0].tolist() == list(range(2, 69))


def test_more_than_255_characters_take_two_bytes():
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 300)))
    ragged = CharEncoder(many, reverse=False).encode([many])
    assert ragged.ids.dtype == np.uint16
    assert ragged[0].tolist() == list(range(1, 301))
    assert CharEncoder(many[:255]).encode([many]).ids.dtype == np.uint8
    unknown = CharEncoder(many[:255], reverse=False, unknown=True).encode([many])
    assert unknown.ids.dtype == np.uint16
    assert unknown[0].tolist() == [*range(2, 257), *[1] * 45]


def test_invalid_alphabets_are_rejected():
    with pytest.raises(ValueError, match=r"repeats \['a'\]"):
        CharEncoder("aba").encode(["a"])
    with pytest.raises(ValueError, match="at least one character"):
        CharEncoder("").fit(["a"])
