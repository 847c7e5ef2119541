"""Sparse matrices of counts."""

import numpy as np
import scipy.sparse

from ._ngram_selection import find_runs, make_keys

__all__ = ["make_counts"]


def make_counts(chunks, n_features):
    """Count the features of texts.

    Parameters
    ----------
    chunks : iterable of (rows, columns, n_rows)
        Row and column of each occurrence in successive texts: integer arrays of the
        same length. Rows are counted from 0 in each chunk.
    n_features : int

    Returns
    -------
    counts : csr_matrix of float32 of shape (n_texts, n_features)
        With sorted indices.
    """
    data, indices, row_sizes = [], [], []
    for rows, columns, n_rows in chunks:
        keys = make_keys(rows, columns, n_features)
        keys.sort()
        first, counts = find_runs(keys)
        rows, columns = np.divmod(keys[first], n_features)
        row_sizes.append(np.bincount(rows, minlength=n_rows))
        indices.append(columns.astype(np.int32))
        data.append(counts.astype(np.float32))
    indptr = np.concatenate([[0], np.cumsum(np.concatenate(row_sizes))])
    # The lists are concatenated in turn, so that only one of them exists twice.
    indices = np.concatenate(indices)
    data = np.concatenate(data)
    shape = (len(indptr) - 1, n_features)
    counts = scipy.sparse.csr_matrix((data, indices, indptr), shape=shape)
    counts.has_canonical_format = True
    return counts
