"""Deletion curves of attributions."""

import numpy as np
import pytest

from sktextconv import explain
from sktextconv.inspection import Attribution, DeletionCurve, Span

from .conftest import TEXT


def test_deletion_curve_removes_largest_weight_first(three_classes):
    weights = (0.5, 3.0, -1.0, 0.5)
    offsets = ((0, 1), (2, 6), (7, 11), (12, 17))
    spans = tuple(Span(*p, w) for p, w in zip(offsets, weights, strict=True))
    attribution = Attribution("A good film again", "bad", "custom", spans, score=0.0)
    curve = attribution.deletion_curve(three_classes)
    left = [
        "A good film again",
        "A film again",
        "film again",
        "film",
        "",
    ]
    index = three_classes.classes_.tolist().index("bad")
    expected = three_classes.predict_proba(left)[:, index]
    np.testing.assert_allclose(curve.probabilities, expected)
    one, two, three, four, five = expected
    assert curve.area == pytest.approx((one / 2 + two + three + four + five / 2) / 4)


def test_deletion_curve_area_is_mean_height():
    assert DeletionCurve(np.full(7, 0.25)).area == pytest.approx(0.25)
    assert DeletionCurve(np.array([1.0, 0.0, 0.0])).area == pytest.approx(0.25)
    assert DeletionCurve(np.array([0.75])).area == 0.75


def test_deletion_curve_of_wrong_weights_is_larger(bow):
    right = explain(bow, TEXT, target="pos")
    negated = [Span(s.start, s.end, -s.weight) for s in right.spans]
    wrong = Attribution(TEXT, "pos", "wrong", tuple(negated), right.score)
    assert right.deletion_curve(bow).area < wrong.deletion_curve(bow).area - 0.2
