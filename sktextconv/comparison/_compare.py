"""Comparison of models on labeled texts."""

import contextlib
import dataclasses
import importlib.metadata
import math
import numbers
import os
import platform
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import (
    BaseCrossValidator,
    StratifiedGroupKFold,
    StratifiedKFold,
)
from sklearn.utils.multiclass import check_classification_targets

from .. import __version__
from ..utils._labels import check_labels, reject_swapped
from ..utils._processes import count_processes, find_dask_client
from ..utils.validation import check_texts, is_missing
from ._cell import CellJob, Task, fit_task
from ._comparison import Comparison
from ._results import Left
from ._rows import resolve_rows
from ._runner import Runner
from ._selection import count_trainings, split_off
from ._workers import LocalProcesses

__all__ = ["compare"]

_MILLION = 1e6
_CV = "Expected cv to be a fraction between 0 and 1, 2 or more folds, or a splitter"
_MARGIN = 1.2  # of the time reserved for the fit of the winner
_SPARE = 0.02  # of the time, reserved besides, as other programs may slow the fit down


def compare(
    X: Sequence[str],
    y: ArrayLike,
    *,
    models: str | Sequence[Any] | Mapping[str, Any] | None = None,
    test: tuple[Sequence[str], ArrayLike] | None = None,
    cv: float | int | BaseCrossValidator | Iterable = 0.2,
    groups: ArrayLike | None = None,
    select: bool = True,
    train_sizes: Sequence[float] = (),
    noise: Sequence[float] = (),
    max_seconds: float | None = None,
    folder: str | os.PathLike | None = None,
    n_jobs: int | None = None,
    random_state: int = 0,
    refit: bool = True,
    verbose: bool = False,
) -> Comparison:
    """Train models on the same texts, and compare their errors on the same others.

    Cheap models run first. Each cell, a model on one division of the texts, runs in a
    process of its own and is written to a file when it is finished. Parameters are
    selected inside the training texts only. Under ``joblib.parallel_config("dask")``,
    the workers of a Dask cluster run the cells; each receives the texts once.

    Parameters
    ----------
    X : sequence of str of shape (n_samples,)
        Texts.
    y : array-like of shape (n_samples,)
        Labels.
    models : str, sequence or mapping, default=None
        "fast" has four linear models, "linear" six, "networks" one of each network,
        "all" both, and "paper" the rows of Zhang, Zhao and LeCun (2015). A sequence has
        names of these groups or of single models, and pairs (name, estimator); a
        mapping has estimators by name. An estimator takes a list of str, and can be
        pickled. None is "fast", or "all" if `max_seconds` limits the time.
    test : (texts, labels), default=None
        Test texts. None holds out some of `X`.
    cv : float, int, splitter or iterable, default=0.2
        The fraction of texts to hold out once, the number of folds in which each text
        is held out once, a splitter of scikit-learn, also a repeated one, or pairs of
        rows to train and to test on. Not used with `test`.
    groups : array-like of shape (n_samples,), default=None
        Groups of texts that belong together, such as the reviews of one film. A group
        is never divided, and is resampled as a whole for intervals. Groups are held out
        at random, not stratified, as many as come closest to the fraction of `cv`.
    select : bool, default=True
        Whether to select parameters by the error on a tenth of the training texts: C of
        linear models from 5 to 8 values, learning rate and dropout of networks from 6
        pairs by successive halving over epochs, as by ``sktextconv train --search``.
        Estimators of your own have the parameters that you set.
    train_sizes : sequence of float, default=()
        Fractions of the training texts for learning curves, besides all of them. With
        `groups`, the group that reaches a fraction is taken as a whole.
    noise : sequence of float, default=()
        Rates of typing errors, drawn at random, to test with.
    max_seconds : float, default=None
        Time after which the comparison ends with the cells that are finished. Cells
        that would take longer are left, and the winner is fitted within the time.
    folder : path, default=None
        Folder of the finished cells. A comparison that was interrupted resumes from
        them; cells of other texts or settings stay. None does not store them.
    n_jobs : int, default=None
        Number of cells to run at the same time, each with one thread; -1 takes all
        cores. None runs one at a time with all threads. On a Dask cluster, a worker
        runs one cell at a time with one thread, and None and -1 take all workers.
    random_state : int, default=0
        Seed of the divisions, and of all `random_state` of the models that are None.
        One thread gives the same bits.
    refit : bool, default=True
        Whether to fit the winner to all texts of `X`.
    verbose : bool, default=False
        Whether to print progress on the standard error.

    Returns
    -------
    comparison : Comparison

    Raises
    ------
    ValueError
        If the texts, labels or settings are invalid, or a name of a model is unknown.
    TypeError
        If an item is not a str, `cv` is of another type, or an estimator cannot be
        pickled.
    OSError
        If `folder` cannot be written.
    RuntimeError
        If no model was finished; the message names the reasons.

    Warns
    -----
    UserWarning
        If the winner could not be fitted to all texts.

    See Also
    --------
    sklearn.model_selection.cross_validate : Scores of one estimator.

    Notes
    -----
    A model is as good as the best, within noise, if McNemar's exact test finds no
    difference at the level of 5 %, divided by the number of other models, because the
    best of several models is partly so by chance. With groups, or texts in several test
    sets, a permutation test takes its place. The tests are about these trained models
    on other texts; other training texts would add to the noise. The winner is the
    cheapest of the models that are as good as the best; costs below 10 s of CPU time
    count as equal, and the lower error decides between them.

    Examples
    --------
    >>> from sktextconv import compare, load_docstrings
    >>> docs = load_docstrings()
    >>> X, y = docs.data[:300], docs.target[:300]
    >>> comparison = compare(X, y, models=["tfidf", "bow"], random_state=0)
    >>> sorted(result.model for result in comparison.results)
    ['bow', 'tfidf']
    >>> comparison.winner in comparison.as_good
    True
    """
    start = time.monotonic()
    data, splits = _make_data(X, y, test, cv, groups, random_state)
    if models is None:
        models = "fast" if max_seconds is None else "all"
    rows = resolve_rows(models)
    _check_fractions("train_sizes", train_sizes)
    _check_fractions("noise", noise)
    if max_seconds is not None and not max_seconds > 0:
        raise ValueError(f"Expected max_seconds above 0, got {max_seconds!r}.")
    tasks = []
    for model, row in rows.items():
        for split, (train, test_rows) in enumerate(splits):
            for fraction in sorted({*map(float, train_sizes), 1.0}):
                task = Task(
                    model,
                    row,
                    split,
                    _take_fraction(train, fraction, data, random_state),
                    test_rows,
                    fraction,
                    random_state,
                    select,
                    tuple(map(float, noise)),
                )
                tasks.append(task)
    report = _print_line if verbose else _ignore
    workers, n_jobs, n_threads = _find_workers(n_jobs)
    lengths = np.array([len(text) for text in data["texts"]])
    checksum = joblib.hash((data["texts"], data["y"], data["groups"], __version__))
    with contextlib.ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cells_folder = temporary if folder is None else Path(folder)
        cells_folder.mkdir(parents=True, exist_ok=True)
        if not os.access(cells_folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(f"Expected a folder to write to, got {cells_folder}.")
        load = stack.enter_context(workers.share(data))
        jobs = [
            CellJob(
                task,
                load,
                cells_folder / f"{_key(task, checksum)}.npz",
                _expected_seconds(task, lengths),
            )
            for task in tasks
        ]
        runner = Runner(
            workers=workers,
            n_jobs=n_jobs,
            deadline=math.inf if max_seconds is None else start + max_seconds,
            report=report,
        )
        stack.enter_context(runner)
        lowest = math.inf

        def reserve(cell):
            """Reserve the time to fit the best model so far to all texts."""
            nonlocal lowest
            if refit and cell.fraction == 1 and cell.record["error"] < lowest:
                lowest = cell.record["error"]
                runner.reserve = _seconds_to_fit(cell, data["n_train"], max_seconds)

        cells, missed = runner.run(jobs, on_result=reserve)
        # Models of equal error are ranked as `models` has them, not by who was first.
        names = [task.model for task in tasks]
        cells.sort(key=lambda cell: names.index(cell.model))
        comparison = Comparison(
            data["texts"],
            data["y"],
            data["classes"],
            cells,
            [
                Left(task.model, task.split, task.fraction, reason)
                for (task, *_), reason, _ in missed
            ],
            groups=data["groups"],
            about=_describe(data, splits, select, random_state, n_jobs, n_threads),
        )
        if refit:
            report(f"fitting {comparison.winner} to all texts")
            winner = next(task for task in tasks if task.model == comparison.winner)
            everything = np.arange(data["n_train"])
            comparison.winner_estimator, reason = runner.call(
                fit_task,
                dataclasses.replace(winner, train=everything, fraction=1.0),
                load,
            )
            if reason is not None:
                warnings.warn(
                    f"{comparison.winner} was not fitted to all texts: {reason}. "
                    "winner_estimator is None.",
                    stacklevel=2,
                )
    return comparison


def _find_workers(n_jobs):
    """Return the workers, the number of cells to run at a time, and their threads."""
    client = find_dask_client()
    if client is not None:
        from ._dask_workers import DaskWorkers  # imports distributed

        workers = DaskWorkers(client)
        n_jobs = count_processes(-1 if n_jobs is None else n_jobs, workers.n_workers)
        return workers, n_jobs, 1
    if n_jobs is None:
        n_threads = joblib.cpu_count()
        return LocalProcesses(n_threads=n_threads), 1, n_threads
    return LocalProcesses(), count_processes(n_jobs), 1


def _seconds_to_fit(cell, n_texts, max_seconds):
    """Return the time to reserve for the fit of the model of a cell to more texts."""
    growth = n_texts / cell.record["n_train"]
    return _MARGIN * growth * cell.record["seconds"] + _SPARE * (max_seconds or 0.0)


def _make_data(X, y, test, cv, groups, seed):
    """Return the checked data as the processes read them, and the divisions."""
    texts = list(check_texts(X, required_by="compare"))
    labels = check_labels(y)
    _check_same_length("y", labels, len(texts))
    reject_swapped(texts, labels)
    check_classification_targets(labels)
    n_train = len(texts)
    if groups is not None:
        if test is not None:
            raise ValueError("Expected no groups with test texts of their own.")
        groups = _encode_groups(groups)
        _check_same_length("groups", groups, n_train)
    if test is not None:
        try:
            X_test, y_test = test
        except (TypeError, ValueError):
            raise ValueError("Expected test to be a pair (texts, labels).") from None
        texts_test = list(check_texts(X_test, required_by="compare"))
        labels_test = check_labels(y_test, name="the labels of test")
        _check_same_length("the labels of test", labels_test, len(texts_test))
        new = sorted({*labels_test.tolist()} - {*labels.tolist()})
        if new:
            raise ValueError(
                f"Expected the labels of test to be among those of y, got {new[:5]}."
            )
        texts += texts_test
        labels = np.concatenate([labels, labels_test])
    classes, y_encoded = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"Expected labels of two or more classes, got {classes!r}.")
    data = {
        "texts": texts,
        "labels": labels,
        "y": y_encoded.reshape(-1),
        "classes": classes,
        "groups": groups,
        "n_train": n_train,
    }
    if test is not None:
        return data, [(np.arange(n_train), np.arange(n_train, len(texts)))]
    return data, _divide(data, cv, seed)


def _encode_groups(groups):
    """Return groups as ints from 0, or raise `ValueError` if one is missing."""
    values = np.asarray(groups, dtype=object).ravel().tolist()
    for row, value in enumerate(values):
        if is_missing(value):
            raise ValueError(
                f"Expected a group for each text, got {value!r} at index {row}. Texts "
                "without a group may have one each."
            )
    numbers_of = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return np.array([numbers_of[value] for value in values])


def _divide(data, cv, seed):
    """Return the rows to train on and to test on, for each division."""
    y, groups = data["y"], data["groups"]
    if isinstance(cv, (bool, np.bool_, str)):
        raise TypeError(f"{_CV}, got {cv!r}.")
    if isinstance(cv, numbers.Integral):
        if cv < 2:
            raise ValueError(f"{_CV}, got {cv!r}.")
        make = StratifiedKFold if groups is None else StratifiedGroupKFold
        cv = make(int(cv), shuffle=True, random_state=seed)
    elif isinstance(cv, numbers.Real):
        if not 0 < cv < 1:
            raise ValueError(f"{_CV}, got {cv!r}.")
        return [split_off(y, groups, float(cv), seed)]
    if hasattr(cv, "split"):
        cv = cv.split(np.empty(len(y)), y, groups)
    elif not isinstance(cv, Iterable):
        raise TypeError(f"{_CV}, got {cv!r}.")
    splits = [_check_split(split, len(y), groups) for split in cv]
    if not splits:
        raise ValueError(f"{_CV}, got no division.")
    return splits


def _check_split(split, n_texts, groups):
    """Return the rows of both parts of a division as ints, or raise `ValueError`."""
    train, test = (
        np.arange(n_texts)[np.asarray(rows, dtype=None if len(rows) else int)]
        for rows in split
    )
    if not len(train) or not len(test):
        raise ValueError(
            "Expected cv to train and to test on texts in each division, got "
            f"{len(train):,} training and {len(test):,} test texts."
        )
    common = np.intersect1d(train, test)
    if len(common):
        raise ValueError(
            "Expected cv to test on other texts than it trains on, got "
            f"{len(common):,} in both parts of a division, such as row {common[0]}."
        )
    if groups is not None and np.isin(groups[test], groups[train]).any():
        raise ValueError(
            "Expected cv not to divide groups, got one with texts in both parts of a "
            "division. Use a splitter for groups, such as GroupKFold."
        )
    return train, test


def _take_fraction(train, fraction, data, seed):
    """Return a part of the rows; smaller parts are inside larger ones."""
    if fraction == 1:
        return train
    groups = data["groups"]
    units = np.arange(len(data["y"])) if groups is None else groups
    order = np.random.RandomState(seed).permutation(units.max() + 1)
    rank = order[units[train]]
    n_texts = max(round(fraction * len(train)), 1)
    return train[rank <= np.partition(rank, n_texts - 1)[n_texts - 1]]


def _check_same_length(name, values, n_texts):
    if len(values) != n_texts:
        raise ValueError(
            f"Expected one value of {name} for each of {n_texts:,} texts, got "
            f"{len(values):,}."
        )


def _check_fractions(name, values):
    if not isinstance(values, Iterable) or isinstance(values, str):
        raise TypeError(f"Expected a sequence of fractions as {name}, got {values!r}.")
    for value in values:
        if not 0 < value <= 1:
            raise ValueError(
                f"Expected fractions above 0 in {name}, and up to 1, got {value!r}."
            )


def _expected_seconds(task, lengths):
    """Return the cost of selection and training, in seconds of some machine."""
    n_trainings = 1.0
    if task.select:
        n_trainings += count_trainings(task.row.make(), task.row.grid)
    return task.row.cost * n_trainings * float(lengths[task.train].sum()) / _MILLION


def _key(task, checksum):
    try:
        return task.key(checksum)
    except Exception as error:
        raise TypeError(
            f"Expected a model that can be pickled as {task.model!r}: {error} Define "
            "its functions with def, in a module or at the top of a notebook."
        ) from error


def _describe(data, splits, select, seed, n_jobs, n_threads):
    """Return what a reader needs to know about the comparison, for its JSON."""
    packages = ("numpy", "scipy", "scikit-learn", "torch", "skorch")
    versions = {package: importlib.metadata.version(package) for package in packages}
    return {
        "data": {
            "n_texts": len(data["texts"]),
            "n_train": int(np.mean([len(train) for train, _ in splits])),
            "n_test": int(np.mean([len(test) for _, test in splits])),
            "n_splits": len(splits),
            "grouped": data["groups"] is not None,
            "classes": {
                str(label): int(count)
                for label, count in zip(
                    data["classes"], np.bincount(data["y"]), strict=True
                )
            },
        },
        "settings": {
            "select": select,
            "random_state": seed,
            "n_jobs": n_jobs,
            "threads": n_threads,
        },
        "versions": {
            "python": platform.python_version(),
            "sktextconv": __version__,
            **versions,
        },
    }


def _print_line(line):
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _ignore(line):
    pass
