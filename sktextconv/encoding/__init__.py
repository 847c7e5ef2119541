"""Encoders of texts into ragged arrays of ids."""

from ._char import ALPHABETS, CharEncoder
from ._document import SENTENCE_END, DocumentEncoder
from ._ragged import PAD, UNKNOWN, Ragged
from ._word import WordEncoder
from ._word_vectors import word_vectors

__all__ = [
    "ALPHABETS",
    "PAD",
    "SENTENCE_END",
    "UNKNOWN",
    "CharEncoder",
    "DocumentEncoder",
    "Ragged",
    "WordEncoder",
    "word_vectors",
]
