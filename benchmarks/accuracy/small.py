"""Default settings of linear models and networks on few texts.

    python -m benchmarks.accuracy.small --models linear
    python -m benchmarks.accuracy.small --data imdb --models KimCNN --sizes 500 1000
    python -m benchmarks.accuracy.small --seeds 0 1 2 --budget 60

Each seed draws other training texts; those of a smaller size are part of those of a
larger one. All are measured on the same texts, held out from the training texts. Runs
in the JSON of a data set are not repeated.
"""

import argparse
import base64
import functools
import json
import math
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

import sktextconv
from sktextconv.comparison._runner import Runner
from sktextconv.comparison._workers import LocalProcesses
from sktextconv.utils._fit import fit_model, last_step, set_seeds

from .._record import describe_run, find_commit, timed, write_json
from .models import ROWS, Row
from .small_data import DATA, draw_sample, read_pool

__all__ = ["FOLDER", "LINEAR", "MODELS", "NETWORKS", "REFERENCE", "compare"]

FOLDER = Path(__file__).parents[1] / "small"
REFERENCE = "TF-IDF"  # the model that others are compared with
# Approximate seconds of ten epochs per million characters on one CPU core.
_NETWORK_COSTS = {"FastText": 20, "KimCNN": 150, "CharCNN": 170, "HAN": 250, "RNN": 300}
_OTHER_COST = 500


def _make_network(name):
    return getattr(sktextconv, f"{name}Classifier")()


def _make_rows():
    linear = {
        "BoW": ROWS["bow"],
        REFERENCE: ROWS["tfidf"],
        "TF-IDF, characters": Row(
            "TF-IDF, characters",
            functools.partial(sktextconv.make_tfidf_classifier, analyzer="char"),
            2.0,
        ),
        "ngrams NB": ROWS["ngrams-nb"],
    }
    networks = {}
    for classifier in sktextconv._HOMES["networks"]:
        name = classifier.removesuffix("Classifier")
        make = functools.partial(_make_network, name)
        networks[name] = Row(name, make, _NETWORK_COSTS.get(name, _OTHER_COST))
    return linear, networks


# Figures show the models in this order. All have their default settings.
LINEAR, NETWORKS = _make_rows()
MODELS = LINEAR | NETWORKS


class SmallJob(NamedTuple):
    """`Job` of a `Runner`: a model on a sample; its record is one of many in a file.

    Attributes
    ----------
    data, model : str
        Keys of `DATA` and `MODELS`.
    n_train, seed : int
    files : str
        Folder of the data.
    path : Path
        JSON of the data set.
    threads : int
    commit : str or None
    """

    data: str
    model: str
    n_train: int
    seed: int
    files: str
    path: Path
    threads: int
    commit: str | None

    @property
    def cost(self):
        millions = self.n_train * DATA[self.data].n_characters / 1e6
        return MODELS[self.model].cost * millions

    @property
    def key(self):
        return {
            "data": self.data,
            "model": self.model,
            "n_train": self.n_train,
            "seed": self.seed,
        }

    def __str__(self):
        return f"{self.data}, {self.model}, {self.n_train:,} texts, seed {self.seed}"

    def run(self):
        pool, valid = read_pool(DATA[self.data], self.files)
        X, y = draw_sample(pool, self.n_train, self.seed)
        estimator = MODELS[self.model].make()
        set_seeds(estimator, self.seed, replace=True)
        with timed() as fit_seconds:
            fit_model(estimator, X, y)
        with timed() as predict_seconds:
            wrong = estimator.predict(valid.data) != valid.target
        last = last_step(estimator)
        measured = {
            "n_valid": len(wrong),
            "n_classes": len(pool.target_names),
            "error": 100 * float(wrong.mean()),
            "wrong": base64.b64encode(np.packbits(wrong)).decode(),
            "seconds": fit_seconds.wall,
            "cpu_seconds": fit_seconds.cpu,
            "predict_cpu_seconds": predict_seconds.cpu,
        }
        if hasattr(last, "history_"):
            measured["losses"] = [epoch["train_loss"] for epoch in last.history_]
        about = describe_run(self.threads, last, commit=self.commit)
        return self.key | measured | about

    def read(self):
        for run in _read_runs(self.path):
            if self.key.items() <= run.items():
                return run
        return None

    def write(self, result):
        others = [run for run in _read_runs(self.path) if not _is_same(run, result)]
        write_json(self.path, sorted([*others, result], key=_order))

    def seconds(self, result):
        return result["seconds"]

    def describe(self, result):
        return f"{self}: {result['error']:.1f} %, {result['cpu_seconds']:.0f} s of CPU"


def _read_runs(path):
    return json.loads(path.read_text()) if path.exists() else []


def _is_same(run, other):
    return all(run[key] == other[key] for key in ("model", "n_train", "seed"))


def _order(run):
    return list(MODELS).index(run["model"]), run["n_train"], run["seed"]


def compare(jobs, *, redo=False, budget=None, n_jobs=1, threads=1, report=print):
    """Run the jobs without a record, the cheapest first; return the missed ones.

    Parameters
    ----------
    jobs : list of SmallJob
    redo : bool, default=False
        Whether to run those with a record again and replace it.
    budget : float or None, default=None
        Seconds. Runs that are expected to take longer than what remains are left out,
        and one that runs at the end is stopped.
    n_jobs, threads : int, default=1
        Runs at the same time, and threads of each.
    report : callable, default=print

    Returns
    -------
    missed : list of Missed
    """
    deadline = math.inf if budget is None else time.monotonic() + budget
    workers = LocalProcesses(n_threads=threads)
    with Runner(
        workers=workers, n_jobs=n_jobs, deadline=deadline, report=report
    ) as runner:
        _, missed = runner.run(jobs, redo=redo)
    for job, reason, _ in missed:
        report(f"{job}: {reason}")
    return missed


def make_jobs(options):
    """Return the jobs of parsed options."""
    groups = {"linear": LINEAR, "networks": NETWORKS, "all": MODELS}
    models = [name for each in options.models for name in groups.get(each, [each])]
    commit = find_commit()
    return [
        SmallJob(
            data=data,
            model=model,
            n_train=n_train,
            seed=seed,
            files=options.files,
            path=options.folder / f"{data}.json",
            threads=options.threads,
            commit=commit,
        )
        for seed in options.seeds
        for n_train in options.sizes
        for model in dict.fromkeys(models)
        for data in options.data
    ]


def _make_parser():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy.small",
        description=__doc__.partition("\n")[0],
    )
    add = parser.add_argument
    add("--data", nargs="+", choices=DATA, default=list(DATA))
    add(
        "--models",
        nargs="+",
        choices=["linear", "networks", "all", *MODELS],
        default=["all"],
        metavar="MODEL",
        help="names, or linear, networks, all",
    )
    add("--sizes", type=int, nargs="+", default=[500, 1_000, 2_000])
    add("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    add("--threads", type=int, default=1)
    add("--jobs", type=int, default=1, help="runs at the same time")
    add(
        "--budget",
        type=float,
        metavar="MINUTES",
        help="make the runs that fit, the cheapest first",
    )
    add(
        "--files",
        default=os.environ.get("SKTEXTCONV_DATA", "."),
        help="folder of the data (default: SKTEXTCONV_DATA)",
    )
    add(
        "--redo",
        action="store_true",
        help="replace records, after a change of defaults",
    )
    add("--folder", type=Path, default=FOLDER, help="folder of the records")
    return parser


def main(arguments=None):
    options = _make_parser().parse_args(arguments)
    missed = compare(
        make_jobs(options),
        redo=options.redo,
        budget=None if options.budget is None else 60 * options.budget,
        n_jobs=options.jobs,
        threads=options.threads,
        report=lambda line: print(line, file=sys.stderr, flush=True),
    )
    if any(each.failed for each in missed):
        raise SystemExit(1)


if __name__ == "__main__":
    # Processes of the runs import the classes from this module, not from `__main__`, so
    # that the data that one has read serve its next run.
    from benchmarks.accuracy import small

    small.main()
