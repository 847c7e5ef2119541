"""Encoder of texts into sentences of words."""

from collections.abc import Callable

from ..utils._param_validation import Count, hyperparameters, python_values
from ._base import BaseWordEncoder
from ._document_tokenizer import DocumentTokenizer

__all__ = ["DocumentEncoder"]


@hyperparameters
class DocumentEncoder(BaseWordEncoder, auto_wrap_output_keys=None):
    """Encode texts as their words, with a mark after each sentence.

    The id of a word is its rank by frequency in the training texts, counted from 3; a
    word outside the vocabulary gets the id `UNKNOWN`. Sentences are found by Punkt [1]_
    as NLTK implements it: it learns abbreviations from the training texts, and needs
    neither labels nor downloads. Words follow the Penn Treebank: "don't" is "do" and
    "n't", a hyphen joins, each other mark is a word. Parameters take effect in `fit`.

    Parameters
    ----------
    max_tokens : int, default=50_000
        Largest number of words in the vocabulary. The most frequent words of the
        training texts are selected; of equally frequent words, the first in
        alphabetical order.
    min_count : int, default=5
        Words with fewer occurrences in the training texts are left out. Only the part
        of a text that is read counts.
    max_sentences : int, default=60
        Sentences read of each text.
    max_sentence_length : int, default=100
        Words read of each sentence.
    lowercase : bool, default=True
        Whether words are lower-cased, after sentences and words are found.
    tokenizer : callable or None, default=None
        Function from a sentence to the list of its words, instead of the rules above.

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Id of each word.
    words : list of str, of length n_tokens - 3
        The words of the vocabulary; word i has the id i + 3.
    n_tokens : int
        Number of distinct ids: the words, and three for `PAD`, `UNKNOWN` and
        `SENTENCE_END`.

    See Also
    --------
    WordEncoder : Ids of words, without sentences.

    Notes
    -----
    `transform` returns the words of each sentence followed by `SENTENCE_END`. The
    attribute `parts` of the result holds the number of words of each sentence.

    Each character of a script without spaces is a word, as in `NGramVectorizer`. In a
    text with such a script, a sentence also ends at 。｡．！？ or ។៕။, at "!" or "?"
    before a letter of such a script, and at white space between letters of Thai or Lao,
    which have no mark for the end of a sentence.

    Punkt learns from the first 2,000,000 characters of the training texts, and at most
    10,000 of each text. Sentences are split after 10,000 characters.

    References
    ----------
    .. [1] T. Kiss and J. Strunk, "Unsupervised Multilingual Sentence Boundary
       Detection", Computational Linguistics 32(4), 2006.
       https://aclanthology.org/J06-4003

    Examples
    --------
    >>> from sktextconv.encoding import DocumentEncoder
    >>> encoder = DocumentEncoder(min_count=1).fit(["So good! So so good."])
    >>> encoder.vocabulary_
    {'so': 3, 'good': 4, '!': 5, '.': 6}
    >>> encoder.transform(["So bad! Good."])[0]
    array([3, 1, 5, 2, 4, 6, 2], dtype=uint8)
    """

    max_tokens: Count = 50_000
    min_count: Count = 5
    max_sentences: Count = 60
    max_sentence_length: Count = 100
    lowercase: bool = True
    tokenizer: Callable | None = None

    def spans(self, text: str) -> list[tuple[int, int, list[tuple[int, int]]]]:
        """Return the offsets of sentences and words in a text, as far as it is read.

        Parameters
        ----------
        text : str

        Returns
        -------
        sentences : list of (start, end, words)
            `words` is a list of (start, end). All offsets count characters from the
            start of `text`.
        """
        tokenizer = self._fitted_tokenizer()
        return tokenizer.spans(*self._check_texts([text]))

    def _make_tokenizer(self):
        return DocumentTokenizer(**python_values(self))
