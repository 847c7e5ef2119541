"""Rows of the error table: names, estimators and grids of hyper-parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from sktextconv import (
    CharCNNClassifier,
    HANClassifier,
    KimCNNClassifier,
    RNNClassifier,
    SynonymReplacer,
    VDCNNClassifier,
    WordCNNClassifier,
    make_bag_of_means_classifier,
    make_bow_classifier,
    make_nb_ngram_classifier,
    make_ngram_classifier,
    make_tfidf_classifier,
)
from sktextconv.encoding._tokenize import PLAIN_PATTERN

from .fasttext import FastTextClassifier
from .vowpal_wabbit import VowpalWabbitClassifier

__all__ = ["ROWS", "Row", "make_sklearn_tfidf"]

# Features are divided by their largest value: the best C is large and depends on data.
_PENALTIES = {"C": [1e1, 1e2, 1e3, 1e4, 1e5]}


@dataclass(frozen=True)
class Row:
    """Row of the table.

    Attributes
    ----------
    name : str
        Name in the paper.
    make : callable
        Function that returns an estimator or a Pipeline.
    cost : float
        Approximate seconds per 1,000 training texts of IMDB on one CPU core. Cells are
        run in the order of their cost, which a time budget scales by measured times.
    field_order : {"forward", "reverse"}
        Order in which the fields of a text are joined.
    grid : mapping of str to list
        Parameters of the estimator, or of the pipeline's last step, and the values to
        select from on a validation split of the training data.
    """

    name: str
    make: Callable
    cost: float
    field_order: str = "forward"
    grid: Mapping = field(default_factory=dict)


def _linear():
    for name, key, make, cost in (
        ("BoW", "bow", make_bow_classifier, 1),
        ("ngrams", "ngrams", make_ngram_classifier, 5),
    ):
        yield key, Row(name, make, cost, grid=_PENALTIES)
        tfidf = partial(make, tfidf=True)
        yield f"{key}-tfidf", Row(f"{name} TFIDF", tfidf, cost, grid=_PENALTIES)
    means = Row("Bag-of-means", make_bag_of_means_classifier, 6, grid=_PENALTIES)
    yield "bag-of-means", means


def _later_linear():
    nb = {"C": [0.1, 0.3, 1.0, 3.0, 10.0]}
    yield "tfidf", Row("TF-IDF", make_tfidf_classifier, 0.3)
    yield "ngrams-nb", Row("ngrams NB", make_nb_ngram_classifier, 0.5, grid=nb)


def _zhang_networks():
    """Yield the LSTM and the sixteen ConvNets of Table 4 of Zhang et al. (2015)."""
    # Departs from the paper: word vectors are trained on the training texts only.
    own_vectors = {"vectors": "word2vec", "tuning": "static"}
    lstm = {"cell": "lstm", "hidden_dim": 512, "pooling": "mean", "clip_norm": 5.0}
    yield "lstm", Row("LSTM", partial(RNNClassifier, **lstm, **own_vectors), 150)
    # The rows name the alphabets of the papers, whatever the defaults are.
    paper = partial(CharCNNClassifier, alphabet="paper")
    full = partial(CharCNNClassifier, alphabet="full")
    w2v = partial(WordCNNClassifier, **own_vectors)
    for name, key, make, field_order, cost in (
        ("w2v ", "wordcnn-{}-w2v", w2v, "forward", 40),
        ("Lk. ", "wordcnn-{}-lookup", WordCNNClassifier, "forward", 40),
        ("Full ", "charcnn-{}-full", full, "reverse", 80),
        ("", "charcnn-{}", paper, "reverse", 80),
    ):
        for size, prefix, times in (("small", "Sm.", 1), ("large", "Lg.", 10)):
            plain = partial(make, size=size)
            row = Row(f"{prefix} {name}Conv.", plain, cost * times, field_order)
            yield key.format(size), row
            thesaurus = partial(plain, augmenter=SynonymReplacer())
            yield (
                f"{key.format(size)}-th",
                replace(row, name=f"{row.name} Th.", make=thesaurus),
            )


def _later_networks():
    for depth, cost in ((9, 60), (17, 120), (29, 160)):
        for pooling, name in (("max", "max"), ("kmax", "k-max"), ("conv", "conv")):
            make = partial(
                VDCNNClassifier, depth=depth, pooling=pooling, alphabet="vdcnn"
            )
            slower = 2 if pooling == "kmax" else 1
            yield (
                f"vdcnn-{depth}-{pooling}",
                Row(f"VDCNN-{depth} {name}", make, cost * slower),
            )
    for pooling, name in (("attention", "ATT"), ("mean", "AVE"), ("max", "MAX")):
        make = partial(HANClassifier, pooling=pooling)
        yield f"han-{pooling}", Row(f"HN-{name}", make, 30)
    for key, settings in {
        "rand": {},
        "static": {"vectors": "word2vec", "tuning": "static"},
        "non-static": {"vectors": "word2vec"},
        "multichannel": {"vectors": "word2vec", "tuning": "multichannel"},
    }.items():
        make = partial(KimCNNClassifier, **settings)
        yield f"kim-{key}", Row(f"CNN-{key}", make, 25)


def _keras_networks():
    """Yield the three recurrent networks of the Keras examples for IMDB."""
    plain = {"pooling": "last", "keep": "end", "clip_norm": None, "bucketing": False}
    # The vocabulary of Keras includes two ids for padding and unknown words.
    small = plain | {
        "recipe": "rmsprop",
        "hidden_dim": 32,
        "max_tokens": 9_998,
        "embedding_dim": 32,
        "max_length": 500,
    }
    for cell, name in (("rnn", "SimpleRNN"), ("lstm", "LSTM")):
        make = partial(RNNClassifier, cell=cell, **small)
        yield f"keras-{cell}", Row(f"Keras {name}", make, 20)
    bilstm = plain | {
        "recipe": "adam",
        "batch_size": 32,
        "max_epochs": 4,
        "bidirectional": True,
        "hidden_dim": 64,
        "max_tokens": 19_998,
        "embedding_dim": 128,
        "max_length": 100,
        "dropout": 0.5,
    }
    make = partial(RNNClassifier, cell="lstm", **bilstm)
    yield "keras-bilstm", Row("Keras BiLSTM", make, 15)


def make_sklearn_tfidf():
    """Make the pipeline of scikit-learn that `make_tfidf_classifier` is compared to."""
    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, token_pattern=PLAIN_PATTERN
    )
    return make_pipeline(vectorizer, LinearSVC(random_state=0))


def _peers():
    grid = {"learning_rate": [0.05, 0.1, 0.25, 0.5]}
    for key, name, n in (("", "", 1), ("-bigram", ", bigram", 2)):
        make = partial(FastTextClassifier, word_ngrams=n)
        yield f"fasttext{key}", Row(f"fastText h=10{name}", make, 0.2, grid=grid)
    passes = {"passes": [1, 3, 10]}
    vw = Row("Vowpal Wabbit, bigram", VowpalWabbitClassifier, 0.2, grid=passes)
    yield "vw-bigram", vw
    yield "tfidf-sklearn", Row("TF-IDF of scikit-learn", make_sklearn_tfidf, 0.5)


# The tables show the rows in this order.
ROWS = dict(
    [
        *_linear(),
        *_zhang_networks(),
        *_later_linear(),
        *_later_networks(),
        *_keras_networks(),
        *_peers(),
    ]
)
