"""Words found in bytes agree with the regular expression."""

import itertools
import re
import sys

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from sktextconv.encoding._tokenize import (
    PLAIN_PATTERN,
    TOKEN_PATTERN,
    count_words,
    index_words,
    iter_word_ids,
)
from sktextconv.encoding._vocabulary import END, VocabularyIndex

# ASCII, in which characters are bytes; other characters; and words of many bytes.
TEXTS = st.lists(
    st.text(st.characters(max_codepoint=127))
    | st.text("aB.\0\x1c _'\u0130\u2028\ud800")
    | st.text("\u00e9x", min_size=7, max_size=18)
    | st.text("a1_\u00e9 .\u597d\u3002\u0e17\u0e35\u0e48\u1780\u17d2\U00020000"),
    min_size=1,
    max_size=8,
)
PATTERNS = st.sampled_from([TOKEN_PATTERN, PLAIN_PATTERN, r"\S+", r"(\w+)!?"])


def found(texts, pattern, lowercase):
    find = re.compile(pattern).findall
    return [find(text.lower() if lowercase else text) for text in texts]


def read(texts, pattern, lowercase):
    """Return the words whose ids `iter_word_ids` yields, with None after each text."""
    index = VocabularyIndex()
    splitting = {"lowercase": lowercase, "token_pattern": pattern}
    ids = np.concatenate(list(iter_word_ids(texts, index, **splitting)))
    words = [*index.words, None]
    return [words[id_] for id_ in ids]


@given(texts=TEXTS, pattern=PATTERNS, lowercase=st.booleans(), many=st.booleans())
@example(["a\0\0b", "\0"], r"\S+", True, True)
@example(["a\0\0b", "\0"], TOKEN_PATTERN, True, True)
@example(["a\0\0b", "\0"], TOKEN_PATTERN, True, False)
def test_words_match_regular_expression(texts, pattern, lowercase, many):
    """Short texts are read by the pattern, more characters as bytes."""
    if many:
        texts = [*texts, "a" * 2_100]
    expected = found(texts, pattern, lowercase)
    marked = [word for words in expected for word in (*words, None)]
    assert read(texts, pattern, lowercase) == marked
    splitting = {"lowercase": lowercase, "token_pattern": pattern}
    words = list(itertools.chain.from_iterable(expected))
    counts = count_words(texts, **splitting)
    assert counts == {word: words.count(word) for word in words}
    names, chunks = index_words(texts, **splitting)
    assert names == sorted(counts)
    indices = itertools.chain.from_iterable(chunk.tolist() for chunk in chunks)
    assert [None if index == END else names[index] for index in indices] == marked


@pytest.mark.parametrize("pattern", [TOKEN_PATTERN, PLAIN_PATTERN])
def test_every_character_matches_pattern(pattern):
    points = [*range(0x3000), *range(0x3000, sys.maxunicode, 997)]
    texts = [f"a{chr(point)}b" for point in points]
    expected = found(texts, pattern, lowercase=False)
    marked = [word for words in expected for word in (*words, None)]
    assert read(texts, pattern, lowercase=False) == marked


@pytest.mark.parametrize("pattern", [TOKEN_PATTERN, r"\w+"])
def test_no_texts_give_no_words(pattern):
    assert index_words([], token_pattern=pattern) == ([], [])
    assert count_words([], token_pattern=pattern) == {}
