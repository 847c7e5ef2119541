"""Small training samples of four data sets, and held-out texts to measure on."""

import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .cell import Cell, hold_out, load

__all__ = ["DATA", "Source", "draw_sample", "read_pool"]


class Source(NamedTuple):
    """Training texts of a data set.

    Attributes
    ----------
    name : str
        Name in figures.
    files : tuple of str
    n_valid : int
        Held-out texts to measure on.
    n_test : int or None
        Texts that the error table tests on. They are split off first, as for that
        table. None if they have a file of their own.
    n_characters : int
        Mean length of a text, from which the time of a run is estimated.
    """

    name: str
    files: tuple[str, ...]
    n_valid: int
    n_test: int | None
    n_characters: int


_DBPEDIA = ("dbpedia_subset.csv.xz", "dbpedia_subset_no_title.csv.xz")
DATA = {
    "ag_news": Source("AG News", ("ag_news_train_subset.csv.xz",), 2_000, None, 240),
    "dbpedia_subset": Source("DBPedia, subset", _DBPEDIA, 2_000, 5_000, 300),
    "imdb": Source("IMDB", ("imdb_train.csv.xz",), 2_000, None, 1_300),
    # 3,500 texts are left without those of the table, 2,500 of them to train on.
    "yelp_full_subset": Source(
        "Yelp, 5 stars, subset", ("yelp_review_full_subset.csv.xz",), 1_000, 1_500, 730
    ),
}


@functools.lru_cache
def read_pool(source, folder):
    """Return the Bunch to draw training texts from, and that of the held-out texts.

    Parameters
    ----------
    source : Source
    folder : path
        Folder of its files.

    Notes
    -----
    Both are the same for every model, size and seed. Repeated texts are left out.
    """
    cell = Cell(
        data="",
        model="bow",
        train=tuple(str(Path(folder) / name) for name in source.files),
        columns={"header": False, "label_column": 0},
        held_out=source.n_test or source.n_valid,
    )
    pool, valid = load(cell)
    return (pool, valid) if source.n_test is None else hold_out(pool, source.n_valid)


def draw_sample(pool, n_train, seed):
    """Return texts and labels drawn from a Bunch.

    A smaller sample of the same seed is the beginning of a larger one.
    """
    if n_train > len(pool.data):
        raise ValueError(
            f"Expected at most {len(pool.data):,} texts, as many as there are, got "
            f"n_train={n_train:,}."
        )
    rows = np.random.RandomState(seed).permutation(len(pool.data))[:n_train]
    return [pool.data[row] for row in rows], pool.target[rows]
