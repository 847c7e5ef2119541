"""Validation of texts, labels and parameters; optional packages; atomic files."""
