"""Sentence splitting with Punkt, as NLTK implements it."""

import collections
import re

from ._scripts import LETTERS, has_unspaced

__all__ = ["check_boundaries", "find_sentences", "learn_boundaries", "make_punkt"]

# Ends of sentences that Punkt does not know, with brackets and white space after them.
# Thai and Lao have no mark for the end: a space between their letters is one.
_find_ends = re.compile(
    rf"""(?x)
      (?:[。｡！？។៕။]|．(?!\d))+[」』”’）)】》〉\]]*\s*
    | (?<![!?])[!?]+(?=[{LETTERS}])
    | (?<=[\u0e01-\u0eff])\s+(?=[\u0e01-\u0eff])
    """
).finditer

# Punkt reads this many characters at a time: on some texts its time is not linear in
# their length, and this bounds it. A longer sentence is split.
_WINDOW = 10_000

# Characters that Punkt learns from, which takes seconds. More would only add rare
# abbreviations.
_MAX_TRAINING_SIZE = 2_000_000


def find_sentences(text, punkt, *, split_scripts):
    """Yield start and end of the sentences of a text.

    Parameters
    ----------
    text : str
    punkt : PunktSentenceTokenizer
    split_scripts : bool
        Whether to know the marks of scripts without spaces, in a text that has such a
        script.
    """
    start = 0
    if split_scripts and has_unspaced(text):
        for match in _find_ends(text):
            yield from _find_between(text, start, match.end(), punkt)
            start = match.end()
    yield from _find_between(text, start, len(text), punkt)


def _find_between(text, start, stop, punkt):
    """Yield start and end of Punkt's sentences of a part, window by window."""
    while start < stop:
        window = text[start : min(start + _WINDOW, stop)]
        sentences = list(punkt.span_tokenize(window))
        next_start = start + len(window)
        if next_start < stop and len(sentences) > 1:
            # The last sentence may continue after the window: the next window starts
            # with it.
            next_start = start + sentences.pop()[0]
        for first, last in sentences:
            yield start + first, start + last
        start = next_start


def learn_boundaries(texts):
    """Return the parameters of Punkt trained on `texts`: JSON-serializable, sorted."""
    # Imported here: it takes a quarter of a second.
    from nltk.tokenize.punkt import PunktTrainer

    sample, size = [], 0
    for text in texts:
        if size >= _MAX_TRAINING_SIZE:
            break
        sample.append(text[:_WINDOW])
        size += len(sample[-1])
    trainer = PunktTrainer()
    trainer.train("\n\n".join(sample))
    params = trainer.get_params()
    return {
        "abbreviations": sorted(params.abbrev_types),
        "collocations": sorted(map(list, params.collocations)),
        "starters": sorted(params.sent_starters),
        "contexts": dict(sorted(params.ortho_context.items())),
    }


def check_boundaries(boundaries):
    """Raise `ValueError` unless `learn_boundaries` could have returned `boundaries`."""

    def are_texts(values, *, n=None):
        right_size = isinstance(values, list) and n in (None, len(values))
        return right_size and set(map(type, values)) <= {str}

    def are_flags(values):
        return all(type(value) is int and 0 <= value < 2**32 for value in values)

    keys = {"abbreviations", "collocations", "starters", "contexts"}
    if not (
        isinstance(boundaries, dict)
        and boundaries.keys() == keys
        and are_texts(boundaries["abbreviations"])
        and isinstance(boundaries["collocations"], list)
        and all(are_texts(pair, n=2) for pair in boundaries["collocations"])
        and are_texts(boundaries["starters"])
        and isinstance(boundaries["contexts"], dict)
        and are_flags(boundaries["contexts"].values())
    ):
        raise ValueError(
            "Expected the boundaries of sentences to be lists of str for abbreviations "
            "and starters, a list of pairs of str for collocations, and a dict of str "
            "to int for contexts."
        )


def make_punkt(boundaries):
    """Return NLTK's sentence tokenizer with the given parameters of Punkt."""
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

    params = PunktParameters()
    params.abbrev_types = set(boundaries["abbreviations"])
    params.collocations = set(map(tuple, boundaries["collocations"]))
    params.sent_starters = set(boundaries["starters"])
    # A Counter, because a defaultdict would grow with each word that is looked up.
    params.ortho_context = collections.Counter(boundaries["contexts"])
    return PunktSentenceTokenizer(params)
