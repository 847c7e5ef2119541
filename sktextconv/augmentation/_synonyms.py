"""Data augmentation by synonym replacement."""

import itertools
import math
import os
import re
from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import (
    _safe_indexing,
    check_consistent_length,
    check_random_state,
)

from ..utils._param_validation import (
    Count,
    InnerFraction,
    Seed,
    Size,
    check_params,
    hyperparameters,
)
from ..utils.validation import check_texts
from ._wordnet import find_wordnet, read_thesaurus

__all__ = ["SynonymReplacer"]

_WORD = re.compile(r"([^\W_]+)")  # a run of letters and digits


@hyperparameters
class SynonymReplacer(BaseEstimator):
    """Augmenter that replaces a few words of each text by synonyms from WordNet.

    It makes additional training texts with the same labels, in English only. The
    neural classifiers draw new replacements before each epoch, if passed an augmenter.
    Linear models use the copies that `fit_resample` appends, as a step of
    imbalanced-learn's pipeline. There is no `transform`, so that prediction never
    changes a text.

    Parameters
    ----------
    p : float, default=0.5
        Between 0 and 1, exclusive. In a text with n replaceable words, r words are
        replaced with probability proportional to ``p ** r``, r = 0, ..., n.
    q : float, default=0.5
        Between 0 and 1, exclusive. Among the S synonyms of a word, the one of rank s
        is chosen with probability proportional to ``q ** s``, s = 1, ..., S.
    law : {"paper", "code"}, default="paper"
        Distribution of the draws. "paper" is the one described above. "code" is the
        one of the authors' program, which replaces fewer words; see the Notes.
    min_length : int, default=3
        Minimum length, in letters and digits, of a word to replace.
    wordnet : str, path-like or None, default=None
        Folder with the files of WordNet (``index.noun`` and others), or zip file that
        contains such a folder named ``wordnet``. None searches the corpus ``wordnet``
        in NLTK's data folders, then the folder ``$WNSEARCHDIR``, then
        ``/usr/share/wordnet``.
    n_copies : int, default=1
        Number of augmented copies of each text that `fit_resample` appends. It does
        not affect `augment`.
    random_state : int, RandomState instance or None, default=None
        Seed of `fit_resample`. Pass an int for the same copies in each call. It does
        not affect `augment`, which has its own `seed`.

    See Also
    --------
    imblearn.pipeline.Pipeline : Calls `fit_resample` in `fit`, not in `predict`.

    Notes
    -----
    A word is a run of letters and digits ("can" in "can't" is one). It is replaceable
    if the thesaurus contains it in this form, ignoring case. Base forms are mostly in
    the thesaurus, inflected forms are mostly not ("film", but not "films").

    The synonyms of all meanings of a word form one list. Meanings are ordered by
    WordNet's counts, the most frequent first; at equal counts nouns come first, then
    verbs, adjectives and adverbs. The list contains phrases, but neither the word
    itself nor names (spelled with capitals), nor synonyms of meanings in which the
    word itself is a name. A synonym takes over the case of the word: lower, Capitalized
    or UPPER. Characters between words do not change.

    With ``law="paper"`` the probability that a text stays unchanged is
    ``P(r = 0) = (1 - p) / (1 - p ** (n + 1))``. At the default `p` it is 1 with no
    replaceable word, 2/3 with one, and approaches 1/2 with many. For both r and s the
    geometric distribution is truncated to n words and S synonyms and renormalized.

    With ``law="code"`` the number of words is drawn from the geometric distribution
    ``P(r >= k) = p ** (k + 1)``, limited to n. For each of these words the synonyms
    are tried in order and accepted with probability `q` each; if none is accepted, the
    word does not change. At the defaults at least three of four texts stay unchanged.

    The result for a text depends only on the seed, the epoch and the index of the
    text, through a counter-based generator (Philox). It does not depend on the other
    texts, their order or the number of processes.

    Augmenting a text of 230 words takes about 70 µs on average. The first call in each
    process loads WordNet, which takes one or two seconds. Pickles contain the
    parameters only.

    Departures from the paper:

    1. The thesaurus is WordNet itself, not the one of LibreOffice made from it.
    2. Words of one and two letters are not replaced by default, because most of their
       synonyms are wrong ("inch" for "in"). The paper has no minimum length; the
       authors' code has one that the paper does not mention.

    References
    ----------
    .. [1] X. Zhang, J. Zhao and Y. LeCun, "Character-level Convolutional Networks
       for Text Classification", NIPS 2015, section 2.4.
       https://arxiv.org/abs/1509.01626
    .. [2] C. Fellbaum (ed.), "WordNet: An Electronic Lexical Database", MIT Press,
       1998. https://wordnet.princeton.edu

    Examples
    --------
    >>> from sktextconv.augmentation import SynonymReplacer
    >>> replacer = SynonymReplacer(p=0.9, random_state=0)
    >>> replacer
    SynonymReplacer(p=0.9, random_state=0)
    >>> replacer.augment(
    ...     ["A GOOD film, well made.", "Dull."], seed=2
    ... )  # doctest: +SKIP
    ['A HONORABLE film, well made.', 'Dull.']
    """

    p: InnerFraction = 0.5
    q: InnerFraction = 0.5
    law: Literal["paper", "code"] = "paper"
    # Departs from the paper: it has no minimum length.
    min_length: Count = 3
    wordnet: str | os.PathLike | None = None
    n_copies: Size = 1
    random_state: Seed = None

    def augment(
        self,
        texts: Collection[str],
        *,
        seed: int,
        epoch: int = 0,
        documents: Sequence[int] | np.ndarray | None = None,
    ) -> list[str]:
        """Return each text with some of its words replaced.

        Parameters
        ----------
        texts : array-like of str of shape (n_samples,)
            Texts.
        seed : int
            Seed of the draws, from 0 to 2**64 - 1.
        epoch : int, default=0
            Number of the epoch, from 0 to 2**64 - 1. Each epoch has different draws.
        documents : array-like of int of shape (n_samples,), default=None
            Index of each text in the whole corpus, from 0 to 2**64 - 1. The draws of a
            text depend on it. Pass it if `texts` are a subset or in another order.
            None takes 0, 1, and so on.

        Returns
        -------
        augmented : list of str, of length n_samples

        Raises
        ------
        ValueError
            If a parameter, the seed, the epoch or an index is invalid, if `texts` is a
            single text, is empty, has more than one dimension or contains a missing
            value, or if the files of WordNet are damaged.
        TypeError
            If `texts` is not a sequence, or a text is not a str.
        LookupError
            If WordNet is not found.
        """
        check_params(self)
        texts = check_texts(texts, required_by="SynonymReplacer")
        key = [_check_uint64(seed, "seed"), _check_uint64(epoch, "epoch")]
        if documents is None:
            documents = range(len(texts))
        else:
            check_consistent_length(texts, documents)
            documents = [
                _check_uint64(index, "each item of documents") for index in documents
            ]
        thesaurus = read_thesaurus(find_wordnet(self.wordnet))
        bit_generator = np.random.Philox(key=np.array(key, dtype=np.uint64))
        draw = np.random.Generator(bit_generator).random
        # Setting the state of a generator is ten times as fast as making a new one.
        state = bit_generator.state
        counter = state["state"]["counter"]
        augmented = []
        for index, text in zip(documents, texts, strict=True):
            counter[1] = index  # gives each text a stream of 2**64 blocks
            bit_generator.state = state
            augmented.append(self._replace_words(text, thesaurus, draw))
        return augmented

    def fit_resample(
        self, X: Collection[str], y: ArrayLike
    ) -> tuple[list[str], ArrayLike]:
        """Return the texts, followed by `n_copies` augmented copies of each.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            Texts.
        y : array-like of shape (n_samples,)
            Labels.

        Returns
        -------
        X_resampled : list of str, of length (1 + n_copies) * n_samples
            All original texts, then all texts augmented, once per copy.
        y_resampled : array-like of shape ((1 + n_copies) * n_samples,)
            Labels of `X_resampled`, of the same type as `y`.

        Raises
        ------
        ValueError
            If a parameter or a text is invalid, if `y` is None or has another length
            than `X`, or if the files of WordNet are damaged.
        TypeError
            If `X` is not a sequence, or a text is not a str.
        LookupError
            If WordNet is not found.
        """
        check_params(self)
        texts = check_texts(X, required_by="SynonymReplacer")
        if y is None:
            raise ValueError(
                "SynonymReplacer requires y to be passed, but the target y is None."
            )
        check_consistent_length(texts, y)
        seed = check_random_state(self.random_state).randint(2**31)
        copies = (
            self.augment(texts, seed=seed, epoch=copy) for copy in range(self.n_copies)
        )
        rows = np.tile(np.arange(len(texts)), 1 + self.n_copies)
        return [*texts, *itertools.chain.from_iterable(copies)], _safe_indexing(y, rows)

    def _replace_words(self, text, thesaurus, draw):
        uniform = draw()
        n_replaced = _invert_geometric(uniform, self.p)
        if self.law == "code":
            n_replaced -= 1
        # Truncation to the replaceable words, below, never increases this number: most
        # texts return here, before they are split.
        if n_replaced <= 0:
            return text
        parts = _WORD.split(text)  # words are at odd indices
        indices = [
            index
            for index in range(1, len(parts), 2)
            if len(parts[index]) >= self.min_length
            and parts[index].lower() in thesaurus
        ]
        n_words = len(indices)
        if self.law == "paper":
            n_replaced = _invert_geometric(uniform, self.p, n_words + 1)
        for done in range(min(n_replaced, n_words)):
            # One step of the Fisher-Yates shuffle draws a word without replacement.
            other = done + int(draw() * (n_words - done))
            indices[done], indices[other] = indices[other], indices[done]
            chosen = indices[done]
            word = parts[chosen]
            synonyms = thesaurus[word.lower()]
            if self.law == "paper":
                rank = _invert_geometric(draw(), self.q, len(synonyms))
            else:
                rank = _invert_geometric(draw(), 1 - self.q)
            if rank < len(synonyms):
                parts[chosen] = _match_case(synonyms[rank], word)
        return "".join(parts)


def _invert_geometric(uniform, ratio, n_outcomes=math.inf):
    """Return k in [0, n_outcomes) with probability proportional to ``ratio ** k``.

    `uniform` is in [0, 1); this is the inverse transform method.
    """
    log_ratio = math.log(ratio)
    mass = -math.expm1(n_outcomes * log_ratio)
    return min(int(math.log1p(-uniform * mass) / log_ratio), n_outcomes - 1)


def _match_case(synonym, word):
    """Return the synonym in the case of the word: lower, Capitalized or UPPER."""
    if len(word) > 1 and word.isupper():
        return synonym.upper()
    if word.istitle():
        return synonym[0].upper() + synonym[1:]
    return synonym


def _check_uint64(value, name):
    """Return `value` as an int; raise `ValueError` unless it is in [0, 2**64)."""
    if isinstance(value, (int, np.integer)) and 0 <= value < 2**64:
        return int(value)
    raise ValueError(f"Expected {name} to be an int in [0, 2**64), got {value!r}.")
