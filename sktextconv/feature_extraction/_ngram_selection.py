"""Selection of the most frequent n-grams, one length after the other."""

import itertools

import numpy as np

from ..encoding._vocabulary import END

__all__ = [
    "UNKNOWN",
    "count_candidates",
    "count_threshold",
    "drop_unfollowed",
    "find_runs",
    "make_keys",
    "select_frequent",
]

# Id of a word outside the vocabulary. In an array of word ids, `END` follows the last
# word of each text, so that no n-gram crosses into the next one.
UNKNOWN = -2

# These limits bound the memory of a step; the result does not depend on them.
_PAIRS_PER_PASS = 2**21
_MAX_PASSES = 32  # each pass reads all positions
_MAX_SPARSITY = 4  # entries of a table of counts for each key that is counted


def count_candidates(ids, n_words, max_features, min_n, max_n):
    """Count the n-grams that may belong to the vocabulary.

    Parameters
    ----------
    ids : ndarray of int32 of shape (n_positions,)
        Word ids in alphabetical order, with `END` after each text.
    n_words : int
        Number of distinct words.
    max_features : int
        Size of the vocabulary.
    min_n, max_n : int
        Number of words in the shortest and longest n-grams. All shorter than `min_n`
        are candidates.

    Returns
    -------
    longest : ndarray of int of shape (n_positions,)
        Id of the longest candidate that starts at each position, or `END`.
    pairs : ndarray of int64 of shape (n_candidates - n_words,)
        Keys of the candidates of two and more words, in ascending order. The first
        has the id `n_words`.
    counts : ndarray of int64 of shape (n_candidates,)
        Total count of each candidate, single words first.
    n_short : int
        Number of candidates of fewer than `min_n` words; they are the first.
    """
    # Memory peaks here: the integer types are narrow and arrays are freed early.
    counts = np.bincount(ids[ids >= 0], minlength=n_words)
    longest = ids.astype(np.min_scalar_type(-len(ids) * min(max_n, len(ids))))
    starts = np.flatnonzero(ids >= 0).astype(longest.dtype)
    pairs = np.empty(0, dtype=np.int64)
    n_short = len(counts) if min_n > 1 else 0
    for n in range(1, max_n):
        threshold = count_threshold(counts[n_short:], max_features)
        starts = starts[(counts > threshold)[longest[starts]]]
        starts = drop_unfollowed(starts)
        n_shorter, n_known = len(counts), len(counts)
        parts = [(pairs, counts)]
        for positions in map(starts.take, _split_by_prefix(longest[starts])):
            keys = make_keys(longest[positions], ids[positions + n], n_words)
            found, sizes, members, ranks = _count_frequent(keys, threshold)
            longest[positions[members]] = n_known + ranks
            n_known += len(sizes)
            parts.append((found, sizes))
        pairs, counts = map(np.concatenate, zip(*parts, strict=True))
        if n + 1 < min_n:
            n_short = len(counts)
        starts = starts[longest[starts] >= n_shorter]
        if not len(starts):
            break
    return longest, pairs, counts, n_short


def select_frequent(pairs, counts, n_words, max_features, n_short):
    """Select the first `n_short` candidates, and the most frequent of the others.

    Returns
    -------
    columns : ndarray of int32 of shape (n_candidates + 1,)
        Column of each selected candidate. Any other has that of its longest selected
        prefix, or `UNKNOWN`. The last entry is `END`, so that the index `END`, which
        is -1, maps to itself.
    pairs : ndarray of int64 of shape (n_features - n_selected_words,)
        Column of the first n - 1 words times `n_selected_words`, plus the column of
        the last word.
    """
    threshold = count_threshold(counts[n_short:], max_features)
    selected = counts > threshold
    ties = n_short + np.flatnonzero(counts[n_short:] == threshold)
    selected[ties[: max_features - np.count_nonzero(selected[n_short:])]] = True
    selected[:n_short] = True
    columns = np.full(len(counts) + 1, UNKNOWN, dtype=np.int32)
    columns[-1] = END
    columns[:-1][selected] = np.arange(np.count_nonzero(selected))

    # Each n-gram inside a selected one is selected: its pair can be renumbered.
    prefixes, lasts = np.divmod(pairs, n_words)
    dropped = np.flatnonzero(~selected[n_words:])
    stems = prefixes[dropped]
    while len(longer := np.flatnonzero((stems >= n_words) & ~selected[stems])):
        stems[longer] = prefixes[stems[longer] - n_words]
    columns[n_words + dropped] = columns[stems]
    prefixes, lasts = prefixes[selected[n_words:]], lasts[selected[n_words:]]
    n_selected_words = np.count_nonzero(selected[:n_words])
    return columns, make_keys(columns[prefixes], columns[lasts], n_selected_words)


def _count_frequent(keys, threshold):
    """Count the keys that occur more often than `threshold`.

    Returns
    -------
    found, sizes : ndarray of int64 of shape (n_found,)
        The keys, in ascending order, and their counts.
    members, ranks : ndarray of int64 of shape (n_members,)
        Indices of their occurrences in `keys`, and the index of each in `found`.
    """
    low = keys.min()
    span = int(keys.max() - low) + 1
    if span <= _MAX_SPARSITY * len(keys):  # a table is faster than sorting
        keys = keys - low
        sizes = np.bincount(keys, minlength=span)
        found = np.flatnonzero(sizes > threshold)
        rank_of = np.full(span, -1, dtype=np.int32)
        rank_of[found] = np.arange(len(found))
        ranks = rank_of[keys]
        members = np.flatnonzero(ranks >= 0)
        return found + low, sizes[found], members, ranks[members]
    order = np.argsort(keys)
    keys = keys[order]
    first, sizes = find_runs(keys)
    frequent = sizes > threshold
    members = order[np.repeat(frequent, sizes)]
    first, sizes = first[frequent], sizes[frequent]
    return keys[first], sizes, members, np.repeat(np.arange(len(sizes)), sizes)


def count_threshold(counts, max_features):
    """Return the count that a longer n-gram must exceed to enter the vocabulary."""
    if len(counts) < max_features:
        return 0
    return np.partition(counts, -max_features)[-max_features]


def drop_unfollowed(starts):
    """Return the positions in `starts`, sorted, whose next position is in it, too."""
    return starts[:-1][np.diff(starts) == 1]


def _split_by_prefix(prefixes):
    """Yield the indices of all pairs in batches, by ascending prefix.

    Equal pairs are in one batch, so that each batch can be counted alone.
    """
    sizes = np.bincount(prefixes)
    per_pass = max(_PAIRS_PER_PASS, len(prefixes) // _MAX_PASSES)
    passes = np.cumsum(sizes) // per_pass
    lows = np.flatnonzero(np.diff(passes, prepend=-1))
    for low, high in itertools.pairwise([*lows, len(sizes)]):
        batch = np.flatnonzero((prefixes >= low) & (prefixes < high))
        if len(batch):
            yield batch


def make_keys(prefixes, lasts, n_lasts):
    """Return each pair as one int64, which sorts by prefix, then by last word."""
    return prefixes * np.int64(n_lasts) + lasts


def find_runs(keys):
    """Return the first index and the length of each run of equal, sorted `keys`."""
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    return first, np.diff(first, append=len(keys))
