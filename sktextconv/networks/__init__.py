"""One file per paper: its torch module and its thin classifier."""

from .charcnn import CharCNN, CharCNNClassifier

__all__ = ["CharCNN", "CharCNNClassifier"]
