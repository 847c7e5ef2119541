"""Labeled texts: CSV files, published data sets, installed docstrings."""

from ._csv import read_csv
from ._fetch import fetch_text_dataset, load_docstrings
from ._fields import join_fields
from ._store import TextStore

__all__ = [
    "TextStore",
    "fetch_text_dataset",
    "join_fields",
    "load_docstrings",
    "read_csv",
]
