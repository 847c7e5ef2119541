"""Texts to words: found by a pattern, lower-cased, and numbered."""

import collections
import functools
import itertools
import re

import numpy as np

__all__ = [
    "END",
    "TOKEN_PATTERN",
    "boundary",
    "check_pattern",
    "count_words",
    "index_words",
    "lower_with_origins",
    "read_words",
    "split_words",
    "word_spans",
]

# A run of letters, digits and underscores, or one mark of punctuation.
TOKEN_PATTERN = r"\w+|[^\w\s]"

# The ASCII characters that are words by themselves; NUL is looked at apart.
_MARKS = re.findall(r"[^\w\s]", "".join(map(chr, range(1, 128))))
_NUL = "\0"

END = -1  # stands after the last word of each text

# Bounds the memory of a step; the result does not depend on it.
_TEXTS_PER_CHUNK = 4096
_CHARACTERS_AT_ONCE = 2**14


def check_pattern(token_pattern):
    """Raise `ValueError` unless it is a regular expression of one group at most."""
    try:
        n_groups = re.compile(token_pattern).groups
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(
            "The 'token_pattern' parameter must be a regular expression. Got "
            f"{token_pattern!r} instead, which fails with: {error}."
        ) from error
    if n_groups > 1:
        raise ValueError(
            "token_pattern must hold at most one group, the word. Got "
            f"{token_pattern!r} instead, with {n_groups}; write others as (?:...)."
        )


def split_words(texts, *, lowercase=True, token_pattern=TOKEN_PATTERN):
    """Return an iterator over the words of each text, as a list of str.

    Parameters
    ----------
    texts : list of str or TextSequence
    lowercase : bool, default=True
    token_pattern : str, default=TOKEN_PATTERN

    Returns
    -------
    words : iterator of list of str, of length n_documents
    """
    if lowercase:
        texts = map(str.lower, texts)
    return map(re.compile(token_pattern).findall, texts)


def boundary(token_pattern):
    """What `read_words` puts after the last word of each text: no word of the pattern.

    For `TOKEN_PATTERN` it is a str, since splitting gives those alone.
    """
    return 2 * _NUL if token_pattern == TOKEN_PATTERN else None


def lower_with_origins(text):
    """Return a text in lower case, and which of its characters each one came from.

    Parameters
    ----------
    text : str

    Returns
    -------
    folded : str
        ``text.lower()``, which may be longer than `text`.
    origins : ndarray of int64 of shape (len(folded),)
        Indices into `text`.
    """
    folded = text.lower()
    origins = np.arange(len(text))
    if len(folded) != len(text):
        origins = origins.repeat([len(character.lower()) for character in text])
    return folded, origins


def word_spans(text, *, lowercase=True, token_pattern=TOKEN_PATTERN):
    """Return where the words of a text that `split_words` gives stand in it.

    Parameters
    ----------
    text : str
    lowercase : bool, default=True
    token_pattern : str, default=TOKEN_PATTERN

    Returns
    -------
    spans : ndarray of int64 of shape (n_words, 2)
        Start and end of each word, in characters of `text` as it came.
    """
    folded, origins = text, np.arange(len(text))
    if lowercase:
        folded, origins = lower_with_origins(text)
    pattern = re.compile(token_pattern)
    # The group is the word where the pattern has one.
    found = [match.span(pattern.groups) for match in pattern.finditer(folded)]
    starts, ends = np.array(found, dtype=np.int64).reshape(-1, 2).T
    first, last = np.append(origins, len(text)), np.append(0, origins + 1)
    return np.stack([first[starts], last[ends]], axis=1)


def read_words(texts, number, *, lowercase=True, token_pattern=TOKEN_PATTERN):
    """Yield the numbers of the words of `texts`, some thousand texts at a time.

    Parameters
    ----------
    texts : list of str or TextSequence
    number : callable
        Takes an iterable of words, with `boundary` after the last word of each text,
        and returns an iterable of int.
    lowercase : bool, default=True
    token_pattern : str, default=TOKEN_PATTERN

    Yields
    ------
    numbers : ndarray of int32 of shape (n_words + n_texts,)
    """
    for words in _marked(texts, lowercase=lowercase, token_pattern=token_pattern):
        yield np.fromiter(number(words), dtype=np.int32)


def count_words(texts, *, lowercase=True, token_pattern=TOKEN_PATTERN):
    """Return how often each word occurs.

    Parameters
    ----------
    texts : list of str or TextSequence
    lowercase : bool, default=True
    token_pattern : str, default=TOKEN_PATTERN

    Returns
    -------
    counts : Counter
    """
    chunks = _marked(texts, lowercase=lowercase, token_pattern=token_pattern)
    counts = collections.Counter(itertools.chain.from_iterable(chunks))
    del counts[boundary(token_pattern)]
    return counts


def _marked(texts, *, lowercase, token_pattern):
    """Yield the words of some thousand texts, `boundary` after those of each."""
    find, mark = re.compile(token_pattern).findall, boundary(token_pattern)
    for start in range(0, len(texts), _TEXTS_PER_CHUNK):
        chunk = texts[start : start + _TEXTS_PER_CHUNK]
        if lowercase:
            chunk = map(str.lower, chunk)
        # Lazy to the end: the words of a few texts are in memory at a time.
        if mark is not None:
            found = (_split(some, find) for some in _few(chunk))
        else:
            found = ((*words, mark) for words in map(find, chunk))
        yield itertools.chain.from_iterable(found)


def _few(texts):
    """Yield the texts in lists of about `_CHARACTERS_AT_ONCE` together."""
    some, size = [], 0
    for text in texts:
        some.append(text)
        size += len(text)
        if size >= _CHARACTERS_AT_ONCE:
            yield some
            some, size = [], 0
    if some:
        yield some


def _split(texts, find):
    """Find the words of `TOKEN_PATTERN` in some texts: in ASCII, by splitting."""
    mark = boundary(TOKEN_PATTERN)
    texts = [text if text.isascii() else " ".join(find(text)) for text in texts]
    if any(_NUL in text for text in texts):
        return [word for text in texts for word in (*find(text), mark)]
    joined = _NUL.join([*texts, ""])
    for character in _MARKS:
        if character in joined:
            joined = joined.replace(character, f" {character} ")
    return joined.replace(_NUL, f" {mark} ").split()


def index_words(texts, *, lowercase=True, token_pattern=TOKEN_PATTERN):
    """Return the distinct words by the alphabet, and each text as their numbers.

    Parameters
    ----------
    texts : list of str or TextSequence
    lowercase : bool, default=True
    token_pattern : str, default=TOKEN_PATTERN

    Returns
    -------
    words : list of str
        Sorted.
    chunks : list of ndarray of int32
        Indices into `words`, with `END` after each text; several texts to a chunk.
    """
    numbers = collections.defaultdict()
    numbers.default_factory = numbers.__len__
    end = boundary(token_pattern)
    numbers[end] = 0
    first_seen = functools.partial(map, numbers.__getitem__)
    chunks = list(
        read_words(texts, first_seen, lowercase=lowercase, token_pattern=token_pattern)
    )
    del numbers[end]
    words = sorted(numbers)
    ranks = np.empty(len(words) + 1, dtype=np.int32)
    ranks[0] = END
    ranks[[numbers[word] for word in words]] = np.arange(len(words))
    return words, [ranks[chunk] for chunk in chunks]
