"""Ids of the characters of texts, for counting their n-grams."""

import re

import numpy as np

from ._vocabulary import END

__all__ = ["CharacterIndex", "index_characters", "iter_characters"]

# Bounds the memory of a step; the result does not depend on it.
_CHARACTERS_PER_CHUNK = 2**20

_collapse_spaces = re.compile(r"\s\s+").sub


class CharacterIndex:
    """Mapping of characters to consecutive ids.

    Parameters
    ----------
    characters : list of str
        Distinct characters, sorted by code point.
    unknown : int, default=-2
        Id of every other character.
    """

    def __init__(self, characters, *, unknown=-2):
        points = np.array([ord(character) for character in characters])
        # The last entry is that of all larger code points.
        self._ids = np.full(points[-1] + 2, unknown, dtype=np.int32)
        self._ids[points] = np.arange(len(points))

    def lookup(self, points):
        """Return the ids of an array of code points, as int32."""
        return self._ids.take(points, mode="clip")


def index_characters(texts, *, lowercase=True):
    """Return the distinct characters, sorted, and each text as indices into them.

    Parameters
    ----------
    texts : list of str or TextSequence
    lowercase : bool, default=True

    Returns
    -------
    characters : list of str
        Sorted.
    chunks : list of ndarray of int32
        Indices into `characters`, with `END` after each text; a chunk holds several
        texts.
    """
    seen, chunks = np.zeros(0, dtype=np.int64), []
    for points, ends in _iter_points(texts, lowercase):
        chunks.append(_insert_ends(points.astype(np.int32), ends))
        found = np.bincount(points, minlength=len(seen))
        found[: len(seen)] += seen
        seen = found
    characters = list(map(chr, np.flatnonzero(seen).tolist()))
    if characters:
        index = CharacterIndex(characters)
        for chunk in chunks:
            inside = chunk != END
            chunk[inside] = index.lookup(chunk[inside])
    return characters, chunks


def iter_characters(texts, index, *, lowercase=True):
    """Yield the ids of the characters of `texts`, in chunks of several texts.

    Parameters
    ----------
    texts : list of str or TextSequence
    index : CharacterIndex
    lowercase : bool, default=True

    Yields
    ------
    ids : ndarray of int32 of shape (n_characters + n_texts,)
        `END` follows the characters of each text.
    """
    for points, ends in _iter_points(texts, lowercase):
        yield _insert_ends(index.lookup(points), ends)


def _iter_points(texts, lowercase):
    """Yield the code points of several texts, and the end of each text in them."""
    batch, size = [], 0
    for text in texts:
        if lowercase:
            text = text.lower()
        batch.append(_collapse_spaces(" ", text))
        size += len(batch[-1])
        if size >= _CHARACTERS_PER_CHUNK:
            yield _to_points(batch)
            batch, size = [], 0
    if batch:
        yield _to_points(batch)


def _to_points(texts):
    data = "".join(texts).encode("utf-32-le", "surrogatepass")
    return np.frombuffer(data, dtype="<u4"), np.cumsum([*map(len, texts)])


def _insert_ends(ids, ends):
    return np.insert(ids, ends, END)
