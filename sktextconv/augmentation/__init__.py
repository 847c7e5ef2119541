"""Data augmentation of training texts."""

from ._synonyms import SynonymReplacer

__all__ = ["SynonymReplacer"]
