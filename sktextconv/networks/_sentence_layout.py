"""Layout of the sentences of a minibatch in padded tensors."""

import torch
from torch.nn import functional as F

from ..encoding._ragged import PAD, SENTENCE_END
from ..training._device import to_device

__all__ = ["bucket_sentences", "pad_sentences"]

# The recurrent layer steps through each bucket in turn. A bucket of fewer sentences
# costs more in steps than it saves in padding.
_SENTENCES_PER_BUCKET = 128
_MAX_BUCKETS = 8


def bucket_sentences(ids, lengths=None):
    """Group the sentences of a minibatch into buckets of similar length.

    Parameters
    ----------
    ids : tensor of int64 of shape (batch, length)
    lengths : tensor of int64 of shape (batch, n_sentences), default=None
        Number of words of each sentence, on the CPU, as for `HAN.forward`. None finds
        the sentences in `ids`.

    Returns
    -------
    buckets : list of pairs of tensors of int64
        Word ids of n sentences, of shape (n, sentence_length), padded to the longest of
        them, and their lengths, on the CPU. Buckets are ordered by length.
    sentence_index : tensor of int64 of shape (batch, n_sentences)
        Position of each sentence of a document in the concatenated buckets, counted
        from 1; 0 after the last sentence.
    n_sentences : tensor of int64 of shape (batch,), on the CPU
        Number of sentences of each document.
    """
    if lengths is None:
        row, column, first, length = _find_sentences(ids.cpu())
    else:
        row, column = lengths.nonzero(as_tuple=True)
        length = lengths[row, column]
        # One `SENTENCE_END` follows each sentence.
        first = (lengths + 1).cumsum(1)[row, column] - length - 1
    length, order = length.sort(stable=True)
    n_columns = int(column.amax()) + 1 if len(column) else 1
    sentence_index = torch.zeros(len(ids), n_columns, dtype=torch.int64)
    sentence_index[row[order], column[order]] = torch.arange(1, len(order) + 1)
    # The layout is computed on the CPU and copied without blocking, so that the CPU can
    # prepare the next minibatch meanwhile.
    start = (row * ids.shape[1] + first)[order]
    spans = to_device(torch.stack([start, length])[:, :, None], ids.device)
    n_buckets = min(max(len(order) // _SENTENCES_PER_BUCKET, 1), _MAX_BUCKETS)
    buckets = []
    for (start, size), bucket_lengths in zip(
        spans.tensor_split(n_buckets, 1), length.tensor_split(n_buckets), strict=True
    ):
        if len(bucket_lengths):
            steps = torch.arange(int(bucket_lengths[-1]), device=ids.device)
            mask = steps < size
            # Positions after the end of a sentence are masked; the clamp keeps them
            # within `ids`.
            position = (start + steps).clamp(max=ids.numel() - 1)
            bucket = ids.flatten()[position].where(mask, PAD)
            buckets.append((bucket, bucket_lengths))
    n_sentences = (sentence_index > 0).sum(1)
    return buckets, to_device(sentence_index, ids.device), n_sentences


def pad_sentences(ids, *, max_sentences, max_sentence_length):
    """Copy the sentences of a minibatch into one tensor of fixed size.

    Shapes follow from the parameters and the batch size, as `torch.export` requires.

    Parameters
    ----------
    ids : tensor of int64 of shape (batch, length)
    max_sentences : int
        Rows per document. Further sentences are dropped.
    max_sentence_length : int
        Words per row. Further words of a sentence are dropped.

    Returns
    -------
    buckets : list of one pair
        Ids of shape (batch * max_sentences, max_sentence_length), and None.
    sentence_index : tensor of int64 of shape (batch, max_sentences)
        As of `bucket_sentences`.
    n_sentences : None
        The CPU does not know it.
    """
    is_word, starts, number = _mark_sentences(ids)
    position = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
    step = position - (position * starts).cummax(1).values
    mask = is_word & (number <= max_sentences) & (step < max_sentence_length)
    # Masked ids go to one extra cell at the end, which is sliced off.
    n_cells = max_sentences * max_sentence_length
    target = torch.where(mask, (number - 1) * max_sentence_length + step, n_cells)
    cells = ids.new_zeros(len(ids), n_cells + 1).scatter(1, target, ids)
    sentences = cells[:, :-1].reshape(-1, max_sentence_length)
    index = torch.arange(1, len(sentences) + 1, device=ids.device)
    index = torch.where(sentences[:, 0] != PAD, index, 0)
    return [(sentences, None)], index.view(len(ids), max_sentences), None


def _mark_sentences(ids):
    """Mark words and the first words of sentences; number sentences from 1.

    Returns
    -------
    is_word, starts : tensors of bool of shape (batch, length)
    number : tensor of int64 of shape (batch, length)
        Number of the last sentence that starts at or before each position.
    """
    is_word = (ids != PAD) & (ids != SENTENCE_END)
    starts = is_word & ~F.pad(is_word, (1, 0))[:, :-1]
    return is_word, starts, starts.cumsum(1)


def _find_sentences(ids):
    """Return the document, number, first position and length of each sentence.

    Each is a tensor of int64 of shape (n_sentences,). Numbers count from 0 in each
    document.
    """
    is_word, starts, number = _mark_sentences(ids)
    ends = is_word & ~F.pad(is_word, (0, 1))[:, 1:]
    row, first = starts.nonzero(as_tuple=True)
    _, last = ends.nonzero(as_tuple=True)
    return row, number[row, first] - 1, first, last - first + 1
