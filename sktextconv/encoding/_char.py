"""Encoder of texts into ids of characters."""

import dataclasses
from typing import Literal

from ..utils._param_validation import Count, Size, hyperparameters
from ._base import BaseTextEncoder
from ._char_coverage import warn_if_outside
from ._char_tokenizer import LEARNED, MAX_CHARACTERS, CharTokenizer

__all__ = ["CharEncoder"]


@hyperparameters
class CharEncoder(BaseTextEncoder, auto_wrap_output_keys=None):
    """Encode texts as the characters of an alphabet.

    The id of a character is its row in the alphabet, counted from 1. A space, and any
    other character outside the alphabet, gets the id 0, as padding does: a column of
    zeros in the one-hot matrix of the paper [1]_, which is never built here. A text is
    lower-cased by ``str.lower`` before it is truncated and encoded.

    With ``alphabet="auto"``, `fit` learns the alphabet. With any other, it validates
    parameters and texts only, and can be left out.

    Parameters
    ----------
    alphabet : str, default="paper"
        A name from `ALPHABETS` ("paper", "code", "unique", "space", "full", "vdcnn"),
        or the distinct characters themselves. If a named alphabet contains the hyphen
        twice, the later row is used and the first one is always zero, as in the
        authors' code. "auto" takes the most frequent characters of the training
        texts, white space included; of equally frequent characters, the first code
        point. "bytes" takes the 256 bytes, in which UTF-8 writes any character [3]_.
    max_characters : int, default=2_000
        Largest number of characters of the alphabet "auto".
    max_length : int, default=1014
        Characters read of each text; bytes with ``alphabet="bytes"``.
    lowercase : bool or "auto", default="auto"
        "auto" lower-cases unless the alphabet has characters that lower-casing
        would change, as "full" and "bytes" have. The alphabet "auto" is learned from
        lower-cased texts, unless this is False.
    reverse : bool, default=True
        Whether the last character that is read comes first.
    keep : {"start", "end"}, default="end"
        The end that is read of a text longer than `max_length`.
    unknown : bool, default=False
        Whether a character outside the alphabet has an id of its own, 1, and the rows
        of the alphabet are counted from 2, as in [2]_.

    Attributes
    ----------
    characters : str
        Characters of the alphabet, one for each row. For "bytes", character i stands
        for the byte i.
    n_tokens : int
        Number of distinct ids: rows of the alphabet, one for `PAD`, and one more with
        `unknown`.

    See Also
    --------
    WordEncoder : Ids of words.

    References
    ----------
    .. [1] X. Zhang, J. Zhao and Y. LeCun, "Character-level Convolutional Networks
       for Text Classification", NIPS 2015, section 2.2. https://arxiv.org/abs/1509.01626
    .. [2] A. Conneau, H. Schwenk, L. Barrault and Y. LeCun, "Very Deep Convolutional
       Networks for Text Classification", EACL 2017. https://arxiv.org/abs/1606.01781
    .. [3] X. Zhang and Y. LeCun, "Which Encoding is the Best for Text Classification in
       Chinese, English, Japanese and Korean?", 2017. https://arxiv.org/abs/1708.02657

    Examples
    --------
    >>> from sktextconv.encoding import CharEncoder
    >>> encoder = CharEncoder("code", max_length=6)
    >>> encoder.transform(["x-1 Ab"])[0]
    array([ 2,  1,  0, 28, 60, 24], dtype=uint8)

    The alphabet of any script can be learned; 1 is the id of all other characters:

    >>> encoder = CharEncoder("auto", reverse=False, unknown=True).fit(["это кот"])
    >>> encoder.characters
    'от кэ'
    >>> encoder.transform(["кто?"])[0]
    array([5, 3, 2, 1], dtype=uint8)
    """

    alphabet: str = dataclasses.field(default="paper", kw_only=False)
    max_characters: Size = MAX_CHARACTERS
    max_length: Count = 1014
    lowercase: bool | Literal["auto"] = "auto"
    reverse: bool = True
    keep: Literal["start", "end"] = "end"
    unknown: bool = False

    @property
    def characters(self) -> str:
        """Characters of the alphabet."""
        return self._fitted_tokenizer().characters

    @property
    def _requires_fit(self):
        return isinstance(self.alphabet, str) and self.alphabet == LEARNED

    def _warn_if_unreadable(self, texts, *, stacklevel):
        warn_if_outside(self._tokenizer, texts, stacklevel=stacklevel + 1)

    def _make_tokenizer(self):
        # Called for every `transform`: ten times faster than `get_params`.
        return CharTokenizer(
            self.alphabet,
            max_length=int(self.max_length),
            lowercase=self.lowercase,
            reverse=bool(self.reverse),
            keep=self.keep,
            unknown=bool(self.unknown),
            max_characters=int(self.max_characters),
        )
