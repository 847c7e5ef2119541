"""Groups of lines of the speed table."""

from . import cold_start, encoding, growth, latency, linear, loop, networks, search

__all__ = ["GROUPS", "LINES"]

# Each module has a table LINES: key of the line to a function ``measure(data)`` that
# returns a `Line`. `data` maps "short" and "long" to texts and labels, read on access.
GROUPS = {
    "encoding": encoding.LINES,
    "linear": linear.LINES,
    "networks": networks.LINES,
    "loop": loop.LINES,
    "search": search.LINES,
    "cold_start": cold_start.LINES,
    "latency": latency.LINES,
    "growth": growth.LINES,
}
LINES = {key: measure for lines in GROUPS.values() for key, measure in lines.items()}
