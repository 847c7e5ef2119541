"""Buckets of the sentences of a minibatch."""

import torch

from sktextconv.encoding import SENTENCE_END
from sktextconv.networks._sentence_layout import bucket_sentences


def test_buckets_have_ascending_lengths():
    """800 sentences fill six buckets, the shortest first, and each has its index."""
    documents = [[[5] * (1 + (row + k) % 9) for k in range(40)] for row in range(20)]
    rows = [[i for words in d for i in (*words, SENTENCE_END)] for d in documents]
    width = max(map(len, rows))
    ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
    buckets, sentence_index = bucket_sentences(ids)
    assert len(buckets) == 800 // 128
    widths = [bucket.shape[1] for bucket in buckets]
    assert widths == sorted(widths)
    assert sum(map(len, buckets)) == 800
    assert sorted(sentence_index.flatten().tolist()) == list(range(1, 801))
