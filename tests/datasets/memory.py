"""Measurement of allocated memory."""

import tracemalloc

__all__ = ["LONG_TEXT", "peak_of"]

LONG_TEXT = "a long text of few words, again and again " * 50


def peak_of(function):
    """Return the peak of the bytes that Python and NumPy allocate in a call."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        function()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
