"""CountScaler: idf, division by the largest value, invalid input."""

import math

import numpy as np
import pytest
import scipy.sparse
from sklearn.exceptions import NotFittedError

from sktextconv.feature_extraction import CountScaler

COUNTS = scipy.sparse.csr_matrix([[3, 1, 0], [1, 0, 0], [2, 0, 2], [1, 4, 0]])


def test_fit_idf_is_not_smoothed():
    """The idf is the log of all documents over those with the feature."""
    scaler = CountScaler(idf=True).fit(COUNTS)
    expected = [math.log(4 / 4), math.log(4 / 2), math.log(4 / 1)]
    np.testing.assert_allclose(scaler.idf_, expected, rtol=1e-12, atol=1e-15)


def test_transform_tfidf_of_known_counts():
    """The features equal values computed by hand."""
    # The largest value is 4 ln 2, which equals 2 ln 4.
    features = CountScaler(idf=True).fit_transform(COUNTS)
    expected = [[0, 0.25, 0], [0, 0, 0], [0, 0, 1], [0, 1, 0]]
    np.testing.assert_allclose(features.toarray(), expected, rtol=1e-12, atol=1e-15)


def test_transform_divides_by_largest_count():
    """The largest count is taken over all documents."""
    features = CountScaler().fit_transform(COUNTS)
    np.testing.assert_array_equal(features.toarray(), COUNTS.toarray() / 4)


def test_fit_idf_of_feature_in_all_documents():
    features = CountScaler(idf=True).fit_transform(COUNTS)
    assert features[:, 0].count_nonzero() == 0


@pytest.mark.parametrize("idf", [False, True])
def test_transform_largest_feature_is_one(idf):
    counts = np.random.default_rng(0).poisson(0.3, size=(50, 40))
    features = CountScaler(idf=idf).fit_transform(scipy.sparse.csr_matrix(counts))
    assert features.max() == 1.0
    assert features.dtype == np.float64


def test_transform_new_documents():
    """New documents are divided by the largest count of the training documents."""
    scaler = CountScaler().fit(COUNTS)
    assert scaler.transform([[8.0, 0, 1]]).toarray().tolist() == [[2.0, 0, 0.25]]


def test_transform_shares_indices_of_input():
    """The input stays unchanged, and the output has the same index arrays."""
    counts = COUNTS.astype(np.float32)
    before = counts.copy()
    scaler = CountScaler(idf=True).fit(counts)
    features = scaler.transform(counts)
    assert (counts != before).nnz == 0
    assert np.shares_memory(features.indices, counts.indices)
    assert np.shares_memory(features.indptr, counts.indptr)


@pytest.mark.parametrize("counts", [[[0.0, 0.0]], [[2.0, 1.0]]])
def test_transform_with_zero_weights(counts):
    """The features are zero, not NaN."""
    features = CountScaler(idf=True).fit_transform(counts)
    assert features.toarray().tolist() == [[0.0, 0.0]]


def test_fit_idf_of_feature_in_no_document():
    """It has the idf of a feature in one document."""
    scaler = CountScaler(idf=True).fit([[1.0, 0.0], [0.0, 0.0]])
    assert scaler.idf_[1] == scaler.idf_[0] == math.log(2)


def test_feature_names_out():
    scaler = CountScaler().fit(COUNTS)
    assert scaler.get_feature_names_out(["a", "b", "c"]).tolist() == ["a", "b", "c"]


def test_scaler_rejects_invalid_use():
    """An unfitted scaler, another number of features and a str as `idf` raise."""
    with pytest.raises(NotFittedError):
        CountScaler().transform(COUNTS)
    with pytest.raises(ValueError, match="3 features"):
        CountScaler().fit(COUNTS).transform([[1.0, 2.0]])
    with pytest.raises(ValueError, match="The 'idf' parameter of CountScaler"):
        CountScaler(idf="yes").fit(COUNTS)
