"""Words found among bytes are those of the regular expression."""

import itertools
import re
import sys

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from sktextconv.encoding._tokenize import (
    TOKEN_PATTERN,
    count_words,
    index_words,
    iter_word_ids,
)
from sktextconv.encoding._vocabulary import END, VocabularyIndex

# Often ASCII, where characters are bytes; any else; and words of many bytes.
TEXTS = st.lists(
    st.text(st.characters(max_codepoint=127))
    | st.text("aB.\0\x1c _'\u0130\u2028\ud800")
    | st.text("\u00e9x", min_size=7, max_size=18),
    min_size=1,
    max_size=8,
)
PATTERNS = st.sampled_from([TOKEN_PATTERN, r"\S+", r"(\w+)!?"])


def found(texts, pattern, lowercase):
    find = re.compile(pattern).findall
    return [find(text.lower() if lowercase else text) for text in texts]


def read(texts, pattern, lowercase):
    """The words that `iter_word_ids` has numbered, None after those of each text."""
    index = VocabularyIndex()
    how = {"lowercase": lowercase, "token_pattern": pattern}
    numbers = np.concatenate(list(iter_word_ids(texts, index, **how)))
    words = [*index.words, None]
    return [words[number] for number in numbers]


@given(texts=TEXTS, pattern=PATTERNS, lowercase=st.booleans())
@example(["a\0\0b", "\0"], r"\S+", True)
@example(["a\0\0b", "\0"], TOKEN_PATTERN, True)
def test_words_are_those_of_the_pattern_text_by_text(texts, pattern, lowercase):
    expected = found(texts, pattern, lowercase)
    marked = [word for words in expected for word in (*words, None)]
    assert read(texts, pattern, lowercase) == marked
    how = {"lowercase": lowercase, "token_pattern": pattern}
    words = list(itertools.chain.from_iterable(expected))
    counts = count_words(texts, **how)
    assert counts == {word: words.count(word) for word in words}
    names, chunks = index_words(texts, **how)
    assert names == sorted(counts)
    numbers = itertools.chain.from_iterable(chunk.tolist() for chunk in chunks)
    assert [None if index == END else names[index] for index in numbers] == marked


def test_every_character_is_read_as_the_pattern_says():
    points = [*range(0x3000), *range(0x3000, sys.maxunicode, 997)]
    texts = [f"a{chr(point)}b" for point in points]
    expected = found(texts, TOKEN_PATTERN, lowercase=False)
    marked = [word for words in expected for word in (*words, None)]
    assert read(texts, TOKEN_PATTERN, lowercase=False) == marked


@pytest.mark.parametrize("pattern", [TOKEN_PATTERN, r"\w+"])
def test_no_text_has_no_words(pattern):
    assert index_words([], token_pattern=pattern) == ([], [])
    assert count_words([], token_pattern=pattern) == {}
