"""Rows of comparisons: named models with the values to select parameters from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from sklearn.base import clone

from ..augmentation._synonyms import SynonymReplacer
from ..baselines import (
    make_bag_of_means_classifier,
    make_bow_classifier,
    make_nb_ngram_classifier,
    make_ngram_classifier,
    make_tfidf_classifier,
)
from ..utils._param_names import suggest_name
from ._selection import GRIDS

__all__ = ["GROUPS", "ROWS", "Row", "resolve_rows"]

_UNKNOWN_COST = 5.0  # of estimators that are no row here


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
        Approximate seconds of training per million characters on one CPU core, between
        those of short news and of long reviews. Cells are run in the order of their
        cost, which a time budget scales by measured times.
    field_order : {"forward", "reverse"}
        Order in which the fields of a text are joined.
    grid : mapping of str to sequence
        Parameters of the estimator, or of the pipeline's last step, and the values to
        select from on a validation split of the training data.
    """

    name: str
    make: Callable
    cost: float
    field_order: str = "forward"
    grid: Mapping = field(default_factory=dict)


def _network(name, **settings):
    """Return a function that makes a network with these settings."""
    return partial(_make_network, f"{name}Classifier", **settings)


def _make_network(name, /, **settings):
    from .. import networks  # imports torch, which linear models do not need

    return getattr(networks, name)(**settings)


def _linear():
    for name, key, make, cost in (
        ("BoW", "bow", make_bow_classifier, 0.15),
        ("ngrams", "ngrams", make_ngram_classifier, 1.0),
    ):
        yield key, Row(name, make, cost, grid=GRIDS["counts"])
        tfidf = partial(make, tfidf=True)
        yield f"{key}-tfidf", Row(f"{name} TFIDF", tfidf, cost, grid=GRIDS["counts"])
    means = Row("Bag-of-means", make_bag_of_means_classifier, 3, grid=GRIDS["counts"])
    yield "bag-of-means", means


def _later_linear():
    svm, nb = make_tfidf_classifier, make_nb_ngram_classifier
    yield "tfidf", Row("TF-IDF", svm, 0.2, grid=GRIDS["tfidf"])
    yield "ngrams-nb", Row("ngrams NB", nb, 0.3, grid=GRIDS["ngrams-nb"])


def _zhang_networks():
    """Yield the LSTM and the sixteen ConvNets of Table 4 of Zhang et al. (2015)."""
    # Departs from the paper: all networks but those of Keras have the recipe "modern".
    # Departs from the paper: word vectors are trained on the training texts only.
    own_vectors = {"vectors": "word2vec", "tuning": "static"}
    lstm = {"cell": "lstm", "hidden_dim": 512, "pooling": "mean", "clip_norm": 5.0}
    yield "lstm", Row("LSTM", _network("RNN", **lstm, **own_vectors), 40)
    # The rows name the alphabets of the papers, whatever the defaults are.
    paper = _network("CharCNN", alphabet="paper")
    full = _network("CharCNN", alphabet="full")
    w2v = _network("WordCNN", **own_vectors)
    lookup = _network("WordCNN")
    for name, key, make, field_order, cost in (
        ("w2v ", "wordcnn-{}-w2v", w2v, "forward", 230),
        ("Lk. ", "wordcnn-{}-lookup", lookup, "forward", 230),
        ("Full ", "charcnn-{}-full", full, "reverse", 240),
        ("", "charcnn-{}", paper, "reverse", 240),
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
    for depth, cost in ((9, 400), (17, 800), (29, 1_100)):
        for pooling, name in (("max", "max"), ("kmax", "k-max"), ("conv", "conv")):
            make = _network("VDCNN", depth=depth, pooling=pooling, alphabet="vdcnn")
            slower = 2 if pooling == "kmax" else 1
            yield (
                f"vdcnn-{depth}-{pooling}",
                Row(f"VDCNN-{depth} {name}", make, cost * slower),
            )
    for pooling, name in (("attention", "ATT"), ("mean", "AVE"), ("max", "MAX")):
        make = _network("HAN", pooling=pooling)
        yield f"han-{pooling}", Row(f"HN-{name}", make, 100)
    for key, settings in {
        "rand": {},
        "static": {"vectors": "word2vec", "tuning": "static"},
        "non-static": {"vectors": "word2vec"},
        "multichannel": {"vectors": "word2vec", "tuning": "multichannel"},
    }.items():
        make = _network("KimCNN", **settings)
        yield f"kim-{key}", Row(f"CNN-{key}", make, 75)
    yield "fasttext-net", Row("Bag of n-grams, NB", _network("FastText"), 8)
    yield "charcrnn", Row("char-CRNN", _network("CharCRNN"), 170)
    yield "dpcnn", Row("DPCNN", _network("DPCNN"), 150)


def _keras_networks():
    """Yield the three recurrent networks of the Keras examples for IMDB."""
    plain = {
        "tokenizer": "keras",
        "pooling": "last",
        "keep": "end",
        "clip_norm": None,
        "bucketing": False,
    }
    # The 10,000 ids of Keras are 9,996 words and four reserved ids.
    small = plain | {
        "recipe": "rmsprop",
        "hidden_dim": 32,
        "max_tokens": 9_996,
        "embedding_dim": 32,
        "max_length": 500,
    }
    for cell, name, cost in (("rnn", "SimpleRNN", 5), ("lstm", "LSTM", 10)):
        make = _network("RNN", cell=cell, **small)
        yield f"keras-{cell}", Row(f"Keras {name}", make, cost)
    bilstm = plain | {
        "recipe": "adam",
        "batch_size": 32,
        "max_epochs": 4,
        "bidirectional": True,
        "hidden_dim": 64,
        "max_tokens": 19_996,
        "embedding_dim": 128,
        "max_length": 100,
        "dropout": 0.5,
    }
    make = _network("RNN", cell="lstm", **bilstm)
    yield "keras-bilstm", Row("Keras BiLSTM", make, 10)


def _with_grid(networks):
    return {key: replace(row, grid=GRIDS["network"]) for key, row in networks}


# Tables show the rows in this order.
ROWS = {
    **dict(_linear()),
    **_with_grid(_zhang_networks()),
    **dict(_later_linear()),
    **_with_grid(_later_networks()),
    **_with_grid(_keras_networks()),
}

_FAST = ("tfidf", "ngrams-nb", "bow", "bow-tfidf")
_LINEAR = (*_FAST, "ngrams", "ngrams-tfidf")
# One row for each network, with default settings.
_NETWORKS = (
    "fasttext-net",
    "charcnn-small",
    "charcrnn",
    "vdcnn-9-max",
    "wordcnn-small-lookup",
    "kim-rand",
    "dpcnn",
    "lstm",
    "han-attention",
)
GROUPS = {
    "fast": _FAST,
    "linear": _LINEAR,
    "networks": _NETWORKS,
    "all": (*_LINEAR, *_NETWORKS),
    "paper": tuple(key for key, _ in (*_linear(), *_zhang_networks())),
}


def resolve_rows(models):
    """Return the `Row` of each model by name, in order.

    Parameters
    ----------
    models : str, sequence, or mapping of str to estimator
        A key of `GROUPS` or `ROWS`, a sequence of such keys and of pairs (name,
        estimator), or estimators by name.

    Raises
    ------
    ValueError
        If a name is unknown, or given twice.
    TypeError
        If a model is neither a name nor a named estimator.
    """
    if isinstance(models, str):
        models = [models]
    elif isinstance(models, Mapping):
        models = list(models.items())
    rows = {}
    for model in models:
        for name, row in _resolve(model):
            if name in rows:
                raise ValueError(f"Expected each model once, got {name!r} twice.")
            rows[name] = row
    if not rows:
        raise ValueError("Expected at least one model, got none.")
    return rows


def _resolve(model):
    if isinstance(model, str):
        if model in GROUPS:
            return [(key, ROWS[key]) for key in GROUPS[model]]
        if model in ROWS:
            return [(model, ROWS[model])]
        near = suggest_name(model, [*GROUPS, *ROWS])
        hint = f" Did you mean {near!r}?" if near else ""
        raise ValueError(
            f"Expected one of the models {', '.join(map(repr, [*GROUPS, *ROWS]))}, "
            f"got {model!r}.{hint}"
        )
    try:
        name, estimator = model
        valid = isinstance(name, str) and hasattr(estimator, "fit")
        valid = valid and hasattr(estimator, "get_params")
        valid = valid and not isinstance(estimator, type)
    except (TypeError, ValueError):  # no pair
        valid = False
    if not valid:
        raise TypeError(
            "Expected the name of a model or a pair (name, estimator), got "
            f"{model!r}. Name your estimators, instances of a subclass of "
            "sklearn.base.BaseEstimator: models={'mine': estimator}."
        )
    return [(name, Row(name, partial(clone, estimator), _UNKNOWN_COST))]
