from ._base import BaseTextEncoder as BaseTextEncoder
from ._char import CharEncoder as CharEncoder
from ._char_tokenizer import ALPHABETS as ALPHABETS
from ._document import DocumentEncoder as DocumentEncoder
from ._ragged import (
    PAD as PAD,
    SENTENCE_END as SENTENCE_END,
    UNKNOWN as UNKNOWN,
    Ragged as Ragged,
)
from ._word import WordEncoder as WordEncoder
from ._word_vectors import word_vectors as word_vectors
