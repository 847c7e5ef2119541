from ._csv import read_csv as read_csv
from ._fetch import (
    fetch_text_dataset as fetch_text_dataset,
    load_docstrings as load_docstrings,
)
from ._fields import join_fields as join_fields
from ._store import TextStore as TextStore
