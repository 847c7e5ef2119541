"""Sphinx settings: no asset is fetched when building or reading."""

import sktextconv

project = "sktextconv"
author = "The sktextconv developers"
copyright = "2026, the sktextconv developers"
version = release = sktextconv.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
templates_path = ["templates"]
exclude_patterns = ["_build"]
nitpicky = False
autosummary_generate = True
numpydoc_show_class_members = False
autodoc_default_options = {"members": False}

html_theme = "pydata_sphinx_theme"
html_title = "sktextconv"
html_theme_options = {"show_prev_next": False, "navigation_with_keys": False}
html_show_sourcelink = False
