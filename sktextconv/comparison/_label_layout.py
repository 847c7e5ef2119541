"""Placement of the labels of points in a plot, without overlaps."""

import math

__all__ = ["nearest_on_box", "place_labels", "spread"]

_DISTANCES = (5, 12, 20, 30, 42, 56, 72, 90, 110, 135, 165, 200)
# Right, left, above and below come first.
_ANGLES = (0, 4, 2, 6, 1, 7, 3, 5, 0.5, 7.5, 3.5, 4.5, 1.5, 6.5, 2.5, 5.5)
_LEADER = 10  # distance from which a line connects a label with its point
_CROSSED_BAR, _CROSSED_LEADER = 15.0, 60.0
_INFINITE = math.inf


def place_labels(points, sizes, bounds, bars=(), radius=5.0):
    """Return the box of the label of each point; no two boxes overlap.

    Parameters
    ----------
    points : sequence of (float, float)
    sizes : sequence of (float, float)
        Widths and heights of the labels.
    bounds : (left, low, right, high)
        Box that holds all labels.
    bars : sequence of (left, low, right, high), default=()
        Boxes that labels avoid if they can, such as intervals.
    radius : float, default=5.0
        Radius of the markers of the points, which labels never cover.

    Returns
    -------
    boxes : list of (left, low, right, high) or None
        None if there is no room for the label.
    """
    markers = [(x - radius, y - radius, x + radius, y + radius) for x, y in points]
    placed, leaders = {}, []

    def cost(number, distance, box):
        if not _contains(bounds, box):
            return _INFINITE
        if any(_overlap(box, other) for other in (*placed.values(), *markers)):
            return _INFINITE
        found = distance + _CROSSED_BAR * sum(_overlap(box, bar) for bar in bars)
        found += _CROSSED_LEADER * sum(_crosses(line, box) for line in leaders)
        if distance >= _LEADER:
            line = (points[number], nearest_on_box(box, points[number]))
            others = [*placed.values(), *markers[:number], *markers[number + 1 :]]
            found += _CROSSED_LEADER * sum(_crosses(line, other) for other in others)
        return found

    for number in _by_crowding(points):
        best, least = None, _INFINITE
        for distance, box in _candidates(points[number], sizes[number], radius):
            if distance >= least:
                break
            found = cost(number, distance, box)
            if found < least:
                best, least = box, found
        if best is not None:
            placed[number] = best
            leaders.append((points[number], nearest_on_box(best, points[number])))
    return [placed.get(number) for number in range(len(points))]


def nearest_on_box(box, point):
    """Return the point of a box that is nearest to another point."""
    left, low, right, high = box
    return min(max(point[0], left), right), min(max(point[1], low), high)


def spread(values, gap, low, high):
    """Return values between two ends, moved so that they are at least `gap` apart.

    The order stays. If the values need more room than there is, the gap is smaller.
    """
    if not values:
        return []
    gap = min(gap, (high - low) / max(len(values) - 1, 1))
    order = sorted(range(len(values)), key=lambda each: values[each])
    moved = [min(max(values[number], low), high) for number in order]
    for at in range(1, len(moved)):
        moved[at] = max(moved[at], moved[at - 1] + gap)
    if moved[-1] > high:
        moved[-1] = high
        for at in range(len(moved) - 2, -1, -1):
            moved[at] = min(moved[at], moved[at + 1] - gap)
    found = dict(zip(order, moved, strict=True))
    return [found[number] for number in range(len(values))]


def _candidates(point, size, radius):
    """Yield distances and boxes around a point, the nearest first."""
    x, y = point
    width, height = size
    for distance in _DISTANCES:
        for preference, eighth in enumerate(_ANGLES):
            angle = eighth * math.pi / 4
            center_x = x + math.cos(angle) * (distance + radius + width / 2)
            center_y = y + math.sin(angle) * (distance + radius + height / 2)
            yield (
                distance + 0.3 * preference,
                (
                    center_x - width / 2,
                    center_y - height / 2,
                    center_x + width / 2,
                    center_y + height / 2,
                ),
            )


def _by_crowding(points):
    """Return the numbers of the points, those with the nearest neighbors first."""

    def nearest(number):
        others = [*points[:number], *points[number + 1 :]]
        return min((math.dist(points[number], other) for other in others), default=0)

    return sorted(range(len(points)), key=nearest)


def _contains(outer, inner):
    return (
        outer[0] <= inner[0]
        and outer[1] <= inner[1]
        and inner[2] <= outer[2]
        and inner[3] <= outer[3]
    )


def _overlap(one, other):
    return (
        one[0] < other[2]
        and other[0] < one[2]
        and one[1] < other[3]
        and other[1] < one[3]
    )


def _crosses(line, box):
    """Return whether a line from a point to another goes through a box."""
    (x0, y0), (x1, y1) = line
    enter, leave = 0.0, 1.0
    for start, end, low, high in ((x0, x1, box[0], box[2]), (y0, y1, box[1], box[3])):
        if start == end:
            if not low < start < high:
                return False
            continue
        first, last = sorted(
            ((low - start) / (end - start), (high - start) / (end - start))
        )
        enter, leave = max(enter, first), min(leave, last)
    return enter < leave
