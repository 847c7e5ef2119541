"""Networks: one file per paper, with its torch module and its classifier."""

from .charcnn import CharCNN as CharCNN, CharCNNClassifier as CharCNNClassifier
from .charcrnn import (
    CharCRNN as CharCRNN,
    CharCRNNClassifier as CharCRNNClassifier,
)
from .dpcnn import DPCNN as DPCNN, DPCNNClassifier as DPCNNClassifier
from .fasttext import (
    FastText as FastText,
    FastTextClassifier as FastTextClassifier,
)
from .han import (
    HAN as HAN,
    DocumentAttention as DocumentAttention,
    HANClassifier as HANClassifier,
    SentenceAttention as SentenceAttention,
    WordAttention as WordAttention,
)
from .kimcnn import KimCNN as KimCNN, KimCNNClassifier as KimCNNClassifier
from .rnn import RNN as RNN, RNNClassifier as RNNClassifier
from .vdcnn import VDCNN as VDCNN, VDCNNClassifier as VDCNNClassifier
from .wordcnn import WordCNN as WordCNN, WordCNNClassifier as WordCNNClassifier
