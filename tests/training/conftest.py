"""Small dataset on the CPU, for the tests of training."""

import numpy as np
import torch

from sktextconv.encoding import CharEncoder
from sktextconv.training._data import EncodedDataset

CPU = torch.device("cpu")


def dataset_of(texts, targets, weights=None):
    """Return a dataset of texts, encoded by their characters."""
    weights = np.ones(len(targets)) if weights is None else weights
    ragged = CharEncoder(reverse=False).encode(texts)
    return EncodedDataset(ragged, CPU, targets=np.array(targets), weights=weights)
