"""Texts to like texts, in training only: words give way to their synonyms."""

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

_WORD = re.compile(r"([^\W_]+)")  # runs of letters and digits


@hyperparameters
class SynonymReplacer(BaseEstimator):
    """Replace a few words of each text by synonyms from WordNet.

    Texts change and labels do not: more training texts for nothing, in English only.
    Networks draw anew before each epoch; linear models take the copies that
    `fit_resample` adds, as a step of imbalanced-learn's pipeline. There is no
    `transform`, so that texts to be classified stay as they are.

    Parameters
    ----------
    p : float, default=0.5
        Between 0 and 1. Of a text with n replaceable words, r are replaced with
        probability proportional to ``p ** r``, r = 0, ..., n.
    q : float, default=0.5
        Between 0 and 1. Of a word's S synonyms the one of rank s is taken with
        probability proportional to ``q ** s``, s = 1, ..., S.
    law : {"paper", "code"}, default="paper"
        "paper" draws as said above. "code" draws as the authors' program does, which
        replaces fewer words; see the Notes.
    min_length : int, default=3
        Letters and digits of the shortest words to be replaced; 1 for any.
    wordnet : str, path-like or None, default=None
        Folder with WordNet's files (``index.noun`` and the like), or a zip file with
        such a folder ``wordnet``. None takes the first found of: the corpus
        ``wordnet`` in NLTK's data folders, the folder ``$WNSEARCHDIR``,
        ``/usr/share/wordnet``.
    n_copies : int, default=1
        Copies of each text that `fit_resample` adds. `augment` does not look at it.
    random_state : int, RandomState instance or None, default=None
        Where `fit_resample` takes its seed from: with an int each call gives the same
        copies. `augment` is told its seed and does not look here.

    See Also
    --------
    imblearn.pipeline.Pipeline : Calls `fit_resample` in `fit`, not in `predict`.

    Notes
    -----
    A word is a run of letters and digits ("can" in "can't" is one). It is replaceable
    if it is a key of the thesaurus as it stands, but for case: base forms are, most
    inflected ones are not ("film", not "films"), and those stay. The synonyms of all
    its meanings are one list, the meaning most often met first by WordNet's counts,
    equal ones as nouns, verbs, adjectives, adverbs. It holds phrases, but neither the
    word itself nor names (spelt with capitals), nor synonyms of meanings in which the
    word itself is a name. A synonym follows the word's case: lower, Capitalised or
    UPPER. Everything between words stays.

    With the paper's law ``P(r = 0)`` is ``(1 - p) / (1 - p ** (n + 1))``: at the
    default half of the texts stay unchanged, or more exactly all with no replaceable
    word, two of three with one, and so on down to a half. For r and s alike the
    geometric law is cut to what there is, n words and S synonyms, and the rest scaled
    to a sum of 1.

    With ``law="code"`` a word more is visited with probability `p` each, after one
    more draw to begin: ``P(r >= k) = p ** (k + 1)``, until no word is left. At a word
    each synonym in turn is accepted with probability `q`, the first being likeliest
    for every `q`; if none is, the word stays. At the default three of four texts stay.

    What a text becomes depends on the seed, the epoch and the text's index alone,
    through a counter-based generator (Philox): not on the other texts, their order or
    the number of processes.

    A text of 230 words takes some 70 µs on average. WordNet is read once a process,
    in a second or two, by the first call; pickles hold the parameters only.

    Departures from the paper:

    1. The thesaurus is WordNet itself, not the one of LibreOffice made from it.
    2. Words of one and two letters stay by default: their synonyms are seldom any
       ("in", "inch"). The paper sets no least length; the authors' code has one that
       is not stated.

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
    # Departs from the paper: it has no least length.
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
        texts : array-like of str of shape (n_documents,)
            Texts.
        seed : int
            Key of all draws, with `epoch`; both from 0 to 2**64 - 1.
        epoch : int, default=0
            Another one gives other draws.
        documents : array-like of int of shape (n_documents,), default=None
            Index of each text, of which its draws depend, where `texts` are a part or
            in another order. None counts from 0.

        Returns
        -------
        augmented : list of str, of length n_documents

        Raises
        ------
        ValueError
            If a parameter, the seed, the epoch or an index is not what it must be.
        TypeError
            If `texts` is no sequence of texts.
        LookupError
            If there is no WordNet.
        """
        check_params(self)
        texts = check_texts(texts, required_by="SynonymReplacer")
        key = [_check_uint64(seed, "seed"), _check_uint64(epoch, "epoch")]
        if documents is None:
            documents = range(len(texts))
        else:
            check_consistent_length(texts, documents)
            documents = [_check_uint64(index, "each document") for index in documents]
        thesaurus = read_thesaurus(find_wordnet(self.wordnet))
        bits = np.random.Philox(key=np.array(key, dtype=np.uint64))
        draw = np.random.Generator(bits).random
        # To put one generator in another place costs a tenth of making another one.
        state = bits.state
        counter = state["state"]["counter"]
        augmented = []
        for document, text in zip(documents, texts, strict=True):
            counter[1] = document  # a stream of 2**64 blocks for each document
            bits.state = state
            augmented.append(self._replace_words(text, thesaurus, draw))
        return augmented

    def fit_resample(
        self, X: Collection[str], y: ArrayLike
    ) -> tuple[list[str], ArrayLike]:
        """Return the texts and, after them, `n_copies` augmented copies of each.

        Parameters
        ----------
        X : array-like of str of shape (n_documents,)
            Texts.
        y : array-like of shape (n_documents,)
            Their labels.

        Returns
        -------
        X_resampled : list of str, of length (1 + n_copies) * n_documents
            All texts as they are, then all texts once for each copy.
        y_resampled : array-like of shape ((1 + n_copies) * n_documents,)
            Their labels, of the type of `y`.

        Raises
        ------
        ValueError
            If a parameter or a text is not what it must be, or if `y` is missing or
            of another length.
        TypeError
            If `X` is no sequence of texts.
        LookupError
            If there is no WordNet.
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
        if n_replaced <= 0:  # nor would it be more for fewer words: most texts end here
            return text
        parts = _WORD.split(text)  # a word at every odd place
        places = [
            place
            for place in range(1, len(parts), 2)
            if len(parts[place]) >= self.min_length
            and parts[place].lower() in thesaurus
        ]
        if self.law == "paper":
            n_replaced = _invert_geometric(uniform, self.p, len(places) + 1)
        for done in range(min(n_replaced, len(places))):
            other = done + int(draw() * (len(places) - done))
            places[done], places[other] = places[other], places[done]
            word = parts[places[done]]
            synonyms = thesaurus[word.lower()]
            if self.law == "paper":
                rank = _invert_geometric(draw(), self.q, len(synonyms))
            else:
                rank = _invert_geometric(draw(), 1 - self.q)
            if rank < len(synonyms):
                parts[places[done]] = _match_case(synonyms[rank], word)
        return "".join(parts)


def _invert_geometric(uniform, ratio, n_outcomes=math.inf):
    """Turn `uniform` in [0, 1) into k in [0, n_outcomes), P(k) ~ ``ratio ** k``."""
    slope = math.log(ratio)
    mass = -math.expm1(n_outcomes * slope)
    return min(int(math.log1p(-uniform * mass) / slope), n_outcomes - 1)


def _match_case(synonym, word):
    if len(word) > 1 and word.isupper():
        return synonym.upper()
    if word.istitle():
        return synonym[0].upper() + synonym[1:]
    return synonym


def _check_uint64(value, name):
    """Return `value` as what a counter-based generator takes."""
    if isinstance(value, (int, np.integer)) and 0 <= value < 2**64:
        return int(value)
    raise ValueError(f"Expected {name} to be an int in [0, 2**64), got {value!r}.")
