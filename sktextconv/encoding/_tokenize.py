"""Texts to words: found by a pattern, lower-cased, and numbered."""

import itertools
import re

import numpy as np

from ._vocabulary import END, END_BYTE, Numbering

__all__ = [
    "TOKEN_PATTERN",
    "check_pattern",
    "count_words",
    "index_words",
    "lower_with_offsets",
    "read_words",
    "split_words",
    "word_spans",
]

# A run of letters, digits and underscores, or one mark of punctuation.
TOKEN_PATTERN = r"\w+|[^\w\s]"

# What each byte is: nothing, a part of a word, or a word by itself.
_NOTHING, _PART, _WHOLE = range(3)
_KINDS = bytearray([_PART]) * 256  # as UTF-8 of letters is, see `_to_bytes`
for _byte in range(128):
    if not re.match(r"\w", chr(_byte)):
        _KINDS[_byte] = _NOTHING if re.match(r"\s", chr(_byte)) else _WHOLE
_KINDS[END_BYTE] = _WHOLE
_NO_LETTERS = re.compile(r"[^\w\x00-\x7f]")

# Bounds the memory of a step; the result does not depend on it.
_TEXTS_PER_CHUNK = 4096
_CHARACTERS_AT_ONCE = 2**16


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


def lower_with_offsets(text):
    """Return a text in lower case and the offset of each character in the original.

    Parameters
    ----------
    text : str

    Returns
    -------
    folded : str
        ``text.lower()``, which may be longer than `text`.
    offsets : ndarray of int64 of shape (len(folded),)
        Indices into `text`.
    """
    folded = text.lower()
    offsets = np.arange(len(text))
    if len(folded) != len(text):
        offsets = offsets.repeat([len(character.lower()) for character in text])
    return folded, offsets


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
    folded, offsets = text, np.arange(len(text))
    if lowercase:
        folded, offsets = lower_with_offsets(text)
    pattern = re.compile(token_pattern)
    # The group is the word where the pattern has one.
    found = [match.span(pattern.groups) for match in pattern.finditer(folded)]
    starts, ends = np.array(found, dtype=np.int64).reshape(-1, 2).T
    first, last = np.append(offsets, len(text)), np.append(0, offsets + 1)
    return np.stack([first[starts], last[ends]], axis=1)


def read_words(texts, numbering, *, lowercase=True, token_pattern=TOKEN_PATTERN):
    """Yield the numbers of the words of `texts`, some thousand texts at a time.

    Parameters
    ----------
    texts : list of str or TextSequence
    numbering : Numbering
    lowercase : bool, default=True
    token_pattern : str, default=TOKEN_PATTERN

    Yields
    ------
    numbers : ndarray of int32 of shape (n_words + n_texts,)
        With `END` after the words of each text.
    """
    find = re.compile(token_pattern).findall
    for start in range(0, len(texts), _TEXTS_PER_CHUNK):
        chunk = texts[start : start + _TEXTS_PER_CHUNK]
        if lowercase:
            chunk = map(str.lower, chunk)
        # Lazy to the end: the words of a few texts are in memory at a time.
        if token_pattern == TOKEN_PATTERN:
            yield np.concatenate([_number(some, numbering) for some in _few(chunk)])
        else:
            words = itertools.chain.from_iterable((*find(text), None) for text in chunk)
            yield np.fromiter(numbering.of(words), dtype=np.int32)


def count_words(texts, *, lowercase=True, token_pattern=TOKEN_PATTERN):
    """Return how often each word occurs.

    Parameters
    ----------
    texts : list of str or TextSequence
    lowercase : bool, default=True
    token_pattern : str, default=TOKEN_PATTERN

    Returns
    -------
    counts : dict of str to int
    """
    numbering, counts = Numbering(), np.zeros(0, dtype=np.int64)
    how = {"lowercase": lowercase, "token_pattern": token_pattern}
    for numbers in read_words(texts, numbering, **how):
        more = np.bincount(numbers - END, minlength=len(counts))
        more[: len(counts)] += counts
        counts = more
    return dict(zip(numbering.words, counts[1:].tolist(), strict=True))


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


def _number(texts, numbering):
    """The numbers of the words of `TOKEN_PATTERN`, found by the kinds of bytes."""
    end = bytes([END_BYTE])
    data = b" " + b"".join(_to_bytes(text) + end for text in texts) + b" " * 16
    kinds = np.frombuffer(data.translate(_KINDS), dtype=np.uint8)
    in_part = (kinds == _PART).view(np.uint8)
    # Every `_WHOLE` is a word, and every run of `_PART`.
    starts = np.flatnonzero(kinds[1:] > in_part[:-1]) + 1
    ends = np.flatnonzero(kinds[:-1] > in_part[1:]) + 1
    return numbering.of_bytes(data, starts, ends - starts)


def _to_bytes(text):
    """UTF-8 in which marks and spaces outside ASCII stand between spaces."""
    if not text.isascii():
        text = _NO_LETTERS.sub(_set_apart, text)
    return text.encode("utf-8", "surrogatepass")


def _set_apart(found):
    return " " if found[0].isspace() else f" {found[0]} "


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
    numbering = Numbering()
    how = {"lowercase": lowercase, "token_pattern": token_pattern}
    chunks = list(read_words(texts, numbering, **how))
    words = numbering.words
    order = sorted(range(len(words)), key=words.__getitem__)
    ranks = np.full(len(words) + 1, END, dtype=np.int32)  # its own is the last
    ranks[order] = np.arange(len(words))
    return [words[index] for index in order], [ranks[chunk] for chunk in chunks]
