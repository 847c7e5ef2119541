"""Labeled texts: CSV files, published data sets, installed docstrings."""

from ..utils._lazy_import import lazy_imports

# Public names by module; `__init__.pyi` lists them for type checkers. They are imported
# on first use: the command line reads files without scikit-learn.
_HOMES = {
    "_csv": ("read_csv",),
    "_fetch": ("fetch_text_dataset", "load_docstrings"),
    "_fields": ("join_fields",),
    "_store": ("TextStore",),
}

__all__ = sorted(name for names in _HOMES.values() for name in names)
__getattr__, __dir__ = lazy_imports(__name__, _HOMES)
