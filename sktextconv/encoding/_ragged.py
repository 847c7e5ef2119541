"""Ragged arrays of ids, and the ids that are reserved."""

import tempfile
from dataclasses import dataclass

import numpy as np

__all__ = [
    "MAX_BYTES_IN_MEMORY",
    "N_RESERVED",
    "PAD",
    "UNKNOWN",
    "Ragged",
    "RaggedWriter",
]


PAD = 0  # the id of padding: a column of zeros for characters
UNKNOWN = 1  # the id of a word or character that is not known
N_RESERVED = 2  # ids that are no word

# Ids that take more go to a temporary file, which is mapped into memory.
MAX_BYTES_IN_MEMORY = 2**30


@dataclass(frozen=True, eq=False)
class Ragged:
    """Rows of ids of different lengths, end to end.

    Attributes
    ----------
    ids : ndarray of unsigned int of shape (n_ids,)
        All rows in order, in the smallest type that holds every id.
    offsets : ndarray of int64 of shape (n_rows + 1,)
        Row i is ``ids[offsets[i]:offsets[i + 1]]``.
    parts : Ragged or None
        Lengths of the parts of each row, such as the sentences of a text, where rows
        have parts.
    """

    ids: np.ndarray
    offsets: np.ndarray
    parts: "Ragged | None" = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> np.ndarray:
        return self.ids[self.offsets[row] : self.offsets[row + 1]]


class RaggedWriter:
    """Rows of ids as they come, put end to end.

    Beyond `MAX_BYTES_IN_MEMORY` they go to a temporary file, in the folder that
    `tempfile.gettempdir` names, which is gone once nobody holds the ids.

    Parameters
    ----------
    n_tokens : int
        Ids are below it.
    n_rows : int
    max_length : int
        Ids of a row, at most.
    """

    def __init__(self, n_tokens, n_rows, max_length):
        dtype = np.min_scalar_type(n_tokens - 1)
        # Room for the longest rows there may be costs nothing as long as it is empty.
        n_ids = min(n_rows * max_length, MAX_BYTES_IN_MEMORY // dtype.itemsize)
        self._ids = np.empty(n_ids, dtype=dtype)
        self._file = None
        self._offsets = np.zeros(n_rows + 1, dtype=np.int64)
        self._n_rows = 0

    def add(self, ids, lengths):
        """Add the ids of some rows, end to end, and the length of each row."""
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
        """Return all as a `Ragged`; the ids can be written to, as torch asks."""
        if self._file is None:
            self._ids.resize(self._offsets[-1], refcheck=False)
            return Ragged(self._ids, self._offsets, parts)
        with self._file:
            self._file.flush()
            ids = np.memmap(self._file, dtype=self._ids.dtype, mode="c")
        return Ragged(ids, self._offsets, parts)
