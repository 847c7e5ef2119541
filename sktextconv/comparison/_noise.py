"""Typing errors, drawn at random and seeded."""

import string
from collections.abc import Sequence

import numpy as np

__all__ = ["add_typos"]


def add_typos(texts: Sequence[str], rate: float, *, seed: int = 0) -> list[str]:
    """Return texts in which letters are mistyped.

    Parameters
    ----------
    texts : sequence of str
    rate : float
        Probability of each letter to be mistyped: dropped, doubled, exchanged with the
        next character, or replaced by a letter from a to z, with equal probabilities.
    seed : int, default=0

    Returns
    -------
    noisy : list of str

    Examples
    --------
    >>> from sktextconv.comparison._noise import add_typos
    >>> add_typos(["a fine film"], 0.0)
    ['a fine film']
    """
    rng = np.random.RandomState(seed)
    return [_mistype(text, rate, rng) for text in texts]


def _mistype(text, rate, rng):
    characters = list(text)
    hit = np.flatnonzero(rng.random_sample(len(characters)) < rate)
    kinds = rng.randint(4, size=len(hit))
    letters = rng.randint(26, size=len(hit))
    # From the end, so that earlier positions stay valid.
    for at, kind, letter in zip(hit[::-1], kinds, letters, strict=True):
        if not characters[at].isalpha():
            continue
        if kind == 0:
            del characters[at]
        elif kind == 1:
            characters.insert(at, characters[at])
        elif kind == 2:
            characters[at : at + 2] = characters[at : at + 2][::-1]
        else:
            characters[at] = string.ascii_lowercase[letter]
    return "".join(characters)
