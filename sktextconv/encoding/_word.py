"""Encoder of texts into ids of words."""

from collections.abc import Callable
from typing import Literal

from ..utils._param_validation import Count, hyperparameters, python_values
from ._base import BaseWordEncoder
from ._tokenize import check_splitting
from ._word_tokenizer import WordTokenizer

__all__ = ["WordEncoder"]


@hyperparameters
class WordEncoder(BaseWordEncoder, auto_wrap_output_keys=None):
    """Encode texts as their words, with the smallest ids for the most frequent words.

    The id of a word is its rank by frequency in the training texts, counted from 2; a
    word outside the vocabulary gets the id `UNKNOWN`. Texts are split into words as by
    `NGramVectorizer`. Parameters take effect in `fit`.

    Parameters
    ----------
    max_tokens : int, default=50_000
        Largest number of words in the vocabulary. The most frequent words of the
        training texts are selected; of equally frequent words, the first in
        alphabetical order.
    min_count : int, default=1
        Words with fewer occurrences in the training texts are left out.
    max_length : int, default=400
        Words read of each text.
    keep : {"start", "end"}, default="start"
        The end that is read of a text longer than `max_length`.
    lowercase : bool, default=True
        Whether texts are lower-cased first, by ``str.lower``.
    token_pattern : str or None, default=None
        Regular expression of a word. If it contains a group, at most one, the group is
        the word. With None a word is a run of letters, digits and underscores, a mark
        of punctuation, or a character of a script without spaces; see
        `NGramVectorizer`.
    tokenizer : callable, "keras" or None, default=None
        Function from a text, lower-cased if `lowercase`, to the list of its words,
        instead of `token_pattern`. With "keras" a word is a run of characters other
        than the space, tab, line feed and punctuation of ASCII except the apostrophe,
        as by the default `Tokenizer` of Keras: "it's <br />good." has the words "it's",
        "br" and "good".

    Attributes
    ----------
    vocabulary_ : dict of str to int
        Id of each word.
    words : list of str, of length n_tokens - 2
        The words of the vocabulary; word i has the id i + 2.
    n_tokens : int
        Number of distinct ids: the words, and two for `PAD` and `UNKNOWN`.

    See Also
    --------
    DocumentEncoder : Ids of words, with marks between sentences.
    NGramVectorizer : Counts of words and n-grams.

    Examples
    --------
    >>> from sktextconv.encoding import WordEncoder
    >>> encoder = WordEncoder(max_tokens=2).fit(["so so good", "so bad"])
    >>> encoder.vocabulary_
    {'so': 2, 'bad': 3}
    >>> encoder.transform(["so good, so bad"])[0]
    array([2, 1, 1, 2, 3], dtype=uint8)
    """

    max_tokens: Count = 50_000
    min_count: Count = 1
    max_length: Count = 400
    keep: Literal["start", "end"] = "start"
    lowercase: bool = True
    token_pattern: str | None = None
    tokenizer: Callable | Literal["keras"] | None = None

    def _make_tokenizer(self):
        check_splitting(self.token_pattern, self.tokenizer)
        return WordTokenizer(**python_values(self))
