"""Numbers of words: a dictionary, and its short words in arrays beside it."""

import collections
import itertools

import numpy as np

__all__ = ["END", "END_BYTE", "Numbering"]

END = -1  # the number of `END_BYTE`, and of None
END_BYTE = 0xFF  # of no UTF-8: ends each text

_WIDTH = 15  # bytes of the longest words in the arrays; with the size, two integers
_PADDING = 16  # bytes behind words, so that two integers can be read
_N_PROBES = 8  # places in a row where a word may stand
_FEWEST_BITS, _MOST_BITS = 10, 20  # of the number of places; half stay empty

# In the place of a number: nothing is there, or other words have taken all places.
_EMPTY, _CROWDED = np.iinfo(np.int32).min + np.arange(2, dtype=np.int32)

_FIRST_BYTES = np.array([2 ** (8 * n) - 1 for n in range(9)], dtype=np.uint64)
# Odd integers whose multiples are spread evenly over the upper bits.
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_SPREAD_HIGH = np.uint64(0xD6E8FEB86659FD93)


class Numbering:
    """The numbers of words, for thousands of words at once.

    A word of at most 15 bytes is two integers: it is compared exactly, without an
    object of its own. What the arrays do not hold is looked up in a dictionary.

    Parameters
    ----------
    words : iterable of str, default=()
        Distinct words, which are numbered in turn.
    first : int, default=0
        The number of the first word.
    unknown : int or None, default=None
        The number of every other word. None gives each the next number when it is
        seen, so that words are learnt.

    Examples
    --------
    >>> numbering = Numbering(["so", "good"], unknown=7)
    >>> list(numbering.of(["good", "so", "bad", None]))
    [1, 0, 7, -1]
    """

    def __init__(self, words=(), *, first=0, unknown=None):
        self._unknown = unknown
        numbers = zip(words, itertools.count(first))
        self._numbers = collections.defaultdict(None, numbers)
        self._make_places(_FEWEST_BITS)
        self._place_all()
        if unknown is None:
            following = itertools.count(first + len(self._numbers))
            self._numbers.default_factory = following.__next__
        self._numbers[None] = END

    @property
    def words(self):
        """The words in the order of their numbers, as a list of str."""
        return [word for word in self._numbers if word is not None]

    def of(self, words):
        """Return an iterator over the numbers of words; that of None is `END`."""
        if self._unknown is None:
            return map(self._numbers.__getitem__, words)
        return map(self._numbers.get, words, itertools.repeat(self._unknown))

    def of_bytes(self, data, starts, sizes):
        """Return the numbers of words in UTF-8.

        Parameters
        ----------
        data : bytes
            With 16 bytes or more after the last word.
        starts, sizes : ndarray of int64 of shape (n_words,)
            Place and length of each word, in bytes; that of `END_BYTE` is `END`.

        Returns
        -------
        numbers : ndarray of int32 of shape (n_words,)
        """
        low, high = _pack(data, starts, sizes)
        numbers = self._look_up(low, high)
        numbers[sizes > _WIDTH] = _CROWDED
        numbers[low == END_BYTE] = END  # of no word the only byte
        if self._unknown is not None and self._has_all:
            numbers[numbers == _EMPTY] = self._unknown
        rest = np.flatnonzero(numbers <= _CROWDED)
        if not len(rest):
            return numbers
        n_before = len(self._numbers)
        ends = (starts + sizes)[rest].tolist()
        places = map(slice, starts[rest].tolist(), ends)
        words = [data[place].decode("utf-8", "surrogatepass") for place in places]
        numbers[rest] = found = np.fromiter(self.of(words), np.int32, len(rest))
        if n_learnt := len(self._numbers) - n_before:
            firsts = np.unique(found, return_index=True)[1][-n_learnt:]
            learnt = rest[firsts]
            self._place(*(each[learnt] for each in (sizes, low, high, numbers)))
        return numbers

    def _place_all(self):
        encoded = [word.encode("utf-8", "surrogatepass") for word in self._numbers]
        sizes = np.fromiter(map(len, encoded), dtype=np.int64)
        starts = np.cumsum(sizes) - sizes
        packed = _pack(b"".join(encoded) + bytes(_PADDING), starts, sizes)
        numbers = np.fromiter(self._numbers.values(), dtype=np.int32)
        self._place(sizes, *packed, numbers)

    def _make_places(self, n_bits):
        self._low, self._high = np.zeros((2, 2**n_bits), dtype=np.uint64)
        self._number = np.full(2**n_bits, _EMPTY)
        self._shift, self._last_place = np.uint64(64 - n_bits), 2**n_bits - 1
        self._n_placed, self._has_all = 0, True

    def _first_place(self, low, high):
        mixed = low ^ (low >> np.uint64(32)) ^ (high * _SPREAD_HIGH)
        return ((mixed * _SPREAD) >> self._shift).view(np.int64)

    def _look_up(self, low, high):
        first = self._first_place(low, high)
        numbers = self._number.take(first)
        rest = np.flatnonzero(self._holds_another(first, low, high))
        for step in range(1, _N_PROBES):
            at = (first[rest] + step) & self._last_place
            numbers[rest] = self._number.take(at)
            rest = rest[self._holds_another(at, low[rest], high[rest])]
        numbers[rest] = _CROWDED
        return numbers

    def _holds_another(self, at, low, high):
        other = (self._low.take(at) != low) | (self._high.take(at) != high)
        return other & (self._number.take(at) != _EMPTY)

    def _place(self, sizes, *words):
        """Take new words into the arrays, the short ones, while there is room."""
        words = [each[sizes <= _WIDTH] for each in words]
        n_places = 2 * (self._n_placed + len(words[0]))
        if n_places > len(self._number) and len(self._number) < 2**_MOST_BITS:
            used = self._number != _EMPTY
            held = self._low[used], self._high[used], self._number[used]
            self._make_places(min(n_places.bit_length(), _MOST_BITS))
            words = [np.concatenate(pair) for pair in zip(held, words, strict=True)]
        n_free = len(self._number) // 2 - self._n_placed
        self._has_all &= len(words[0]) <= n_free
        low, high, numbers = (each[:n_free] for each in words)
        at = self._first_place(low, high)
        for _ in range(_N_PROBES):
            free = self._number[at] == _EMPTY
            # Of several the first stays: frequent words tend to come first.
            self._number[at[free][::-1]] = numbers[free][::-1]
            placed = self._number[at] == numbers
            self._low[at[placed]], self._high[at[placed]] = low[placed], high[placed]
            self._n_placed += int(np.count_nonzero(placed))
            left = [each[~placed] for each in (low, high, numbers, at)]
            low, high, numbers, at = left
            at = (at + 1) & self._last_place


def _pack(data, starts, sizes):
    """Each word as two integers: its first 15 bytes, with zeros behind, and its size.

    Of longer words they say nothing.
    """
    eights = np.ndarray(len(data) - 7, "<u8", data, strides=1)  # one at every byte
    low = eights[starts] & _FIRST_BYTES.take(sizes, mode="clip")
    high = sizes.astype(np.uint64) << np.uint64(56)
    longer = np.flatnonzero(sizes > 8)
    left = np.minimum(sizes[longer] - 8, 7)
    high[longer] |= eights[starts[longer] + 8] & _FIRST_BYTES[left]
    return low, high
