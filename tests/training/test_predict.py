"""Prediction of a single text, which skips the layout of minibatches."""

import numpy as np
import pytest
import scipy.special
import torch

from sktextconv.encoding import CharEncoder, DocumentEncoder, WordEncoder
from sktextconv.training._data import EncodedDataset, single_batch
from sktextconv.training._predict import softmax

CPU = torch.device("cpu")
TEXTS = ["So good! So, so good.", "", " ", "This one is long. " * 300, "漢字 これ"]
ENCODERS = [
    CharEncoder(),
    CharEncoder("bytes", max_length=30),
    CharEncoder("auto", reverse=False, keep="start", max_length=30),
    WordEncoder(),
    WordEncoder(keep="end", max_length=7),
    WordEncoder(tokenizer=str.split),
    DocumentEncoder(min_count=1),
]


@pytest.mark.parametrize("encoder", ENCODERS, ids=str)
def test_single_text_has_ids_as_in_batch(encoder):
    """The ids of a text alone are those in a batch, in dtype, parts and all."""
    together = encoder.fit(TEXTS).transform(TEXTS)
    for index, text in enumerate(TEXTS):
        alone = encoder.transform([text])
        assert alone.ids.dtype == together.ids.dtype
        assert alone.ids.flags.writeable
        np.testing.assert_array_equal(alone.offsets, [0, len(together[index])])
        np.testing.assert_array_equal(alone[0], together[index])
        if together.parts is not None:
            assert alone.parts.ids.dtype == together.parts.ids.dtype
            np.testing.assert_array_equal(alone.parts[0], together.parts[index])


@pytest.mark.parametrize("encoder", ENCODERS, ids=str)
def test_single_batch_equals_dataset(encoder):
    """The tensors of a single text are those of a dataset of one text."""
    encoder.fit(TEXTS)
    for text in TEXTS:
        encoded = encoder.transform([text])
        dataset, rows = EncodedDataset(encoded, CPU), torch.tensor([0])
        expected = dataset.ids(rows), dataset.lengths(rows)
        for ours, theirs in zip(single_batch(encoded, CPU), expected, strict=True):
            assert ours.dtype == theirs.dtype
            assert torch.equal(ours, theirs)


def test_softmax_equals_scipy():
    """Probabilities are those of scipy bit for bit, also of large logits."""
    logits = np.random.RandomState(0).randn(50, 7) * np.logspace(-3, 3, 50)[:, None]
    expected = scipy.special.softmax(logits, axis=1)
    np.testing.assert_array_equal(softmax(logits), expected)
