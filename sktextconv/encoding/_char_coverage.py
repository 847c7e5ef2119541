"""Warning about texts whose characters are not in the alphabet."""

import functools
import string
import warnings

import numpy as np

from ._char_tokenizer import ALPHABETS, BYTES, LEARNED

__all__ = ["warn_if_outside"]

_TOLERANCE = 0.1  # fraction of the characters
_N_EXAMPLES = 5

_HINTS = {
    True: "Train on texts like these with a larger max_characters, or with "
    'alphabet="bytes", which knows every character.',
    False: 'Train with alphabet="auto", which learns the alphabet from the training '
    "texts.",
}


def warn_if_outside(tokenizer, texts, *, stacklevel):
    """Warn if more than a tenth of the characters are outside the alphabet.

    Only the part of each text that is read counts, without white space.

    Parameters
    ----------
    tokenizer : CharTokenizer
    texts : sequence of str
    stacklevel : int
        As in `warnings.warn`: 1 is this function, 2 its caller.

    Warns
    -----
    UserWarning
        With the fraction, the most frequent of these characters, and a remedy.
    """
    if tokenizer.alphabet == BYTES:
        return
    counts = tokenizer.count(texts)
    present = np.flatnonzero(counts)
    characters = list(map(chr, present.tolist()))
    known = _known(tokenizer.characters)
    if known.issuperset(characters):
        return
    visible = np.array([not c.isspace() for c in characters], dtype=bool)
    outside = visible & np.array([c not in known for c in characters], dtype=bool)
    n_visible, n_outside = (counts[present[mask]].sum() for mask in (visible, outside))
    if n_outside <= _TOLERANCE * n_visible:
        return
    order = np.argsort(-counts[present[outside]], kind="stable")[:_N_EXAMPLES]
    examples = [repr(chr(point)) for point in present[outside][order].tolist()]
    alphabet = tokenizer.alphabet
    named = f" {alphabet!r}" if alphabet in (*ALPHABETS, LEARNED) else ""
    warnings.warn(
        f"{_percent(n_outside, n_visible)} of the characters of the texts, white space "
        f"not counted, are outside the alphabet{named}, such as {', '.join(examples)}: "
        "the network cannot distinguish them. "
        f"{_HINTS[alphabet == LEARNED]}",
        stacklevel=stacklevel,
    )


@functools.lru_cache(maxsize=8)
def _known(characters):
    """Return the set of some characters and the white space of ASCII."""
    return {*characters, *string.whitespace}


def _percent(part, whole):
    return "All" if part == whole else f"{100 * part / whole:.0f} %"
