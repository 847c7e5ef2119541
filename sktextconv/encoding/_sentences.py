"""Sentence splitting with Punkt, as NLTK implements it."""

import collections

__all__ = []


# Characters that Punkt reads at a time: on some texts its time is not linear in their
# length, and NLTK limits it. A longer sentence is cut.
_WINDOW = 10_000  # characters

# It learns from this much in seconds; more adds rare abbreviations alone.
_LEARNT_FROM = 2_000_000  # characters


def _find_sentences(text, punkt):
    """Yield start and end of the sentences of `text`, one window after the other."""
    start = 0
    while start < len(text):
        window = text[start : start + _WINDOW]
        sentences = list(punkt.span_tokenize(window))
        following = start + len(window)
        if following < len(text) and len(sentences) > 1:
            # The last one may go on: it is read again, as the first of its window.
            following = start + sentences.pop()[0]
        for first, last in sentences:
            yield start + first, start + last
        start = following


def _learn_boundaries(texts):
    """Return what Punkt learns from `texts`, as plain values in a fixed order."""
    from nltk.tokenize.punkt import PunktTrainer  # a quarter of a second

    sample, size = [], 0
    for text in texts:
        if size >= _LEARNT_FROM:
            break
        sample.append(text[:_WINDOW])
        size += len(sample[-1])
    trainer = PunktTrainer()
    trainer.train("\n\n".join(sample))
    learnt = trainer.get_params()
    return {
        "abbreviations": sorted(learnt.abbrev_types),
        "collocations": sorted(map(list, learnt.collocations)),
        "starters": sorted(learnt.sent_starters),
        "contexts": dict(sorted(learnt.ortho_context.items())),
    }


def _check_boundaries(boundaries):
    """Raise `ValueError` unless `boundaries` can be of `_learn_boundaries`."""

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
            "and starters, one of pairs for collocations, and an int per str for "
            "contexts."
        )


def _make_punkt(boundaries):
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

    learnt = PunktParameters()
    learnt.abbrev_types = set(boundaries["abbreviations"])
    learnt.collocations = set(map(tuple, boundaries["collocations"]))
    learnt.sent_starters = set(boundaries["starters"])
    # A defaultdict would grow with each word that is looked up.
    learnt.ortho_context = collections.Counter(boundaries["contexts"])
    return PunktSentenceTokenizer(learnt)
