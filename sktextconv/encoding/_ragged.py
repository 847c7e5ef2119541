"""Ragged arrays of ids, and the reserved ids."""

import tempfile
from dataclasses import dataclass

import numpy as np

__all__ = [
    "MAX_BYTES_IN_MEMORY",
    "N_RESERVED",
    "PAD",
    "SENTENCE_END",
    "UNKNOWN",
    "Ragged",
    "RaggedWriter",
]


PAD = 0  # padding; with characters also: a column of zeros
UNKNOWN = 1  # any word or character outside the vocabulary
N_RESERVED = 2  # number of the ids above
SENTENCE_END = 2  # mark after each sentence; reserved by `DocumentEncoder` only

# Ids that take more memory are written to a temporary file, which is mapped into it.
MAX_BYTES_IN_MEMORY = 2**30


@dataclass(frozen=True, eq=False)
class Ragged:
    """Rows of ids of different lengths in one flat array.

    Attributes
    ----------
    ids : ndarray of unsigned int of shape (n_ids,)
        All rows in order, in the smallest dtype that can represent every id.
    offsets : ndarray of int64 of shape (n_rows + 1,)
        Row i is ``ids[offsets[i]:offsets[i + 1]]``.
    parts : Ragged or None
        Lengths of the parts of each row, such as the sentences of a text, if rows have
        parts.
    """

    ids: np.ndarray
    offsets: np.ndarray
    parts: "Ragged | None" = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> np.ndarray:
        return self.ids[self.offsets[row] : self.offsets[row + 1]]


class RaggedWriter:
    """Builder of a `Ragged` from rows that arrive one after the other.

    Ids beyond `MAX_BYTES_IN_MEMORY` are written to a temporary file in the folder that
    `tempfile.gettempdir` returns. The file is deleted together with the ids.

    Parameters
    ----------
    n_tokens : int
        Upper bound of the ids, exclusive.
    n_rows : int
    max_length : int
        Largest number of ids in a row.
    """

    def __init__(self, n_tokens, n_rows, max_length):
        dtype = np.min_scalar_type(n_tokens - 1)
        # Room for rows of the largest length: unused pages take no memory.
        n_ids = min(n_rows * max_length, MAX_BYTES_IN_MEMORY // dtype.itemsize)
        self._ids = np.empty(n_ids, dtype=dtype)
        self._file = None
        self._offsets = np.zeros(n_rows + 1, dtype=np.int64)
        self._n_rows = 0

    def add(self, ids, lengths):
        """Append rows, given their concatenated ids and the length of each row."""
        start = self._offsets[self._n_rows]
        ends = self._offsets[self._n_rows + 1 :][: len(lengths)]
        np.cumsum(lengths, out=ends)
        ends += start
        self._n_rows += len(lengths)
        if self._file is None and start + len(ids) > len(self._ids):
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 (finish closes it)
            self._file.write(self._ids[:start])
            self._ids = self._ids[:0].copy()
        if self._file is None:
            self._ids[start : start + len(ids)] = ids
        else:
            self._file.write(np.ascontiguousarray(ids, dtype=self._ids.dtype))

    def finish(self, parts=None):
        """Return all rows as a `Ragged`; its ids are writable, as torch requires."""
        if self._file is None:
            self._ids.resize(self._offsets[-1], refcheck=False)
            return Ragged(self._ids, self._offsets, parts)
        with self._file:
            self._file.flush()
            ids = np.memmap(self._file, dtype=self._ids.dtype, mode="c")
        return Ragged(ids, self._offsets, parts)
