"""Comparisons of made-up predictions, without training."""

import numpy as np

from sktextconv.comparison import Cell, Comparison, Left

ABOUT = {
    "data": {
        "n_texts": 500,
        "n_train": 300,
        "n_test": 200,
        "n_splits": 1,
        "grouped": False,
        "classes": {"neg": 250, "pos": 250},
    },
    "settings": {"select": True, "random_state": 0, "n_jobs": 1, "threads": 1},
    "versions": {"python": "3.11.2", "sktextconv": "0.1.0"},
}


def make_comparison(
    models,
    *,
    classes=("neg", "pos"),
    texts=None,
    n_train=300,
    n_test=200,
    n_splits=1,
    folds=True,
    fractions=(),
    noise=(),
    probabilities=True,
    selection=False,
    left=(),
    about=ABOUT,
    groups=None,
):
    """Return a comparison of models that are wrong at random.

    Parameters
    ----------
    models : dict of str to (float, float)
        Error as a fraction, and CPU seconds, of each model.
    folds : bool, default=True
        Whether the divisions have different test texts.
    fractions, noise : sequence of float
        Points of the curves: the error grows with less texts and more noise.
    """
    rng = np.random.RandomState(0)
    n_texts = n_train + n_test * (n_splits if folds else 1)
    if texts is None:
        texts = [f"text {row} " + "word " * (row % 40) for row in range(n_texts)]
    y = np.arange(n_texts) % len(classes)
    hardness = rng.random_sample(n_texts)

    def predict(test, error):
        # Models are wrong on mostly the same texts.
        own = 0.7 * hardness[test] + 0.3 * rng.random_sample(len(test))
        wrong = own >= np.quantile(own, 1 - error) if error else np.zeros(len(test))
        shift = rng.randint(1, len(classes), len(test))
        return np.where(wrong, (y[test] + shift) % len(classes), y[test])

    cells = []
    for model, (error, seconds) in models.items():
        for split in range(n_splits):
            first = n_train + n_test * (split if folds else 0)
            test = np.arange(first, first + n_test)
            for fraction in (*fractions, 1.0):
                predicted = predict(test, min(error / fraction**0.3, 0.9))
                given = None
                if probabilities:
                    sure = np.eye(len(classes), dtype=np.float32)[predicted]
                    given = 0.8 * sure + 0.2 / len(classes)
                noisy = {
                    rate: predict(test, min(error * (1 + 5 * rate), 0.9))
                    for rate in noise
                }
                record = {
                    "error": 100 * float(np.mean(predicted != y[test])),
                    "n_train": int(fraction * n_train),
                    "select_cpu_seconds": 0.5 * seconds,
                    "train_cpu_seconds": (0.5 + 0.1 * split) * seconds,
                    "train_seconds": seconds,
                    "seconds": seconds,
                    "texts_per_cpu_second": 1e4 / max(seconds, 1e-9),
                    "milliseconds_per_text": 0.1 * seconds,
                    "bytes": int(1e6 * seconds),
                    "selection": [],
                    "params": {},
                    "warnings": [],
                }
                if selection:
                    record["selection"] = [
                        {"params": {"C": each}, "error": 20.0 + each}
                        for each in (1.0, 3.0)
                    ]
                    record["params"] = {"C": 1.0}
                cells.append(
                    Cell(model, split, fraction, test, predicted, given, noisy, record)
                )
    return Comparison(
        texts,
        y,
        np.array(classes),
        cells,
        [Left(*each) for each in left],
        groups=groups,
        about=about,
    )


# Twelve models whose errors and times lie close together, as real ones do.
TWELVE = {
    "tfidf": (0.12, 0.4),
    "ngrams-nb": (0.118, 0.6),
    "bow": (0.15, 0.8),
    "bow-tfidf": (0.148, 0.9),
    "ngrams": (0.14, 6.0),
    "ngrams-tfidf": (0.139, 6.5),
    "charcnn-small": (0.30, 900.0),
    "vdcnn-9-max": (0.33, 700.0),
    "wordcnn-small-lookup": (0.22, 420.0),
    "kim-rand": (0.16, 150.0),
    "lstm": (0.155, 300.0),
    "han-attention": (0.115, 320.0),
}
