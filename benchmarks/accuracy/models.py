"""Rows of the error table: those of the package, other libraries, an ensemble."""

from functools import partial

from sklearn.ensemble import VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from sktextconv import OnlineNGramClassifier
from sktextconv.comparison._rows import ROWS as OWN_ROWS, Row
from sktextconv.encoding._tokenize import PLAIN_PATTERN

from .fasttext import FastTextClassifier
from .vowpal_wabbit import VowpalWabbitClassifier

__all__ = ["ROWS", "Row", "make_ensemble", "make_sklearn_tfidf"]


def make_sklearn_tfidf():
    """Make the pipeline of scikit-learn that `make_tfidf_classifier` is compared to."""
    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, token_pattern=PLAIN_PATTERN
    )
    return make_pipeline(vectorizer, LinearSVC(random_state=0))


def make_ensemble():
    """Make two linear models and a network, whose probabilities are averaged."""
    keys = {"tfidf": "tfidf", "nb": "ngrams-nb", "han": "han-max"}
    members = [(name, OWN_ROWS[key].make()) for name, key in keys.items()]
    return VotingClassifier(members, voting="soft")


def _others():
    grid = {"learning_rate": [0.05, 0.1, 0.25, 0.5]}
    for key, name, n in (("", "", 1), ("-bigram", ", bigram", 2)):
        make = partial(FastTextClassifier, word_ngrams=n)
        yield f"fasttext{key}", Row(f"fastText h=10{name}", make, 0.2, grid=grid)
    passes = {"passes": [1, 3, 10]}
    vw = Row("Vowpal Wabbit, bigram", VowpalWabbitClassifier, 0.2, grid=passes)
    yield "vw-bigram", vw
    yield "tfidf-online", Row("TF-IDF, online", OnlineNGramClassifier, 0.3)
    yield "tfidf-sklearn", Row("TF-IDF of scikit-learn", make_sklearn_tfidf, 0.5)
    name = "Ensemble: TF-IDF, ngrams NB, HN-MAX"
    yield "ensemble", Row(name, make_ensemble, 100)


# The tables show the rows in this order.
ROWS = OWN_ROWS | dict(_others())
