"""Characters become rows of an alphabet, as published, and words ranks by frequency."""

import collections
import copy
import json
import pickle

import numpy as np
import pytest
from hypothesis import given, strategies as st

from sktextconv.encoding import (
    ALPHABETS,
    PAD,
    UNKNOWN,
    CharEncoder,
    WordEncoder,
    _char_tokenizer,
    _tokenize,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
SOME_ALPHABET = st.sampled_from([*ALPHABETS, "aàßx", "абвİi", "Ab"])


def slow_encode(text, alphabet, *, max_length, lowercase, reverse, keep, unknown):
    """Section 2.2 of the paper, one character after the other."""
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
def test_encoding_agrees_with_the_slow_loop(texts, alphabet, **settings):
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
def test_each_id_of_a_character_tells_where_it_stands(
    text, max_length, lowercase, reverse, keep
):
    encoder = CharEncoder(
        "full", max_length=max_length, lowercase=lowercase, reverse=reverse, keep=keep
    )
    # Of "İ" in lower case there are two characters.
    lengths = [len(c.lower()) if lowercase else 1 for c in text]
    offsets = [(i, i + 1) for i, length in enumerate(lengths) for _ in range(length)]
    offsets = offsets[-max_length:] if keep == "end" else offsets[:max_length]
    offsets = offsets[::-1] if reverse else offsets
    assert encoder.offsets(text).tolist() == list(map(list, offsets))
    assert len(encoder.encode([text])[0]) == len(offsets)


def test_chunks_join_without_a_seam(monkeypatch):
    texts = ["abc", "", "é", "de"] * 5
    whole = CharEncoder().encode(texts)
    monkeypatch.setattr(_char_tokenizer, "_TEXTS_PER_CHUNK", 3)
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
        ("vdcnn", 67, 67, False),
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
    has_space = alphabet in ("space", "vdcnn")
    assert (encoder.encode([" "])[0].tolist() != [PAD]) is has_space


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


def test_vdcnn_alphabet_has_the_69_tokens_of_the_paper():
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


def test_bad_alphabets_are_refused():
    with pytest.raises(ValueError, match=r"repeats \['a'\]"):
        CharEncoder("aba").encode(["a"])
    with pytest.raises(ValueError, match="at least one character"):
        CharEncoder("").fit(["a"])


# -- words ------------------------------------------------------------------------


def slow_words(text, lowercase):
    """Runs of letters, digits and underscores; other characters one by one."""
    found = [""]
    for character in text.lower() if lowercase else text:
        if character.isalnum() or character == "_":
            found[-1] += character
        elif character.isspace():
            found.append("")
        else:
            found += [character, ""]
    return [word for word in found if word]


def slow_vocabulary(texts, *, lowercase, max_tokens, min_count):
    counts = collections.Counter()
    for text in texts:
        counts.update(slow_words(text, lowercase))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return [word for word in ranked[:max_tokens] if counts[word] >= min_count]


# Few letters, so that words come again, with some of every kind between.
WORDY_TEXT = st.text(st.sampled_from("aAbİßé_1 \n,.\u3000\ud800"), max_size=30)


@given(
    texts=st.lists(ANY_TEXT | WORDY_TEXT, min_size=1, max_size=6),
    others=st.lists(ANY_TEXT | WORDY_TEXT, min_size=1, max_size=3),
    max_tokens=st.integers(1, 12),
    min_count=st.integers(1, 3),
    lowercase=st.booleans(),
    max_length=st.integers(1, 12),
    keep=st.sampled_from(["start", "end"]),
)
def test_words_agree_with_counting_and_sorting(
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
        found = slow_words(text, settings["lowercase"])
        found = found[-max_length:] if keep == "end" else found[:max_length]
        assert ragged[row].tolist() == [ids.get(word, UNKNOWN) for word in found]


def test_chunks_of_words_join_without_a_seam(monkeypatch):
    texts = ["b a", "", "c a.", "d"] * 5
    whole = WordEncoder().fit(texts)
    monkeypatch.setattr(_tokenize, "_TEXTS_PER_CHUNK", 3)
    chunked = WordEncoder().fit(texts)
    assert chunked.words == whole.words == ["a", ".", "b", "c", "d"]
    ours, theirs = chunked.encode(texts), whole.encode(texts)
    assert ours.ids.tolist() == theirs.ids.tolist()
    assert ours.offsets.tolist() == theirs.offsets.tolist()


def test_the_most_frequent_words_are_kept_and_the_first_by_the_alphabet():
    texts = ["d d d c c b b a"]
    assert WordEncoder().fit(texts).words == ["d", "b", "c", "a"]
    assert WordEncoder(max_tokens=2).fit(texts).words == ["d", "b"]
    assert WordEncoder(min_count=2).fit(texts).words == ["d", "b", "c"]
    assert WordEncoder(min_count=2, max_tokens=1).fit(texts).words == ["d"]
    assert WordEncoder(min_count=4, max_tokens=9).fit(["x x x x y"]).words == ["x"]


def test_case_is_folded_unless_asked_not_to():
    assert WordEncoder().fit(["Ab aB ab"]).words == ["ab"]
    assert WordEncoder(lowercase=False).fit(["Ab aB ab"]).words == ["Ab", "aB", "ab"]


def test_either_end_of_a_long_text_is_kept():
    texts = ["a b c d e"]
    start = WordEncoder(max_length=3).fit(texts)
    end = WordEncoder(max_length=3, keep="end").fit(texts)
    assert start.encode(texts)[0].tolist() == [2, 3, 4]
    assert end.encode(texts)[0].tolist() == [4, 5, 6]
    # The vocabulary is of whole texts.
    assert start.words == end.words == ["a", "b", "c", "d", "e"]


def test_a_vocabulary_of_nothing_is_refused_with_what_was_asked():
    with pytest.raises(ValueError, match=r"empty vocabulary: .* min_count=1 times"):
        WordEncoder().fit(["", " \n"])
    with pytest.raises(ValueError, match=r"empty vocabulary: .* min_count=3 times"):
        WordEncoder(min_count=3).fit(["a a b b"])


@pytest.mark.parametrize(
    ("n_words", "dtype"), [(254, np.uint8), (255, np.uint16), (65_535, np.uint32)]
)
def test_ids_of_words_take_the_smallest_type(n_words, dtype):
    text = " ".join(f"w{number:06}" for number in range(n_words))
    encoder = WordEncoder(max_tokens=n_words, max_length=n_words).fit([text])
    ids = encoder.encode([text]).ids
    assert ids.dtype == dtype
    assert np.array_equal(ids, np.arange(2, n_words + 2))


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_encoder_encodes_alike(protocol):
    texts = ["so so good", "So bad!", ""]
    encoder = WordEncoder(max_tokens=3, lowercase=False, max_length=2, keep="end")
    unfitted = pickle.loads(pickle.dumps(encoder, protocol))
    assert unfitted.fit(texts).words == encoder.fit(texts).words
    loaded = pickle.loads(pickle.dumps(encoder, protocol))
    assert loaded.words == encoder.words
    assert loaded.encode(texts).ids.tolist() == encoder.encode(texts).ids.tolist()


def test_what_was_learnt_is_restored_into_an_encoder_of_the_same_settings():
    texts = ["so so good", "So bad!", ""]
    encoder = WordEncoder(max_tokens=3, max_length=2, keep="end")
    state = copy.deepcopy(encoder).fit(texts).get_state()
    assert state == json.loads(json.dumps(state)) == {"words": ["so", "!", "bad"]}
    assert encoder.set_state(**state) is encoder
    fitted = WordEncoder(max_tokens=3, max_length=2, keep="end").fit(texts)
    assert encoder.encode(texts).ids.tolist() == fitted.encode(texts).ids.tolist()
    assert encoder.n_tokens == fitted.n_tokens
    characters = CharEncoder("abc")
    assert characters.set_state(**characters.get_state()) is characters


@pytest.mark.parametrize("words", ["so good", ("so",), ["so", 1], [None], ["so", "so"]])
def test_what_is_no_vocabulary_is_not_restored(words):
    encoder = WordEncoder()
    with pytest.raises(ValueError, match="the words of a vocabulary"):
        encoder.set_state(words=words)
    assert not hasattr(encoder, "words")


def fold(word):
    """In lower case, one by one: what a final sigma is depends on what follows."""
    return word.lower().replace("ς", "σ")


@given(
    text=ANY_TEXT.filter(lambda text: "İ" not in text),
    max_length=st.integers(1, 12),
    keep=st.sampled_from(["start", "end"]),
)
def test_each_id_of_a_word_tells_where_it_stands(text, max_length, keep):
    encoder = WordEncoder(max_length=max_length, keep=keep).fit(["some words"])
    (_tokenize,) = encoder.split([text])
    _tokenize = _tokenize[-max_length:] if keep == "end" else _tokenize[:max_length]
    found = [text[start:end] for start, end in encoder.offsets(text)]
    assert list(map(fold, found)) == list(map(fold, _tokenize))
    assert len(encoder.encode([text])[0]) == len(found)


def test_words_stand_where_they_do_in_the_text_as_it_came():
    encoder = WordEncoder().fit(["x"])
    assert encoder.encode(["An İstanbul"])[0].tolist() == [UNKNOWN] * 4
    assert encoder.offsets("An İstanbul").tolist() == [[0, 2], [3, 4], [3, 4], [4, 11]]
    assert encoder.offsets("").shape == (0, 2)
    quoted = WordEncoder(token_pattern=r"'(\w+)'").fit(["'x'"])
    assert quoted.offsets("a 'b' 'cd'").tolist() == [[3, 4], [7, 9]]
