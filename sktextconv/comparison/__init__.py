"""Comparison of classifiers on the same texts."""

from ..utils._lazy_import import lazy_imports

# Public names by module; `__init__.pyi` lists them for type checkers.
_HOMES = {
    "_cell": ("Cell",),
    "_compare": ("compare",),
    "_comparison": ("Comparison",),
    "_display": ("ComparisonDisplay",),
    "_results": ("Curve", "Left", "Result", "TextErrors"),
    "_statistics": ("Difference", "Estimate"),
}

__all__ = sorted(name for names in _HOMES.values() for name in names)
__getattr__, __dir__ = lazy_imports(__name__, _HOMES)
