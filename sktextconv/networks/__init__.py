"""One file per paper: its torch module and its thin classifier."""

from .charcnn import CharCNN, CharCNNClassifier
from .han import HAN, DocumentAttention, HANClassifier, SentenceAttention, WordAttention
from .kimcnn import KimCNN, KimCNNClassifier
from .rnn import RNN, RNNClassifier
from .vdcnn import VDCNN, VDCNNClassifier
from .wordcnn import WordCNN, WordCNNClassifier

__all__ = [
    "HAN",
    "RNN",
    "VDCNN",
    "CharCNN",
    "CharCNNClassifier",
    "DocumentAttention",
    "HANClassifier",
    "KimCNN",
    "KimCNNClassifier",
    "RNNClassifier",
    "SentenceAttention",
    "VDCNNClassifier",
    "WordAttention",
    "WordCNN",
    "WordCNNClassifier",
]
