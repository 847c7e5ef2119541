"""Analyses of a comparison: summary, gain by more labels, errors of groups of texts."""

import json

import numpy as np
import pytest

from sktextconv.comparison import Comparison, Left
from sktextconv.comparison._statistics import compare_errors, metrics

from .synthetic import TWELVE, make_comparison


def test_summary_names_winner_first():
    comparison = make_comparison(TWELVE)
    assert comparison.winner != comparison.best
    assert comparison.summarize().startswith(f"The winner is {comparison.winner}: ")


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ({"a": (0.1, 1)}, "There is no other to compare it with."),
        ({"a": (0.1, 1), "b": (0.5, 2)}, "All others are worse, beyond noise."),
        ({"a": (0.1, 1), "b": (0.11, 2)}, "b is as good, within noise."),
        ({"a": (0.11, 1), "b": (0.1, 20)}, "b has the lowest error, 10.00 % error"),
    ],
)
def test_summary_mentions_other_models(models, expected):
    assert expected in make_comparison(models).summarize()


def test_summary_names_models_without_result():
    """Models that were left may be better; those left in part are tested."""
    left = [
        (model, 0, fraction, "no time") for model, fraction in (("a", 0.5), ("c", 1.0))
    ]
    comparison = make_comparison({"a": (0.1, 1), "b": (0.5, 2)}, left=left)
    assert comparison.summarize().endswith(" c has no result.")


def test_learning_gain_is_paired_difference():
    """The gain is that of the errors with fewer and with all training texts."""
    comparison = make_comparison({"a": (0.2, 1)}, fractions=(0.1, 0.5))
    y = np.arange(500) % 2
    wrong = {cell.fraction: cell.predicted != y[cell.test] for cell in comparison.cells}
    assert comparison.learning_gain() == compare_errors(wrong[1.0], wrong[0.5])
    assert make_comparison({"a": (0.2, 1)}).learning_gain() is None


@pytest.mark.parametrize("repeated", [False, True])
def test_curves_have_intervals_of_metrics(repeated):
    """The last point of a curve has the interval of the table, with groups too."""
    comparison = make_comparison(
        {"a": (0.2, 1)}, n_splits=2, folds=not repeated, fractions=(0.5,), noise=(0.1,)
    )
    (result,) = comparison.results
    assert comparison.learning_curves()[0].points[-1] == (300, result.error)
    assert comparison.noise_curves()[0].points[0] == (0, result.error)


def test_class_errors_resample_repeated_texts():
    """The error of a class has the interval of `metrics` with the texts as groups."""
    comparison = make_comparison({"a": (0.2, 1)}, n_splits=3, folds=False)
    cells = comparison.cells
    rows = np.concatenate([cell.test for cell in cells])
    predicted = np.concatenate([cell.predicted for cell in cells])
    mask = rows % 2 == 1
    expected = metrics(rows[mask] % 2, predicted[mask], groups=rows[mask])["error"]
    assert comparison.errors_by_class()["a"][1] == expected


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("probabilities", [False, True])
def test_json_has_plain_numbers(grouped, probabilities):
    """Figures of all kinds of comparisons are written as JSON, without NaN."""
    comparison = make_comparison(
        {"a": (0.2, 1), "b": (0.3, 2)},
        groups=np.arange(500) // 5 if grouped else None,
        probabilities=probabilities,
    )
    read = json.loads(comparison.to_json(), parse_constant=pytest.fail)
    assert [each["is_as_good"] for each in read["results"]] == [True, False]


def test_model_without_a_division_is_not_ranked():
    """Models are compared on the same texts, so each must have all divisions."""
    whole = make_comparison({"a": (0.2, 1), "b": (0.1, 1)}, n_splits=3)
    cells = [each for each in whole.cells if (each.model, each.split) != ("b", 1)]
    left = [Left("b", 1, 1.0, "no time")]
    found = Comparison(whole._texts, whole._y, whole.classes, cells, left)
    assert [result.model for result in found.results] == ["a"]
    assert found.summarize().endswith(" b has no result.")
