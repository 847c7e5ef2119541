"""Comparison of linear models on small samples of training texts.

    python -m benchmarks.accuracy.samples --data imdb --words 8 --sizes 500 5000
    python -m benchmarks.accuracy.samples --data imdb --pair tfidf

Each seed draws other texts to train on and to measure on, both from the training texts.
Runs in the JSON of a data set are not repeated.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from .._record import describe_run, find_commit, progress, timed, write_json
from .._render import as_list_table
from .cell import Cell, load
from .models import ROWS
from .run import parse_setting

__all__ = ["FOLDER", "PAIRS", "compare", "make_model", "render"]

FOLDER = Path(__file__).parents[1] / "samples"
# Tables show the difference of the two models of a pair.
# A model is a key of `ROWS`, with a parameter of its estimator after a comma.
PAIRS = {
    "ngrams": ("ngrams", "ngrams-nb"),
    "tfidf": ("tfidf-sklearn", "tfidf"),
    "penalty": ("bow, C=10000", "bow"),
}


def compare(
    data,
    *,
    sizes,
    seeds,
    n_valid,
    pair="ngrams",
    n_words=None,
    train=None,
    columns=None,
    folder=FOLDER,
):
    """Train both models with default settings; save their errors on other texts.

    Parameters
    ----------
    data : str
        Name of the data set and of its JSON.
    sizes : list of int
        Numbers of training texts.
    seeds : list of int
        Each seeds a split, stratified by class, into texts to train on and to measure
        on. Both models see the same split.
    n_valid : int
        Texts to measure on.
    pair : str, default="ngrams"
        Key of `PAIRS`.
    n_words : int or None, default=None
        Only the first words of each text are read; None reads all.
    train : path or None, default=None
        CSV file of the training texts; None takes the data set that `data` names.
    columns : mapping or None, default=None
        Arguments of `read_csv` for this file.
    folder : path

    Returns
    -------
    runs : list of dict
        All runs in the file.
    """
    path = Path(folder) / f"{data}.json"
    runs = json.loads(path.read_text()) if path.exists() else []
    commit = find_commit()
    models = PAIRS[pair]
    # No test file is needed, so that the training file is passed as both.
    model, _, _ = models[0].partition(", ")
    cell = Cell(data=data, model=model, train=train, test=train, columns=columns or {})
    bunch, _ = load(cell)
    texts = [" ".join(text.split()[:n_words]) for text in bunch.data]
    for n_train in sizes:
        for seed in seeds:
            X, X_valid, y, y_valid = train_test_split(
                texts,
                bunch.target,
                train_size=n_train,
                test_size=n_valid,
                stratify=bunch.target,
                random_state=seed,
            )
            for model in models:
                run = {
                    "data": data,
                    "model": model,
                    "n_words": n_words,
                    "n_train": n_train,
                    "n_valid": n_valid,
                    "n_classes": len(bunch.target_names),
                    "seed": seed,
                }
                if any(run.items() <= done.items() for done in runs):
                    continue
                with timed() as seconds:
                    fitted = make_model(model).fit(X, y)
                error = 100 * float(np.mean(fitted.predict(X_valid) != y_valid))
                progress(f"{run}: {error:.2f} %, {seconds.cpu:.0f} s")
                measured = {
                    "error": error,
                    "seconds": seconds.wall,
                    "cpu_seconds": seconds.cpu,
                }
                runs.append(run | measured | describe_run(1, None, commit=commit))
                write_json(path, runs)
    return runs


def make_model(model):
    """Return the unfitted estimator of a model of a pair."""
    row, _, setting = model.partition(", ")
    return ROWS[row].make(**dict([parse_setting(setting)] if setting else ()))


def _name(model):
    row, comma, setting = model.partition(", ")
    return ROWS[row].name + comma + setting


def render(folder=FOLDER, pair="ngrams"):
    """Return a reST table with a row per data set and number of training texts.

    The last column has the largest difference of a seed in favor of the first model.
    """
    models = PAIRS[pair]
    errors_of = defaultdict(lambda: defaultdict(dict))
    for path in sorted(Path(folder).glob("*.json")):
        for run in json.loads(path.read_text()):
            words = run["n_words"] or float("inf")
            key = (run["data"], run["n_classes"], words, run["n_train"])
            errors_of[key][run["seed"]][run["model"]] = run["error"]
    columns = ("Data", "Classes", "Words read", "Texts", "Seeds")
    names = [f"{_name(model)}, %" for model in models]
    rows = [(*columns, *names, "Difference", "Largest of a seed")]
    for (data, n_classes, words, n_train), by_seed in sorted(errors_of.items()):
        pairs = [
            [errors[model] for model in models]
            for errors in by_seed.values()
            if errors.keys() >= {*models}
        ]
        if not pairs:
            continue
        pairs = np.array(pairs)  # (n_seeds, 2)
        differences = pairs[:, 1] - pairs[:, 0]
        rows.append(
            (
                data,
                str(n_classes),
                "all" if words == float("inf") else str(words),
                f"{n_train:,}",
                str(len(pairs)),
                *(f"{error:.1f}" for error in pairs.mean(0)),
                f"{differences.mean():+.1f}",
                f"{differences.max():+.1f}",
            )
        )
    return as_list_table(rows) if len(rows) > 1 else ""


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy.samples",
        description=__doc__.partition("\n")[0],
    )
    add = parser.add_argument
    add("--data", required=True)
    add("--train", metavar="FILE", help="its training CSV, where it has no loader")
    add("--text-columns", type=int, nargs="+", help="positions in it, from 0")
    add("--pair", choices=PAIRS, default="ngrams", help="models to compare")
    add("--words", type=int, help="first words to read of each text")
    add("--sizes", type=int, nargs="+", default=[500, 5_000], help="training texts")
    add("--valid", type=int, default=2_000, help="texts to measure on")
    add("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    options = parser.parse_args()
    columns = {"header": False, "label_column": 0}
    if options.text_columns is not None:
        columns["text_columns"] = options.text_columns
    compare(
        options.data,
        sizes=options.sizes,
        seeds=options.seeds,
        n_valid=options.valid,
        pair=options.pair,
        n_words=options.words,
        train=options.train,
        columns=columns,
    )


if __name__ == "__main__":
    main()
