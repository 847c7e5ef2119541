"""Speed of linear models: counting n-grams, solvers and whole classifiers."""

import statistics

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from sktextconv import (
    make_bow_classifier,
    make_nb_ngram_classifier,
    make_ngram_classifier,
    make_tfidf_classifier,
)
from sktextconv.comparison._statistics import bootstrap_interval
from sktextconv.encoding._tokenize import PLAIN_PATTERN
from sktextconv.feature_extraction import LogCountRatio, NGramVectorizer

from .._record import timed
from ..accuracy.models import make_sklearn_tfidf
from ..accuracy.vowpal_wabbit import VowpalWabbitClassifier
from .comparison import Line
from .growth import Corpus, draw_texts
from .timing import in_fresh_process

__all__ = ["LINES", "compare_ngram_counting", "compare_solvers", "compare_tfidf"]

_HELD_OUT = 5_000
_ROUNDS = 3
# Others to compare the TF-IDF classifier with: estimator, goal and description.
_TFIDF_OTHERS = {
    "scikit-learn": (make_sklearn_tfidf, 2, "TfidfVectorizer and LinearSVC"),
    "Vowpal Wabbit": (
        VowpalWabbitClassifier,
        1,
        "Vowpal Wabbit, words and pairs; errors are in the notes",
    ),
}


def compare_ngram_counting(data):
    """Compare counting the 500,000 most frequent n-grams of 1 to 5 words."""
    texts = data["long"][0]
    seconds, mib = in_fresh_process(_count, NGramVectorizer, {}, texts)
    settings = {
        "ngram_range": (1, 5),
        "max_features": 500_000,
        "token_pattern": PLAIN_PATTERN,
        "dtype": np.float32,
    }
    their_seconds, their_mib = in_fresh_process(
        _count, CountVectorizer, settings, texts
    )
    return Line(
        "count 1- to 5-grams",
        seconds,
        their_seconds,
        "s",
        their_seconds / seconds,
        15,
        "CountVectorizer",
        {"MiB": mib, "MiB of CountVectorizer": their_mib, "less": their_mib / mib},
    )


# A function of the module, because `in_fresh_process` pickles it.
def _count(vectorizer, settings, texts):
    vectorizer(**settings).fit_transform(texts)


def compare_solvers(texts, y, name, C, target, n_rounds=1):
    """Compare solvers of logistic regression on the TF-IDF of 500,000 n-grams."""
    texts, y, others, y_other = _hold_out(texts, y)
    *first, ours = (step for _, step in make_ngram_classifier(tfidf=True, C=C).steps)
    X, X_other = texts, others
    for step in first:
        X = step.fit_transform(X)
        X_other = step.transform(X_other)
    # Dividing features by their largest value scales gradients down, too: with the
    # default tolerance, newton-cg stops almost at once.
    theirs = LogisticRegression(C=C, solver="newton-cg", tol=1e-5)
    sides = {"ours": ours, "newton-cg": theirs}
    rounds, notes = {side: [] for side in sides}, {}
    for _ in range(n_rounds):
        for side, regression in sides.items():
            with timed() as seconds:
                regression.fit(X, y)
            rounds[side].append(seconds.cpu)
    for side, regression in sides.items():
        loss = log_loss(y, regression.predict_proba(X), normalize=False)
        penalty = np.square(regression.coef_).sum() / 2
        notes[f"objective of {side}"] = C * loss + penalty
        error = np.mean(regression.predict(X_other) != y_other)
        notes[f"error % of {side}"] = 100 * error
    return _make_line(
        f"logistic regression, {name}",
        rounds,
        target,
        "newton-cg of scikit-learn",
        notes,
    )


def compare_tfidf(texts, y, name, other="scikit-learn"):
    """Compare fitting TF-IDF of words and pairs, in rounds, on texts not held out."""
    make_other, target, against = _TFIDF_OTHERS[other]
    sides = {"ours": make_tfidf_classifier, other: make_other}
    rounds, notes = _fit_in_rounds(sides, texts, y, _ROUNDS)
    notes["s of counting"] = _time_counting(make_tfidf_classifier(), texts, y)
    return _make_line(f"TF-IDF classifier, {name}", rounds, target, against, notes)


def _time_counting(pipeline, texts, y):
    """Return the CPU seconds of the first step of a pipeline."""
    with timed() as seconds:
        pipeline[0].fit_transform(_hold_out(texts, y)[0])
    return seconds.cpu


def compare_naive_bayes(texts, y, name):
    """Compare fitting n-grams with naive Bayes to a pipeline for each class."""
    sides = {"ours": make_nb_ngram_classifier, "pipelines": _make_nb_pipelines}
    rounds, notes = _fit_in_rounds(sides, texts, y, 1)
    notes["s of counting"] = _time_counting(make_nb_ngram_classifier(), texts, y)
    return _make_line(
        f"naive Bayes classifier, {name}",
        rounds,
        3,
        "logistic regression, one pipeline per class",
        notes,
    )


def _make_nb_pipelines():
    """Make naive Bayes features and LIBLINEAR's primal solver for each class."""
    regression = LogisticRegression(C=1_000.0, solver="liblinear", max_iter=1_000)
    return make_pipeline(
        make_nb_ngram_classifier()[0],
        OneVsRestClassifier(
            make_pipeline(LogCountRatio(), Normalizer(copy=False), regression)
        ),
    )


def _fit_in_rounds(sides, texts, y, n_rounds):
    """Return CPU seconds of each side, in rounds, and errors on texts held out."""
    texts, y, others, y_other = _hold_out(texts, y)
    rounds, wrong = {name: [] for name in sides}, {}
    for _ in range(n_rounds):
        for side, make in sides.items():
            with timed() as seconds:
                fitted = make().fit(texts, y)
            rounds[side].append(seconds.cpu)
            wrong[side] = fitted.predict(others) != y_other
    notes = {f"error % of {side}": 100 * each.mean() for side, each in wrong.items()}
    ours, theirs = wrong.values()
    low, high = bootstrap_interval(100.0 * ours - 100.0 * theirs)
    return rounds, notes | {"difference %, from": low, "difference %, to": high}


def _hold_out(texts, y):
    """Return texts and labels to train on, and those to measure errors on."""
    n_train = len(texts) - min(_HELD_OUT, len(texts) // 2)
    return texts[:n_train], y[:n_train], texts[n_train:], y[n_train:]


def _make_line(name, rounds, target, against, notes):
    """Make a line of seconds from the rounds of ours and of the other side."""
    ours, theirs = rounds.values()
    return Line(
        name,
        statistics.median(ours),
        statistics.median(theirs),
        "s",
        statistics.median(np.divide(theirs, ours)),
        target,
        against,
        notes,
    )


def compare_classes(n_classes=(4, 64, 256), n_texts=3_000):
    """Compare CPU seconds per class of the most and of the fewest classes."""
    seconds = {}
    for n in n_classes:
        texts, y, _ = draw_texts(Corpus(n_texts, 16, n, 10_000))
        rounds = []
        for _ in range(_ROUNDS):
            with timed() as each:
                fitted = make_bow_classifier().fit(texts, y)
            rounds.append(each.cpu)
        seconds[n] = statistics.median(rounds)
    few, most = min(n_classes), max(n_classes)
    notes = {f"s, {n} classes": each for n, each in seconds.items()}
    return Line(
        f"time per class, {most} classes against {few}",
        seconds[most] / most / (seconds[few] / few),
        None,
        "",
        None,
        None,
        "none; bag of words",
        notes | {f"steps, {most} classes": int(fitted[-1].n_iter_[0])},
        limit=1.0,
    )


LINES = {
    "ngrams": compare_ngram_counting,
    "solver": lambda data: compare_solvers(*data["long"], "reviews", 1_000, 5, _ROUNDS),
    "solver-news": lambda data: compare_solvers(*data["short"], "news", 10_000, 3),
    "classes": lambda data: compare_classes(),
    "tfidf-news": lambda data: compare_tfidf(*data["short"], "news"),
    "tfidf-reviews": lambda data: compare_tfidf(*data["long"], "reviews"),
    "wabbit-news": lambda data: compare_tfidf(*data["short"], "news", "Vowpal Wabbit"),
    "wabbit-reviews": lambda data: compare_tfidf(
        *data["long"], "reviews", "Vowpal Wabbit"
    ),
    "nb-news": lambda data: compare_naive_bayes(*data["short"], "news"),
    "nb-reviews": lambda data: compare_naive_bayes(*data["long"], "reviews"),
}
