"""Joining of several columns into one text."""

from collections.abc import Sequence
from typing import Literal

__all__ = ["FIELD_ORDERS", "join_fields"]

FIELD_ORDERS = ("forward", "reverse")


def join_fields(
    *fields: Sequence[str], order: Literal["forward", "reverse"] = "forward"
) -> list[str]:
    """Join the fields of each text with one space between them.

    Parameters
    ----------
    *fields : sequences of str, each of length n_samples
        One sequence per field, in the order of the file's columns.
    order : {"forward", "reverse"}, default="forward"
        Whether to join from the first field to the last, or from the last to the
        first as Zhang, Zhao and LeCun (2015) do: their network reads backwards, title
        first.

    Returns
    -------
    texts : list of str, of length n_samples

    Raises
    ------
    ValueError
        If `order` is unknown or the fields differ in length.

    Examples
    --------
    >>> join_fields(["Ab"], ["x-1"], order="reverse")
    ['x-1 Ab']
    """
    if order not in FIELD_ORDERS:
        raise ValueError(f"Expected order to be one of {FIELD_ORDERS}, got {order!r}.")
    if order == "reverse":
        fields = fields[::-1]
    return list(map(" ".join, zip(*fields, strict=True)))
