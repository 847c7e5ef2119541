"""Report of a comparison: page, Markdown, JSON and pictures."""

import importlib.util

from ..utils._files import atomic_write
from ._markdown import to_markdown
from ._page import to_html

__all__ = ["to_html", "to_markdown", "write"]


def write(comparison, folder):
    """Write all files of the report to a folder, which is created."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (
        ("report.html", to_html(comparison)),
        ("report.md", to_markdown(comparison)),
        ("report.json", comparison.to_json()),
    ):
        with atomic_write(folder / name) as file:
            # A lone surrogate of a label becomes an escape of JSON.
            file.write(text.encode("utf-8", "backslashreplace"))
    if importlib.util.find_spec("matplotlib") is not None:
        from ._display import write_pictures

        write_pictures(comparison, folder)
