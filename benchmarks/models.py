"""The rows of the table: a name, how to make it, and what is selected by validation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from sktextconv import CharCNNClassifier, make_bow_classifier, make_ngram_classifier

__all__ = ["ROWS", "Row"]

# As features are divided by the largest, the best C is large and depends on the data.
_PENALTIES = {"C": [1e1, 1e2, 1e3, 1e4, 1e5]}


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes
    ----------
    name : str
        As the paper prints it.
    make : callable
        Returns an estimator or a Pipeline.
    field_order : {"forward", "reverse"}
        How the fields of a text are joined for it.
    grid : mapping of str to list
        Values of parameters of the estimator, or of the pipeline's last step, among
        which a validation split of the training data decides.
    """

    name: str
    make: Callable
    field_order: str = "forward"
    grid: Mapping = field(default_factory=dict)


# In the order in which they are run and shown, the quick ones first.
ROWS = {
    "bow": Row("BoW", make_bow_classifier, grid=_PENALTIES),
    "bow-tfidf": Row(
        "BoW TFIDF", partial(make_bow_classifier, tfidf=True), grid=_PENALTIES
    ),
    "ngrams": Row("ngrams", make_ngram_classifier, grid=_PENALTIES),
    "ngrams-tfidf": Row(
        "ngrams TFIDF", partial(make_ngram_classifier, tfidf=True), grid=_PENALTIES
    ),
    "charcnn-small": Row("Sm. Conv.", CharCNNClassifier, "reverse"),
    "charcnn-small-full": Row(
        "Sm. Full Conv.", partial(CharCNNClassifier, alphabet="full"), "reverse"
    ),
    "charcnn-large": Row(
        "Lg. Conv.", partial(CharCNNClassifier, size="large"), "reverse"
    ),
    "charcnn-large-full": Row(
        "Lg. Full Conv.",
        partial(CharCNNClassifier, size="large", alphabet="full"),
        "reverse",
    ),
}
