"""Placement of labels in plots."""

import itertools

import numpy as np
import pytest

from sktextconv.comparison._label_layout import nearest_on_box, place_labels, spread


def overlap(one, other):
    return all(
        one[axis] < other[axis + 2] and other[axis] < one[axis + 2] for axis in (0, 1)
    )


@pytest.mark.parametrize("seed", range(20))
def test_labels_overlap_nothing(seed):
    """Labels are inside the bounds, apart from each other and from all points."""
    rng = np.random.RandomState(seed)
    points = [tuple(each) for each in rng.uniform(20, 300, (12, 2))]
    sizes = [(width, 12) for width in rng.uniform(20, 90, 12)]
    bounds = (0, 0, 340, 340)
    boxes = place_labels(points, sizes, bounds)
    placed = [box for box in boxes if box is not None]
    assert len(placed) == 12
    for one, other in itertools.combinations(placed, 2):
        assert not overlap(one, other)
    for box, size in zip(boxes, sizes, strict=True):
        assert box[2] - box[0] == pytest.approx(size[0])
        assert min(box[:2]) >= 0
        assert max(box[2:]) <= 340
        for x, y in points:
            assert not overlap(box, (x - 5, y - 5, x + 5, y + 5))


def test_label_of_lone_point_is_on_its_right():
    (box,) = place_labels([(50, 50)], [(30, 10)], (0, 0, 200, 100))
    assert box[0] > 50
    assert (box[1] + box[3]) / 2 == pytest.approx(50)


def test_label_without_room_is_left_out():
    boxes = place_labels([(5, 5), (6, 6)], [(300, 10), (10, 10)], (0, 0, 60, 60))
    assert boxes[0] is None
    assert boxes[1] is not None


def test_label_avoids_bars():
    (free,) = place_labels([(50, 50)], [(30, 10)], (0, 0, 200, 100))
    (box,) = place_labels([(50, 50)], [(30, 10)], (0, 0, 200, 100), [free])
    assert not overlap(box, free)


@pytest.mark.parametrize("seed", range(5))
def test_spread_values_are_apart_in_order(seed):
    values = np.random.RandomState(seed).uniform(0, 100, 8).tolist()
    moved = spread(values, 10, 0, 100)
    assert np.argsort(moved).tolist() == np.argsort(values).tolist()
    assert np.diff(np.sort(moved)).min() >= 10 - 1e-9
    assert 0 <= min(moved) <= max(moved) <= 100


def test_spread_fills_range_that_is_too_small():
    assert spread([5, 5, 5], 10, 0, 10) == [0, 5, 10]
    assert spread([], 10, 0, 10) == []
    assert spread([5], 10, 0, 10) == [5]


def test_nearest_point_of_box():
    assert nearest_on_box((0, 0, 10, 10), (20, 5)) == (10, 5)
    assert nearest_on_box((0, 0, 10, 10), (3, 4)) == (3, 4)
