"""Comparison of two implementations: lines of the speed table."""

import statistics
from dataclasses import dataclass, field

__all__ = ["Line", "make_line"]


@dataclass
class Line:
    """Result of one comparison.

    Attributes
    ----------
    name : str
    ours : float
        Median, in `unit`.
    theirs : float or None
        Median, in `unit`; None if there is no other side.
    unit : str
    ratio : float or None
        Median over the rounds; above 1 means that ours is better, whatever the unit.
    target : float or None
        Goal: the lowest ratio.
    against : str
        Description of the other side.
    notes : dict
        Further numbers.
    limit : float or None, default=None
        Goal of a line without a target: the highest `ours`.
    clock : {"CPU", "wall"}, default="CPU"
        Clock of the times: "wall" for threads, servers and GPUs.
    """

    name: str
    ours: float
    theirs: float | None
    unit: str
    ratio: float | None
    target: float | None
    against: str
    notes: dict = field(default_factory=dict)
    limit: float | None = None
    clock: str = "CPU"


def make_line(name, measured, unit, target, against, scale=1.0, **notes):
    """Make a line from the rates of ours, theirs and possibly other variants.

    Parameters
    ----------
    name, unit, target, against
        Attributes of the line.
    measured : dict of str to list of float
        Amount per second in each round: first ours, then theirs. The ratios of other
        variants to theirs go to the notes.
    scale : float, default=1.0
        Factor from the amount to `unit`.
    **notes
        Further numbers.

    Returns
    -------
    line : Line
    """
    (_, ours), (_, theirs), *others = measured.items()
    notes |= {f"{other} ratio": _ratio(values, theirs) for other, values in others}
    return Line(
        name,
        statistics.median(ours) * scale,
        statistics.median(theirs) * scale,
        unit,
        _ratio(ours, theirs),
        target,
        against,
        notes,
    )


def _ratio(ours, theirs):
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
