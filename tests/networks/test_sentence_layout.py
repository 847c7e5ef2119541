"""Buckets of the sentences of a minibatch."""

import torch

from sktextconv.encoding import PAD, SENTENCE_END
from sktextconv.networks._sentence_layout import bucket_sentences


def test_buckets_have_ascending_lengths():
    """800 sentences fill six buckets, the shortest first, and each has its index."""
    documents = [[[5] * (1 + (row + k) % 9) for k in range(40)] for row in range(20)]
    rows = [[i for words in d for i in (*words, SENTENCE_END)] for d in documents]
    width = max(map(len, rows))
    ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
    buckets, sentence_index, n_sentences = bucket_sentences(ids)
    assert len(buckets) == 800 // 128
    widths = [bucket.shape[1] for bucket, _ in buckets]
    assert widths == sorted(widths)
    for bucket, lengths in buckets:
        assert torch.equal(lengths, (bucket != PAD).sum(1))
    assert sum(len(bucket) for bucket, _ in buckets) == 800
    assert n_sentences.tolist() == [40] * 20
    assert sorted(sentence_index.flatten().tolist()) == list(range(1, 801))
