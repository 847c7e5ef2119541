"""Plain implementations to compare with: same results, not optimized."""

import re
from collections import Counter

import numpy as np
import skorch
import torch
from skorch.callbacks import Callback
from torch import nn

from sktextconv.encoding import SENTENCE_END
from sktextconv.encoding._ragged import N_RESERVED, PAD, UNKNOWN
from sktextconv.networks._convolution import Convolution
from sktextconv.networks._sentence_layout import pad_sentences
from sktextconv.networks.charcnn import CharCNN
from sktextconv.networks.han import HAN
from sktextconv.networks.recurrent import CELLS

__all__ = [
    "OneHotTexts",
    "PackedRNN",
    "PaddedHAN",
    "PlainCharCNN",
    "encode_characters",
    "encode_words",
    "make_stock_net",
    "use_torch_convolutions",
    "use_torch_dropout",
]


def encode_characters(texts, characters, max_length):
    """Encode characters to ids with a dictionary, text by text."""
    ids = {character: row for row, character in enumerate(characters, 1)}
    return [
        np.array(
            [ids.get(character, PAD) for character in text.lower()[-max_length:][::-1]],
            dtype=np.uint8,
        )
        for text in texts
    ]


def encode_words(texts, pattern, max_tokens, max_length):
    """Encode words to ids with ``findall``, a Counter and a dictionary."""
    find = re.compile(pattern).findall
    counts = Counter()
    for text in texts:
        counts.update(find(text.lower()))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))[:max_tokens]
    ids = {word: rank for rank, word in enumerate(ranked, N_RESERVED)}
    return [
        np.array(
            [ids.get(word, UNKNOWN) for word in find(text.lower())[:max_length]],
            dtype=np.int64,
        )
        for text in texts
    ]


class OneHotTexts(torch.utils.data.Dataset):
    """Texts as one-hot matrices of characters, made on access."""

    def __init__(self, texts, y, characters, max_length):
        self.texts, self.y = texts, y
        self.ids = {character: row for row, character in enumerate(characters)}
        self.shape = len(characters), max_length

    def __len__(self):
        return len(self.texts)

    def __getitem__(self, index):
        one_hot = np.zeros(self.shape, dtype=np.float32)
        text = self.texts[index].lower()[-self.shape[1] :][::-1]
        for position, character in enumerate(text):
            row = self.ids.get(character)
            if row is not None:
                one_hot[row, position] = 1.0
        return one_hot, self.y[index]


class PlainCharCNN(nn.Module):
    """Network of Tables 1 and 2 of Zhang et al. (2015) over one-hot input."""

    def __init__(self, n_channels, n_classes, *, width=256, dense_width=1024):
        super().__init__()
        layers = []
        for kernel, pool in zip((7, 7, 3, 3, 3, 3), (3, 3, 0, 0, 0, 3), strict=True):
            layers += [nn.Conv1d(n_channels, width, kernel), nn.ReLU()]
            layers += [nn.MaxPool1d(pool)] if pool else []
            n_channels = width
        self.layers = nn.Sequential(
            *layers,
            nn.Flatten(),
            nn.Linear(width * 34, dense_width),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(dense_width, dense_width),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(dense_width, n_classes),
        )

    def forward(self, x):  # (batch, n_channels, 1014)
        return self.layers(x)

    @torch.no_grad()
    def take_weights_of(self, network: CharCNN):
        """Copy the weights of `network`, so that both return the same logits."""
        convolutions = [m for m in self.layers if isinstance(m, nn.Conv1d)]
        for ours, theirs in zip(convolutions, network.convolutions, strict=True):
            ours.weight.copy_(theirs.weight.squeeze(2))
            ours.bias.copy_(theirs.bias)
        dense = [m for m in self.layers if isinstance(m, nn.Linear)]
        of_network = [m for m in network.dense if isinstance(m, nn.Linear)]
        for ours, theirs in zip(dense, of_network, strict=True):
            ours.bias.copy_(theirs.bias)
            weight = theirs.weight
            if ours is dense[0]:  # there, frames come before channels
                weight = weight.unflatten(1, (network.n_frames, -1))
                weight = weight.transpose(1, 2).flatten(1)
            ours.weight.copy_(weight)


class PackedRNN(nn.Module):
    """Mean over steps of torch's bidirectional layer on packed sequences."""

    def __init__(self, n_tokens, n_classes, *, cell, embedding_dim=300, hidden_dim=128):
        super().__init__()
        self.embedding = nn.Embedding(n_tokens, embedding_dim, padding_idx=PAD)
        self.cell = CELLS[cell](
            embedding_dim, hidden_dim, batch_first=True, bidirectional=True
        )
        self.head = nn.Linear(2 * hidden_dim, n_classes)

    def forward(self, ids):  # (batch, length)
        lengths = (ids != PAD).sum(1)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.embedding(ids),
            lengths.clamp(min=1).cpu(),
            batch_first=True,
            enforce_sorted=False,
        )
        x, _ = nn.utils.rnn.pad_packed_sequence(self.cell(packed)[0], batch_first=True)
        return self.head(x.sum(1) / lengths[:, None].clamp(min=1))


class PaddedHAN(HAN):
    """Hierarchical network on documents padded to the largest of a minibatch."""

    def _split_sentences(self, ids, lengths):
        is_word = (ids != PAD) & (ids != SENTENCE_END)
        starts = is_word & ~nn.functional.pad(is_word, (1, 0))[:, :-1]
        number = starts.cumsum(1)
        position = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
        step = (position - (position * starts).cummax(1).values) * is_word
        return pad_sentences(
            ids,
            max_sentences=max(int(number.max()), 1),
            max_sentence_length=int(step.max()) + 1,
        )


def use_torch_dropout(network):
    """Replace each dropout layer of a network by torch's own; return the network."""
    for module in list(network.modules()):
        for name, layer in module.named_children():
            if isinstance(layer, nn.Dropout):
                setattr(module, name, nn.Dropout(layer.p))
    return network


def use_torch_convolutions(network):
    """Give convolutions torch's own gradients of the weights; return the network."""
    for layer in network.modules():
        if isinstance(layer, Convolution):
            layer.__class__ = nn.Conv2d
    return network


class DenseGradients(Callback):
    """Callback whose presence leaves the gradients of embeddings to torch."""

    def on_grad_computed(self, net, named_parameters, **kwargs):
        pass


def make_stock_net(network, *, learning_rate=1e-3, batch_size=128, device="cpu"):
    """Return skorch's classifier with its defaults and AdamW."""
    return skorch.NeuralNetClassifier(
        network,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        lr=learning_rate,
        batch_size=batch_size,
        max_epochs=1,
        train_split=None,
        verbose=0,
        device=device,
    ).initialize()
