"""Splitting of texts into words, and lookup of their ids."""

import itertools
import re

import numpy as np

from ._scripts import CHARACTER, WORD_LETTER, has_unspaced, may_have_unspaced
from ._vocabulary import END, END_BYTE, VocabularyIndex
from ._word_finder import CallableFinder, PatternFinder

__all__ = [
    "PLAIN_PATTERN",
    "TOKEN_PATTERN",
    "check_splitting",
    "count_words",
    "index_words",
    "iter_word_ids",
    "lower_with_offsets",
    "split_words",
    "word_spans",
]

# A run of letters, digits and underscores, or one mark of punctuation.
PLAIN_PATTERN = r"\w+|[^\w\s]"
# The same, but each character of a script without spaces is a word.
TOKEN_PATTERN = rf"{CHARACTER}|{WORD_LETTER}+|[^\w\s]"

# Patterns that `tokenizer` names. "keras": the default filters of Keras' `Tokenizer`.
_NAMED_FINDERS = {
    "keras": PatternFinder(r"""[^ \t\n!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~]+""")
}

# Patterns whose words are found in bytes; None is `TOKEN_PATTERN`.
_BYTE_PATTERNS = (None, TOKEN_PATTERN, PLAIN_PATTERN)
_DEFAULT_FINDER = PatternFinder(PLAIN_PATTERN, TOKEN_PATTERN)
_find_split = re.compile(TOKEN_PATTERN).findall

# Classes of bytes: white space, part of a word, or a word by itself.
_SPACE, _PART, _MARK = range(3)
_BYTE_CLASSES = bytearray([_PART]) * 256  # outside ASCII: of letters, see `_to_bytes`
for _byte in range(128):
    if not re.match(r"\w", chr(_byte)):
        _BYTE_CLASSES[_byte] = _SPACE if re.match(r"\s", chr(_byte)) else _MARK
_BYTE_CLASSES[END_BYTE] = _MARK
_NON_WORD = re.compile(r"[^\w\x00-\x7f]")  # outside ASCII

# Bound the memory of a step; the result does not depend on them.
_TEXTS_PER_CHUNK = 4096
_CHARACTERS_PER_BATCH = 2**16

# Characters up to which the pattern and a dictionary are faster than NumPy.
_MAX_SHORT = 2**11


def check_splitting(token_pattern, tokenizer):
    """Raise `ValueError` unless the parameters that define words are valid.

    Parameters
    ----------
    token_pattern : str or None
        Regular expression with at most one group.
    tokenizer : callable, str or None
        Only one of the two may be given.
    """
    if token_pattern is None:
        return
    if tokenizer is not None:
        raise ValueError(
            "The 'token_pattern' parameter must be None if 'tokenizer' is given, which "
            f"finds the words alone. Got {token_pattern!r} instead."
        )
    try:
        n_groups = re.compile(token_pattern).groups
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(
            "The 'token_pattern' parameter must be a regular expression. Got "
            f"{token_pattern!r} instead, which fails with: {error}."
        ) from error
    if n_groups > 1:
        raise ValueError(
            "The 'token_pattern' parameter must contain at most one group, the word. "
            f"Got {token_pattern!r} instead, with {n_groups} groups; write the others "
            "as (?:...)."
        )


def _make_finder(token_pattern, tokenizer):
    """Return a finder of the words that two parameters define."""
    if isinstance(tokenizer, str):
        return _NAMED_FINDERS[tokenizer]
    if tokenizer is not None:
        return CallableFinder(tokenizer)
    if token_pattern in (None, TOKEN_PATTERN):
        return _DEFAULT_FINDER
    return PatternFinder(token_pattern)


def split_words(texts, *, lowercase=True, token_pattern=None, tokenizer=None):
    """Return an iterator over the words of each text, as a list of str.

    Parameters
    ----------
    texts : list of str or TextSequence
    lowercase : bool, default=True
    token_pattern : str or None, default=None
        Regular expression of a word; None takes `TOKEN_PATTERN`.
    tokenizer : callable, str or None, default=None
        Function from a text to the list of its words, or the name of a pattern, instead
        of `token_pattern`.

    Returns
    -------
    words : iterator of list of str, of length n_texts
    """
    if lowercase:
        texts = map(str.lower, texts)
    return map(_make_finder(token_pattern, tokenizer).words, texts)


def lower_with_offsets(text):
    """Return a text in lower case and the offset of each character in the original.

    Parameters
    ----------
    text : str

    Returns
    -------
    lowered : str
        ``text.lower()``, which may be longer than `text`.
    offsets : ndarray of int64 of shape (len(lowered),)
        Indices into `text`.
    """
    lowered = text.lower()
    offsets = np.arange(len(text))
    if len(lowered) != len(text):
        offsets = offsets.repeat([len(character.lower()) for character in text])
    return lowered, offsets


def word_spans(text, *, lowercase=True, token_pattern=None, tokenizer=None):
    """Return the offsets of the words that `split_words` finds in a text.

    Parameters
    ----------
    text : str
    lowercase : bool, default=True
    token_pattern : str or None, default=None
        Regular expression of a word; None takes `TOKEN_PATTERN`.
    tokenizer : callable, str or None, default=None
        Function from a text to the list of its words, or the name of a pattern, instead
        of `token_pattern`.

    Returns
    -------
    spans : ndarray of int64 of shape (n_words, 2)
        Start and end of each word, in characters of the original text. They are equal
        for a word of a `tokenizer` that is not found in the text.
    """
    lowered, offsets = text, np.arange(len(text))
    if lowercase:
        lowered, offsets = lower_with_offsets(text)
    found = _make_finder(token_pattern, tokenizer).spans(lowered)
    starts, ends = np.array(found, dtype=np.int64).reshape(-1, 2).T
    first, last = np.append(offsets, len(text)), np.append(0, offsets + 1)
    starts, ends = first[starts], np.where(ends > starts, last[ends], first[starts])
    return np.stack([starts, ends], axis=1)


def iter_word_ids(texts, index, *, lowercase=True, token_pattern=None, tokenizer=None):
    """Yield the ids of the words of `texts`, in chunks of some thousand texts.

    Parameters
    ----------
    texts : list of str or TextSequence
    index : VocabularyIndex
    lowercase : bool, default=True
    token_pattern : str or None, default=None
        Regular expression of a word; None takes `TOKEN_PATTERN`.
    tokenizer : callable, str or None, default=None
        Function from a text to the list of its words, or the name of a pattern, instead
        of `token_pattern`.

    Yields
    ------
    ids : ndarray of int32 of shape (n_words + n_texts,)
        `END` follows the words of each text.
    """
    find = _make_finder(token_pattern, tokenizer).words
    split = token_pattern != PLAIN_PATTERN
    in_bytes = tokenizer is None and token_pattern in _BYTE_PATTERNS
    for start in range(0, len(texts), _TEXTS_PER_CHUNK):
        chunk = texts[start : start + _TEXTS_PER_CHUNK]
        if lowercase:
            chunk = map(str.lower, chunk)
        # Iterators, so that only the words of one batch are in memory at a time.
        batches = _batches(chunk) if in_bytes else [chunk]
        ids = [
            _word_ids(batch, index, split)
            if in_bytes and sum(map(len, batch)) > _MAX_SHORT
            else _look_up(map(find, batch), index)
            for batch in batches
        ]
        yield np.concatenate(ids) if len(ids) > 1 else ids[0]


def count_words(texts, **splitting):
    """Return the number of occurrences of each word.

    Parameters
    ----------
    texts : list of str or TextSequence
    **splitting : dict
        `lowercase`, `token_pattern` and `tokenizer` as for `iter_word_ids`.

    Returns
    -------
    counts : dict of str to int
    """
    index, counts = VocabularyIndex(), np.zeros(0, dtype=np.int64)
    for ids in iter_word_ids(texts, index, **splitting):
        total = np.bincount(ids - END, minlength=len(counts))
        total[: len(counts)] += counts
        counts = total
    return dict(zip(index.words, counts[1:].tolist(), strict=True))


def index_words(texts, **splitting):
    """Return the distinct words, sorted, and each text as indices into them.

    Parameters
    ----------
    texts : list of str or TextSequence
    **splitting : dict
        `lowercase`, `token_pattern` and `tokenizer` as for `iter_word_ids`.

    Returns
    -------
    words : list of str
        Sorted.
    chunks : list of ndarray of int32
        Indices into `words`, with `END` after each text; a chunk holds several texts.
    """
    index = VocabularyIndex()
    chunks = list(iter_word_ids(texts, index, **splitting))
    words = index.words
    order = sorted(range(len(words)), key=words.__getitem__)
    ranks = np.full(len(words) + 1, END, dtype=np.int32)  # last entry: rank of `END`
    ranks[order] = np.arange(len(words))
    return [words[id_] for id_ in order], [ranks[chunk] for chunk in chunks]


def _look_up(texts, index):
    """Return the ids of texts given as lists of words, each followed by `END`."""
    words = itertools.chain.from_iterable((*words, None) for words in texts)
    return np.array(list(index.lookup(words)), dtype=np.int32)


def _batches(texts):
    """Yield lists of texts with about `_CHARACTERS_PER_BATCH` characters in total."""
    batch, size = [], 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= _CHARACTERS_PER_BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _word_ids(texts, index, split):
    """Return the ids of words, found by the classes of bytes.

    The words are those of `TOKEN_PATTERN` if `split`, else of `PLAIN_PATTERN`.
    """
    split = split and may_have_unspaced(texts)
    end = bytes([END_BYTE])
    encoded = b"".join(_to_bytes(text, split) + end for text in texts)
    data = b" " + encoded + b" " * 16
    classes = np.frombuffer(data.translate(_BYTE_CLASSES), dtype=np.uint8)
    in_part = (classes == _PART).view(np.uint8)
    # Each `_MARK` is a word, and each run of `_PART`.
    starts = np.flatnonzero(classes[1:] > in_part[:-1]) + 1
    ends = np.flatnonzero(classes[:-1] > in_part[1:]) + 1
    return index.lookup_bytes(data, starts, ends - starts)


def _to_bytes(text, split):
    """Return UTF-8 in which white space surrounds words outside ASCII."""
    if split and has_unspaced(text):
        text = " ".join(_find_split(text))
    elif not text.isascii():
        text = _NON_WORD.sub(_separate, text)
    return text.encode("utf-8", "surrogatepass")


def _separate(match):
    return " " if match[0].isspace() else f" {match[0]} "
