"""Vectorized vocabulary lookup agrees with a dictionary."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from sktextconv.encoding import _vocabulary
from sktextconv.encoding._vocabulary import END, END_BYTE, VocabularyIndex

# Words of one byte to many, often equal in their first 8 or 16 bytes.
WORDS = st.builds(
    str.__add__,
    st.sampled_from(["", "eightlet", "sixteen letters.", "é" * 8]),
    st.text("ab\0é\ud800", max_size=3),
)


def ids_of(index, words):
    """Return the ids that `lookup_bytes` finds; None is the end of a text."""
    encoded = [
        bytes([END_BYTE]) if word is None else word.encode("utf-8", "surrogatepass")
        for word in words
    ]
    sizes = np.array([len(word) for word in encoded], dtype=np.int64)
    starts = np.cumsum(sizes + 1) - sizes
    data = b" " + b" ".join(encoded) + b" " * 16
    return index.lookup_bytes(data, starts, sizes).tolist()


@given(
    known=st.lists(WORDS.filter(bool), unique=True, max_size=40),
    asked=st.lists(WORDS.filter(bool) | st.none(), max_size=40),
)
def test_unknown_words_share_one_id(known, asked):
    slow = {None: END} | {word: 2 + index for index, word in enumerate(known)}
    expected = [slow.get(word, 1) for word in asked]
    fast = VocabularyIndex(known, first_id=2, unknown=1)
    assert ids_of(fast, asked) == expected
    assert list(fast.lookup(asked)) == expected
    assert fast.words == known


@given(batches=st.lists(st.lists(WORDS.filter(bool) | st.none()), max_size=4))
def test_new_words_get_next_ids(batches):
    slow, fast = {}, VocabularyIndex()
    for words in batches:
        expected = [
            END if word is None else slow.setdefault(word, len(slow)) for word in words
        ]
        assert ids_of(fast, words) == expected
    assert fast.words == list(slow)


@pytest.mark.parametrize("bits", [(10, 20), (10, 11), (2, 3)])
def test_words_beyond_table_are_found(bits, monkeypatch):
    # With four or eight slots, the table has room for almost none of the words.
    monkeypatch.setattr(_vocabulary, "_MIN_BITS", bits[0])
    monkeypatch.setattr(_vocabulary, "_MAX_BITS", bits[1])
    words = [f"{index:x}" for index in range(5_000)]
    asked = [*words[::-7], "unknown", None, *words[::3]]
    for learning in (False, True):
        fast = VocabularyIndex(
            () if learning else words, unknown=None if learning else -9
        )
        if learning:
            for start in range(0, len(words), 50):
                ids_of(fast, words[start : start + 50])
        slow = {word: index for index, word in enumerate(words)} | {None: END}
        slow["unknown"] = 5_000 if learning else -9
        assert ids_of(fast, asked) == [slow[word] for word in asked]


def test_colliding_words_are_distinguished():
    words = [f"{index:05}" for index in range(200_000)]
    encoded = np.array(words, dtype="S8").view("<u8")
    fast = VocabularyIndex(())
    first = fast._first_slot(encoded, np.zeros_like(encoded))
    crowd = [words[index] for index in np.flatnonzero(first == first[0])]
    assert len(crowd) > _vocabulary._N_PROBES
    fast = VocabularyIndex(crowd, unknown=-9)
    assert ids_of(fast, [*crowd, "none"]) == [*range(len(crowd)), -9]
