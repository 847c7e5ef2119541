"""Attention weights of a hierarchical attention network, by sentence and word."""

from dataclasses import dataclass

__all__ = [
    "DocumentAttention",
    "SentenceAttention",
    "WordAttention",
    "make_document_attention",
]


@dataclass(frozen=True)
class WordAttention:
    """Attention weight of a word in its sentence.

    Attributes
    ----------
    start, end : int
        Offsets of the word: ``text[start:end]``. They are equal for a word of a
        callable `tokenizer` that is not found in the text.
    weight : float
        Sums to 1 over the words of a sentence.
    """

    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class SentenceAttention:
    """Attention weight of a sentence in its text, with the weights of its words.

    Attributes
    ----------
    start, end : int
        Offsets of the sentence: ``text[start:end]``.
    weight : float
        Sums to 1 over the sentences of a text.
    words : tuple of WordAttention
        Words that were read, in order.
    """

    start: int
    end: int
    weight: float
    words: tuple[WordAttention, ...]


@dataclass(frozen=True)
class DocumentAttention:
    """Attention weights of the sentences and words of a text.

    Attributes
    ----------
    sentences : tuple of SentenceAttention
        Sentences that were read, in order; none if the text is empty.

    Examples
    --------
    >>> from sktextconv.networks import (
    ...     DocumentAttention, SentenceAttention, WordAttention
    ... )
    >>> text = "So good!"
    >>> words = WordAttention(0, 2, 0.25), WordAttention(3, 7, 0.5)
    >>> sentence = SentenceAttention(0, 8, 1.0, (*words, WordAttention(7, 8, 0.25)))
    >>> attention = DocumentAttention((sentence,))
    >>> best = max(attention.sentences[0].words, key=lambda word: word.weight)
    >>> text[best.start : best.end]
    'good'
    """

    sentences: tuple[SentenceAttention, ...]


def make_document_attention(spans, words, sentences):
    """Return the `DocumentAttention` of the spans of a text and their weights.

    The weights are padded with zeros, which have no span.
    """
    return DocumentAttention(
        tuple(
            SentenceAttention(
                start,
                end,
                weight,
                tuple(
                    WordAttention(*offsets, word_weight)
                    for offsets, word_weight in zip(
                        word_offsets, word_weights, strict=False
                    )
                ),
            )
            for (start, end, word_offsets), word_weights, weight in zip(
                spans, words, sentences, strict=False
            )
        )
    )
