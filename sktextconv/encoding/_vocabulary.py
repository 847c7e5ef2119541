"""Vocabularies: selection of words, and vectorized lookup of their ids."""

import collections
import itertools

import numpy as np

__all__ = [
    "END",
    "END_BYTE",
    "VocabularyIndex",
    "check_vocabulary",
    "most_frequent",
]

END = -1  # the id of `END_BYTE`, and of None
END_BYTE = 0xFF  # never occurs in UTF-8; ends each text

_WIDTH = 15  # bytes of the longest words in the table; with the size, two integers
_PADDING = 16  # bytes after the words, so that two integers can be read anywhere
_N_PROBES = 8  # consecutive slots that are searched for a word
_MIN_BITS, _MAX_BITS = 10, 20  # log2 of the number of slots; at most half are used

# Contents of a slot, or results of a lookup, that are not ids: the slot is free, or
# all probed slots hold other words.
_EMPTY, _OVERFLOW = np.iinfo(np.int32).min + np.arange(2, dtype=np.int32)

_FIRST_BYTES = np.array([2 ** (8 * n) - 1 for n in range(9)], dtype=np.uint64)
# Odd multipliers of multiplicative hashing, one for each of the two integers.
_HASH = np.uint64(0x9E3779B97F4A7C15)
_HASH_HIGH = np.uint64(0xD6E8FEB86659FD93)


class VocabularyIndex:
    """Mapping of words to ids that looks up thousands of words at once.

    Words of at most 15 bytes are stored as two integers in an open-addressing hash
    table of NumPy arrays: they are compared exactly, and no str is created for them.
    All other words are looked up in a dictionary.

    Parameters
    ----------
    words : iterable of str, default=()
        Distinct words, which get consecutive ids.
    first_id : int, default=0
        Id of the first word.
    unknown : int or None, default=None
        Id of every other word. With None each new word gets the next id when it is
        first looked up.

    Examples
    --------
    >>> index = VocabularyIndex(["so", "good"], unknown=7)
    >>> list(index.lookup(["good", "so", "bad", None]))
    [1, 0, 7, -1]
    """

    def __init__(self, words=(), *, first_id=0, unknown=None):
        self._unknown = unknown
        self._ids = collections.defaultdict(None, zip(words, itertools.count(first_id)))
        self._allocate(_MIN_BITS)
        self._insert_all()
        if unknown is None:
            new_ids = itertools.count(first_id + len(self._ids))
            self._ids.default_factory = new_ids.__next__
        self._ids[None] = END

    @property
    def words(self):
        """List of the words, in the order of their ids."""
        return [word for word in self._ids if word is not None]

    def lookup(self, words):
        """Return an iterator over the ids of words; the id of None is `END`."""
        if self._unknown is None:
            return map(self._ids.__getitem__, words)
        return map(self._ids.get, words, itertools.repeat(self._unknown))

    def lookup_bytes(self, data, starts, sizes):
        """Return the ids of words in UTF-8.

        Parameters
        ----------
        data : bytes
            At least 16 bytes follow the last word.
        starts, sizes : ndarray of int64 of shape (n_words,)
            Position and length of each word, in bytes. The id of `END_BYTE` is `END`.

        Returns
        -------
        ids : ndarray of int32 of shape (n_words,)
        """
        low, high = _pack(data, starts, sizes)
        ids = self._probe(low, high)
        ids[sizes > _WIDTH] = _OVERFLOW
        ids[low == END_BYTE] = END  # no word consists of this byte alone
        if self._unknown is not None and self._is_complete:
            ids[ids == _EMPTY] = self._unknown
        rest = np.flatnonzero(ids <= _OVERFLOW)
        if not len(rest):
            return ids
        n_before = len(self._ids)
        ends = (starts + sizes)[rest].tolist()
        slices = map(slice, starts[rest].tolist(), ends)
        words = [data[part].decode("utf-8", "surrogatepass") for part in slices]
        ids[rest] = found = np.fromiter(self.lookup(words), np.int32, len(rest))
        if n_new := len(self._ids) - n_before:
            first = np.unique(found, return_index=True)[1][-n_new:]
            new = rest[first]
            self._insert(*(array[new] for array in (sizes, low, high, ids)))
        return ids

    def _insert_all(self):
        encoded = [word.encode("utf-8", "surrogatepass") for word in self._ids]
        sizes = np.fromiter(map(len, encoded), dtype=np.int64)
        starts = np.cumsum(sizes) - sizes
        packed = _pack(b"".join(encoded) + bytes(_PADDING), starts, sizes)
        ids = np.fromiter(self._ids.values(), dtype=np.int32)
        self._insert(sizes, *packed, ids)

    def _allocate(self, n_bits):
        self._low, self._high = np.zeros((2, 2**n_bits), dtype=np.uint64)
        self._slot_ids = np.full(2**n_bits, _EMPTY)
        self._shift, self._last_slot = np.uint64(64 - n_bits), 2**n_bits - 1
        # Whether the table holds every short word of the dictionary.
        self._n_used, self._is_complete = 0, True

    def _first_slot(self, low, high):
        mixed = low ^ (low >> np.uint64(32)) ^ (high * _HASH_HIGH)
        return ((mixed * _HASH) >> self._shift).view(np.int64)

    def _probe(self, low, high):
        """Return the ids of packed words in the table, `_EMPTY` or `_OVERFLOW`."""
        first = self._first_slot(low, high)
        ids = self._slot_ids.take(first)
        rest = np.flatnonzero(self._holds_other(first, low, high))
        for step in range(1, _N_PROBES):
            slots = (first[rest] + step) & self._last_slot
            ids[rest] = self._slot_ids.take(slots)
            rest = rest[self._holds_other(slots, low[rest], high[rest])]
        ids[rest] = _OVERFLOW
        return ids

    def _holds_other(self, slots, low, high):
        differs = (self._low.take(slots) != low) | (self._high.take(slots) != high)
        return differs & (self._slot_ids.take(slots) != _EMPTY)

    def _insert(self, sizes, *words):
        """Insert new short words into the table, as far as there is room."""
        words = [array[sizes <= _WIDTH] for array in words]
        n_slots = 2 * (self._n_used + len(words[0]))
        if n_slots > len(self._slot_ids) and len(self._slot_ids) < 2**_MAX_BITS:
            used = self._slot_ids != _EMPTY
            stored = self._low[used], self._high[used], self._slot_ids[used]
            self._allocate(min(n_slots.bit_length(), _MAX_BITS))
            words = [np.concatenate(pair) for pair in zip(stored, words, strict=True)]
        n_free = len(self._slot_ids) // 2 - self._n_used
        self._is_complete &= len(words[0]) <= n_free
        low, high, ids = (array[:n_free] for array in words)
        slots = self._first_slot(low, high)
        for _ in range(_N_PROBES):
            free = self._slot_ids[slots] == _EMPTY
            # Reversed, so that the first of several words for one slot gets it:
            # frequent words tend to come first.
            self._slot_ids[slots[free][::-1]] = ids[free][::-1]
            stored = self._slot_ids[slots] == ids
            self._low[slots[stored]] = low[stored]
            self._high[slots[stored]] = high[stored]
            self._n_used += int(np.count_nonzero(stored))
            rest = [array[~stored] for array in (low, high, ids, slots)]
            low, high, ids, slots = rest
            slots = (slots + 1) & self._last_slot


def _pack(data, starts, sizes):
    """Return two integers for each word: its first 15 bytes, zero-padded, and its size.

    The integers of longer words are meaningless.
    """
    eights = np.ndarray(len(data) - 7, "<u8", data, strides=1)  # one at every byte
    low = eights[starts] & _FIRST_BYTES.take(sizes, mode="clip")
    high = sizes.astype(np.uint64) << np.uint64(56)
    longer = np.flatnonzero(sizes > 8)
    left = np.minimum(sizes[longer] - 8, 7)
    high[longer] |= eights[starts[longer] + 8] & _FIRST_BYTES[left]
    return low, high


def check_vocabulary(words):
    """Raise `ValueError` unless `words` is a list of distinct str."""
    if not isinstance(words, list) or set(map(type, words)) - {str}:
        raise ValueError("Expected the words of a vocabulary to be a list of str.")
    if len(set(words)) < len(words):
        raise ValueError("Expected the words of a vocabulary to be distinct.")


def most_frequent(counts, *, max_tokens, min_count):
    """Return the words of a vocabulary, the most frequent first.

    Parameters
    ----------
    counts : dict of str to int
        Occurrences of each word. Equally frequent words are in alphabetical order.
    max_tokens, min_count : int

    Returns
    -------
    words : list of str

    Raises
    ------
    ValueError
        If no word is frequent enough.
    """
    words = sorted(word for word, count in counts.items() if count >= min_count)
    if not words:
        raise ValueError(
            "empty vocabulary: no word occurs in the training texts "
            f"min_count={min_count} times or more."
        )
    return sorted(words, key=counts.__getitem__, reverse=True)[:max_tokens]
