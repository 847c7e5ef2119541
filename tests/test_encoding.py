"""Characters become the rows of an alphabet, as the paper and its authors' code say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sktextconv import encoding
from sktextconv.encoding import ALPHABETS, PAD, CharEncoder

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
SOME_ALPHABET = st.sampled_from([*ALPHABETS, "aàßx", "абвİi", "Ab"])


def slow_encode(text, alphabet, *, max_length, lowercase, reverse, keep):
    """Section 2.2 of the paper, one character after the other."""
    text = text.lower() if lowercase else text
    text = text[-max_length:] if keep == "end" else text[:max_length]
    rows = {}
    for row, character in enumerate(ALPHABETS.get(alphabet, alphabet), 1):
        rows[character] = row
    ids = [rows.get(character, 0) for character in text]
    return ids[::-1] if reverse else ids


@given(
    texts=st.lists(ANY_TEXT, min_size=1, max_size=5),
    alphabet=SOME_ALPHABET,
    max_length=st.integers(1, 45),
    lowercase=st.booleans(),
    reverse=st.booleans(),
    keep=st.sampled_from(["start", "end"]),
)
def test_encoding_agrees_with_the_slow_loop(texts, alphabet, **settings):
    ragged = CharEncoder(alphabet, **settings).encode(texts)
    assert len(ragged) == len(texts)
    for row, text in enumerate(texts):
        assert ragged[row].tolist() == slow_encode(text, alphabet, **settings)


def test_chunks_join_without_a_seam(monkeypatch):
    texts = ["abc", "", "é", "de"] * 5
    whole = CharEncoder().encode(texts)
    monkeypatch.setattr(encoding, "_TEXTS_PER_CHUNK", 3)
    chunked = CharEncoder().encode(texts)
    assert np.array_equal(chunked.ids, whole.ids)
    assert np.array_equal(chunked.offsets, whole.offsets)


def test_worked_example_of_the_specification():
    encoder = CharEncoder("code", max_length=6)
    assert encoder.encode(["x-1 Ab"])[0].tolist() == [2, 1, 0, 28, 60, 24]


def test_alphabet_has_69_entries_of_which_68_differ():
    code = ALPHABETS["code"]
    assert (len(code), len(set(code))) == (69, 68)
    assert sum(not c.isalnum() for c in code) == 33
    rows = {c: code.index(c) + 1 for c in "az09}"}
    assert rows == {"a": 1, "z": 26, "0": 27, "9": 36, "}": 69}
    assert code.index("-") + 1 == 37


def test_hyphen_is_the_later_of_its_rows():
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
    ],
)
def test_variants_have_the_rows_of_the_specification(
    alphabet, rows, can_be_nonzero, line_break
):
    encoder = CharEncoder(alphabet)
    assert encoder.n_tokens - 1 == rows
    every = "".join(map(chr, range(128)))
    used = set(encoder.encode([every])[0].tolist()) - {PAD}
    assert len(used) == can_be_nonzero
    assert (encoder.encode(["\n"])[0].tolist() != [PAD]) is line_break
    assert (encoder.encode([" "])[0].tolist() != [PAD]) is (alphabet == "space")


def test_only_full_tells_upper_from_lower_case():
    for alphabet in ALPHABETS:
        upper, lower = CharEncoder(alphabet).encode(["A", "a"])
        assert (upper.tolist() != lower.tolist()) is (alphabet == "full")


def test_an_accented_letter_is_one_column_of_zeros():
    assert CharEncoder(reverse=False).encode(["aéb"])[0].tolist() == [1, 0, 2]


def test_lower_case_of_another_length_moves_the_cut():
    # "İ" becomes "i" and a combining dot: four characters, of which three are kept.
    encoder = CharEncoder(max_length=3, reverse=False)
    assert encoder.encode(["aİb"])[0].tolist() == [9, 0, 2]
    kept = CharEncoder(max_length=3, reverse=False, lowercase=False)
    assert kept.encode(["aİb"])[0].tolist() == [1, 0, 2]


def test_last_characters_are_kept_and_come_first():
    encoder = CharEncoder(max_length=3)
    assert encoder.encode(["abcde"])[0].tolist() == [5, 4, 3]
    assert CharEncoder(max_length=3, keep="start").encode(["abcde"])[0].tolist() == [
        3,
        2,
        1,
    ]


def test_ids_are_bytes_and_nothing_is_padded():
    ragged = CharEncoder().encode(["ab", "", "abcd" * 500])
    assert ragged.ids.dtype == np.uint8
    assert ragged.offsets.tolist() == [0, 2, 2, 2 + 1014]


def test_more_than_255_characters_take_two_bytes():
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 300)))
    ragged = CharEncoder(many, reverse=False).encode([many])
    assert ragged.ids.dtype == np.uint16
    assert ragged[0].tolist() == list(range(1, 301))
    assert CharEncoder(many[:255]).encode([many]).ids.dtype == np.uint8


def test_bad_alphabets_are_refused():
    with pytest.raises(ValueError, match=r"repeats \['a'\]"):
        CharEncoder("aba")
    with pytest.raises(ValueError, match="at least one character"):
        CharEncoder("")
