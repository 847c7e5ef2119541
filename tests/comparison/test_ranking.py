"""Ranking of compared models, and analyses of their answers."""

import numpy as np
import pytest

from sktextconv.comparison._cell import Cell
from sktextconv.comparison._comparison import Comparison

RECORD = {
    "select_cpu_seconds": 0.0,
    "train_cpu_seconds": 1.0,
    "texts_per_cpu_second": 1.0,
    "milliseconds_per_text": 1.0,
    "bytes": 1,
    "n_train": 10,
}


def make_comparison(errors, *, seconds=None, y=None, n_classes=2):
    """Make a comparison from arrays of bool, whether a model is wrong on each text."""
    n = len(next(iter(errors.values())))
    y = np.zeros(n, dtype=int) if y is None else y
    cells = [
        Cell(
            model,
            0,
            1.0,
            np.arange(n),
            (y + wrong) % n_classes,
            None,
            {},
            RECORD | {"train_cpu_seconds": (seconds or {}).get(model, 1.0)},
        )
        for model, wrong in errors.items()
    ]
    return Comparison([f"text {i}" for i in range(n)], y, np.arange(n_classes), cells)


@pytest.mark.parametrize("n_models", [2, pytest.param(6, marks=pytest.mark.slow)])
def test_equal_models_are_seldom_told_apart(n_models):
    """Models of equal error are called different in about 5 % of the cases at most."""
    rng = np.random.RandomState(0)
    told_apart = 0
    for _ in range(200):
        wrong = {f"m{i}": rng.random_sample(100) < 0.2 for i in range(n_models)}
        results = make_comparison(wrong).results
        # The claim about a model that is named in advance.
        told_apart += any(r.model == "m0" and not r.is_as_good for r in results)
    assert told_apart <= 19  # 99.9 % of draws with a probability of 5 %


def test_planted_difference_is_found():
    rng = np.random.RandomState(0)
    hard = rng.random_sample(1_000) < 0.1
    wrong = {"good": hard, "bad": hard | (rng.random_sample(1_000) < 0.05)}
    found = make_comparison(wrong)
    assert (found.best, found.as_good) == ("good", ["good"])
    assert "All others are worse, beyond noise." in found.summarize()
    assert found.results[1].difference.low > 0


def test_winner_is_cheapest_within_noise():
    rng = np.random.RandomState(0)
    hard = rng.random_sample(500) < 0.2
    cheap, bad = hard.copy(), ~hard
    cheap[:2] ^= True
    wrong = {"slow": hard, "cheap": cheap, "bad": bad}
    seconds = {"slow": 50.0, "cheap": 1.0, "bad": 0.1}
    found = make_comparison(wrong, seconds=seconds)
    assert found.winner == "cheap"
    assert found.as_good[0] == "cheap"
    assert "cheap" in found.summarize()


def test_winner_among_cheap_models_has_lowest_error():
    """A model is not preferred for saving a part of a second."""
    hard = np.random.RandomState(0).random_sample(500) < 0.2
    faster = hard.copy()
    faster[:2] ^= True
    seconds = {"better": 0.3, "faster": 0.1}
    found = make_comparison({"better": hard, "faster": faster}, seconds=seconds)
    lowest = min(("better", hard), ("faster", faster), key=lambda each: each[1].mean())
    assert found.as_good[0] == found.winner == lowest[0]


def test_label_errors_are_unanimous():
    """A suspect is a text on which all models give the same other answer."""
    y = np.array([0, 0, 1, 2])
    wrong = {"a": np.array([1, 0, 0, 1]), "b": np.array([1, 1, 0, 2])}
    found = make_comparison(wrong, y=y, n_classes=3)
    (suspect,) = found.label_errors()
    assert (suspect.row, suspect.label, suspect.answers) == (0, 0, {"a": 1, "b": 1})
    assert [each.row for each in found.disagreements()] == [1, 3]


def test_label_errors_of_texts_in_several_test_sets():
    """A suspect is one each time that it is tested, with the same answer."""
    answers = {  # of two repetitions
        "a": [np.array([1, 1, 1, 0]), np.array([1, 0, 2, 0])],
        "b": [np.array([1, 1, 1, 0]), np.array([1, 1, 2, 0])],
    }
    cells = [
        Cell(model, split, 1.0, np.arange(4), predicted, None, {}, RECORD)
        for model, splits in answers.items()
        for split, predicted in enumerate(splits)
    ]
    y = np.zeros(4, dtype=int)
    found = Comparison(["", "", "", ""], y, np.arange(3), cells)
    assert [each.row for each in found.label_errors()] == [0]


def test_errors_by_class_and_length():
    y = np.array([0, 0, 1, 1])
    found = make_comparison({"a": np.array([1, 0, 0, 0])}, y=y)
    by_class = [each.value for each in found.errors_by_class()["a"]]
    assert by_class == [0.5, 0.0]
    bounds, errors = found.errors_by_length(1)
    assert bounds == [(6, 6)]
    assert errors["a"][0].value == 0.25
