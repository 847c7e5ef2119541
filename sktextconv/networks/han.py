"""Hierarchical attention network (Yang et al., 2016)."""

from collections.abc import Callable, Collection
from typing import ClassVar, Literal

import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn import functional as F

from ..encoding._document import DocumentEncoder
from ..encoding._ragged import PAD
from ..schedules import one_cycle
from ..training._data import EncodedDataset
from ..training._recipe import Recipe
from ..training._torch_defaults import torch_defaults
from ..utils._param_validation import Count, Fraction, Size, hyperparameters
from ..utils.validation import check_texts
from ._document_attention import (
    DocumentAttention,
    SentenceAttention,
    WordAttention,
    make_document_attention,
)
from ._dropout import Dropout
from ._sentence_layout import bucket_sentences, pad_sentences
from ._word_classifier import BaseEmbeddingClassifier
from .embedding import WordEmbedding
from .recurrent import Recurrent, pool_steps, sequence_mask

__all__ = [
    "HAN",
    "DocumentAttention",
    "HANClassifier",
    "SentenceAttention",
    "WordAttention",
]


class Attention(nn.Module):
    """Attention pooling over the steps of a sequence (section 2.2).

    ``u_t = tanh(W h_t + b)``, ``alpha_t = exp(u_t . u) / sum_s exp(u_s . u)`` and
    ``pooled = sum_t alpha_t h_t``, where ``u`` is a learned context vector: equations
    (5) to (7) for words, (8) to (10) for sentences.

    Parameters
    ----------
    dim : int
        Size of ``h_t``, ``u_t`` and ``u``.
    """

    def __init__(self, dim):
        super().__init__()
        self.hidden = nn.Linear(dim, dim)
        self.context = nn.Linear(dim, 1, bias=False)

    def forward(self, outputs, lengths):  # (n, length, dim), (n,)
        mask = sequence_mask(lengths, outputs.shape[1])
        scores = self.context(self.hidden(outputs).tanh()).squeeze(2)
        scores = scores.to(self.context.weight.dtype)  # bfloat16 would not sum to 1
        # Minus infinity would give NaN for an empty sequence, whose steps are all
        # masked. The finite minimum gives weights that the mask sets to zero.
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        weights = scores.softmax(1) * mask  # (n, length)
        pooled = (weights.to(outputs.dtype)[:, None] @ outputs).squeeze(1)
        return pooled, weights  # (n, dim)


class HAN(nn.Module):
    """Hierarchical network: words to sentence vectors to a document vector.

    Parameters
    ----------
    n_tokens : int
        Number of ids, including `PAD` and `SENTENCE_END`.
    n_classes : int
    embedding_dim : int, default=200
    hidden_dim : int, default=50
        Outputs of the recurrent layers per direction.
    pooling : {"attention", "mean", "max"}, default="attention"
        HN-ATT, HN-AVE and HN-MAX of the paper.
    max_sentences : int, default=60
        Sentences per document that an exported network reads.
    max_sentence_length : int, default=100
        Words per sentence that an exported network reads.
    static : bool, default=False
        Whether the word vectors are frozen.
    embedding_dropout : float, default=0.0
        Dropout probability of each dimension of each word vector.
    sentence_dropout : float, default=0.0
        Dropout probability of each dimension of each sentence vector.
    dropout : float, default=0.0
        Dropout probability of the document vector.

    Notes
    -----
    A sentence is a run of words, separated from others by ids of `SENTENCE_END` and
    `PAD`. Only existing sentences are computed, in buckets of similar length if there
    are many, so that neither a long sentence nor a document with many sentences adds
    padding to the others. The vector of a document without sentences is zero.
    """

    export_inputs = ("words", "sentences")  # inputs of the ONNX graph instead of "ids"

    def __init__(
        self,
        n_tokens: int,
        n_classes: int,
        *,
        embedding_dim: int = 200,
        hidden_dim: int = 50,
        pooling: Literal["attention", "mean", "max"] = "attention",
        max_sentences: int = 60,
        max_sentence_length: int = 100,
        static: bool = False,
        embedding_dropout: float = 0.0,
        sentence_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.pooling = pooling
        self.max_sentences = max_sentences
        self.max_sentence_length = max_sentence_length
        dim = 2 * hidden_dim
        self.embedding = WordEmbedding(n_tokens, embedding_dim, static=static)
        self.embedding_dropout = Dropout(embedding_dropout)
        self.words = Recurrent("gru", embedding_dim, hidden_dim, bidirectional=True)
        self.sentences = Recurrent("gru", dim, hidden_dim, bidirectional=True)
        if pooling == "attention":
            self.attentions = nn.ModuleDict(
                {level: Attention(dim) for level in ("words", "sentences")}
            )
        self.sentence_dropout = Dropout(sentence_dropout)
        self.dropout = Dropout(dropout)
        self.head = nn.Linear(dim, n_classes)

    def forward(
        self, ids: torch.Tensor, lengths: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the logits of documents.

        Parameters
        ----------
        ids : tensor of int64 of shape (batch, length)
        lengths : tensor of int64 of shape (batch, n_sentences), default=None
            Number of words of each sentence, on the CPU; 0 after the last sentence. The
            sentences must start at the first id and be followed by one `SENTENCE_END`
            each. None finds the sentences, which blocks the CPU if `ids` are on another
            device.

        Returns
        -------
        logits : tensor of shape (batch, n_classes)
        """
        buckets, *layout = self._split_sentences(ids, lengths)
        sentence_vectors, _ = self._encode_sentences(buckets)
        documents, _ = self._encode_documents(sentence_vectors, *layout)
        return self.head(self.dropout(documents))

    def attention(self, ids, lengths=None):
        """Return the attention weights of words and sentences.

        Parameters
        ----------
        ids : tensor of int64 of shape (batch, length)
        lengths : tensor of int64 of shape (batch, n_sentences), default=None
            As for `forward`.

        Returns
        -------
        words : tensor of shape (batch, n_sentences, sentence_length)
            The weights of the words of a sentence sum to 1; 0 after them. The shape is
            that of the document with most sentences and of the longest sentence.
        sentences : tensor of shape (batch, n_sentences)
            The weights of the sentences of a document sum to 1; 0 after them.

        Raises
        ------
        ValueError
            If `pooling` is not "attention".
        """
        if self.pooling != "attention":
            raise ValueError(
                "Attention weights require pooling='attention'. This network was made "
                f"with pooling={self.pooling!r}."
            )
        buckets, sentence_index, n_sentences = self._split_sentences(ids, lengths)
        sentence_vectors, weights = self._encode_sentences(buckets)
        _, sentences = self._encode_documents(
            sentence_vectors, sentence_index, n_sentences
        )
        weights = [self.head.weight.new_zeros(1, 1), *weights]
        longest = max(w.shape[1] for w in weights)
        weights = torch.cat([F.pad(w, (0, longest - w.shape[1])) for w in weights])
        return F.embedding(sentence_index, weights), sentences

    def _encode_sentences(self, buckets):
        """Return the sentence vectors, after a row of zeros, and the word weights.

        Row 0 is the vector of the sentences that a document does not have. Weights are
        a list of one tensor per bucket.
        """
        vectors, weights = [self.head.weight.new_zeros(1, self.head.in_features)], []
        for ids, lengths in buckets:  # (n, length), (n,)
            x = self.embedding_dropout(self.embedding(ids))
            n_words = (ids != PAD).sum(1)
            x = self.words(x, n_words if lengths is None else lengths)
            pooled, bucket_weights = self._pool("words", x, n_words)
            vectors.append(pooled)
            weights.append(bucket_weights)
        return torch.cat(vectors), weights  # (1 + n_sentences, dim)

    def _encode_documents(self, sentence_vectors, sentence_index, n_sentences=None):
        """Return the document vectors and the weights of their sentences."""
        vectors = self.sentence_dropout(sentence_vectors)
        x = F.embedding(sentence_index, vectors, padding_idx=0)
        lengths = (sentence_index > 0).sum(1)
        x = self.sentences(x, lengths if n_sentences is None else n_sentences)
        return self._pool("sentences", x, lengths)

    def _pool(self, level, outputs, lengths):
        if self.pooling == "attention":
            return self.attentions[level](outputs, lengths)
        return pool_steps(outputs, lengths, self.pooling), None

    def _split_sentences(self, ids, lengths):
        """Return the layout of sentences, see `bucket_sentences`."""
        if torch.compiler.is_compiling():  # the number of sentences depends on the data
            return pad_sentences(
                ids,
                max_sentences=self.max_sentences,
                max_sentence_length=self.max_sentence_length,
            )
        return bucket_sentences(ids, lengths)


@hyperparameters
class HANClassifier(BaseEmbeddingClassifier):
    """Text classifier with a hierarchical attention network.

    One recurrent network reads the words of each sentence, a second one the sentences
    of the text. Each pools its outputs with learned attention weights [1]_, which
    `attention` returns. Prefer it to networks that read a text as one sequence if texts
    are long and few sentences are decisive.

    Parameters
    ----------
    tokenizer : callable, default=None
        Function from a sentence to the list of its words. None finds words as
        `DocumentEncoder` does. Networks with a tokenizer cannot be saved with `save`,
        but with pickle.
    max_sentences : int, default=60
        Maximal number of sentences read of a text.
    max_sentence_length : int, default=100
        Maximal number of words read of a sentence.
    embedding_dim : int, default=None
        Size of the word vectors. None takes that of `vectors`, or 200 if there are none
        or "word2vec" trains them.
    hidden_dim : int, default=50
        Outputs of the recurrent layers per direction.
    pooling : {"attention", "mean", "max"}, default="attention"
        Pooling of words to sentence vectors and of sentences to the document vector:
        with attention weights, or by mean or maximum; HN-ATT, HN-AVE and HN-MAX of
        [1]_.
    sentence_dropout : float, default=0.0
        Dropout probability of each dimension of each sentence vector.
    dropout : float, default=None
        Dropout probability of the document vector. None takes 0 for the recipe "paper"
        and 0.2 for "modern".
    recipe : {"modern", "paper"}, default="modern"
        "modern": AdamW under a one-cycle schedule up to a rate of 0.002, with dropout.
        "paper": section 3.3 of [1]_, SGD with momentum 0.9 and a constant rate of 0.1,
        since [1]_ does not name the grid that it searches. Both have minibatches of 64
        texts, "modern" of fewer on few texts (`batch_size`).
    {inherited_parameters}

    Attributes
    ----------
    encoder_ : DocumentEncoder
        Fitted encoder of texts to ids.
    net_ : skorch.NeuralNet
        Trained skorch net; ``net_.module_`` is the `HAN`.
    {inherited_attributes}

    See Also
    --------
    CharCNNClassifier : Reads characters, for many texts with unreliable spelling.
    sktextconv.make_tfidf_classifier : Trains in seconds; to compare with.

    Notes
    -----
    A pass over n texts of S sentences of T words costs 3 n S (85,200 T + 55,200)
    multiply-accumulates; little padding is computed.

    The model and training of the paper are ``recipe="paper", vectors="word2vec"``, with
    a `learning_rate` searched on validation texts. Those of a widely used
    implementation [2]_ are the same with ``batch_size=128, max_sentences=20,
    max_sentence_length=50, embedding_dropout=0.45, sentence_dropout=0.45, dropout=0.45,
    learning_rate=1.1, schedule=functools.partial(cyclical, half_cycle=6)``, with
    `sktextconv.schedules.cyclical`, but for its Nesterov momentum, which is not
    offered, a decay of the rate by ``1 / (1 + 1e-5 * step)``, and unmasked padding.

    Departures from the paper: (1) "modern" differs in training, see `recipe`. (2)
    Sentences are split by Punkt and words by a pattern of Treebank conventions; the
    paper uses Stanford's CoreNLP. (3) The vocabulary and the numbers of sentences and
    words read of a text are limited; set the limits high for none. The vocabulary has
    the words that occur at least 5 times, in the paper more than 5 times. (4) The
    vector of an empty text is zero. (5) ``vectors=None`` initializes word vectors at
    random.

    References
    ----------
    .. [1] Z. Yang, D. Yang, C. Dyer, X. He, A. Smola and E. Hovy, "Hierarchical
       Attention Networks for Document Classification", NAACL 2016.
       https://aclanthology.org/N16-1174
    .. [2] A. Tixier, "Hierarchical Attention Networks for Document Classification",
       2018. https://github.com/Tixierae/deep_learning_NLP

    Examples
    --------
    >>> from sktextconv import HANClassifier
    >>> texts = ["What a film! So good.", "So long? A bore."] * 8
    >>> classifier = HANClassifier(
    ...     min_count=1, embedding_dim=32, max_epochs=12, batch_size=4, random_state=0
    ... )
    >>> classifier.fit(texts, ["pos", "neg"] * 8).predict(["So good.", "A bore."])
    array(['pos', 'neg'], dtype='<U3')
    >>> (attention,) = classifier.attention(["What a film! So good."])
    >>> [(sentence.start, sentence.end) for sentence in attention.sentences]
    [(0, 12), (13, 21)]
    """

    _embedding_dim: ClassVar = 200
    _recipes: ClassVar = {
        # Departs from the paper: it searches the learning rate on validation texts.
        "paper": Recipe(
            torch.optim.SGD,
            learning_rate=0.1,
            batch_size=64,
            options={"momentum": 0.9},
        ),
        # Departs from the paper: another optimizer and schedule, and dropout.
        "modern": Recipe(
            torch.optim.AdamW,
            learning_rate=2e-3,
            batch_size=64,
            min_batches=100,
            options={"betas": (0.9, 0.98), "weight_decay": 1e-2},
            schedule=one_cycle,
            clip_norm=1.0,
        ),
    }

    bucketing: bool = True
    # Departs from the paper: it keeps words seen more than 5 times.
    min_count: Count = 5
    tokenizer: Callable | None = None
    max_sentences: Count = 60
    max_sentence_length: Count = 100
    hidden_dim: Size = 50
    pooling: Literal["attention", "mean", "max"] = "attention"
    sentence_dropout: Fraction = 0.0
    dropout: Fraction | None = None

    def _make_encoder(self):
        # Departs from the paper: it splits texts with Stanford's CoreNLP and has no
        # limits.
        return DocumentEncoder(
            max_tokens=self.max_tokens,
            min_count=self.min_count,
            max_sentences=self.max_sentences,
            max_sentence_length=self.max_sentence_length,
            lowercase=self.lowercase,
            tokenizer=self.tokenizer,
        )

    def _make_network(self, n_tokens, n_classes):
        return HAN(
            n_tokens,
            n_classes,
            **self._embedding_params(),
            hidden_dim=int(self.hidden_dim),
            pooling=self.pooling,
            max_sentences=int(self.max_sentences),
            max_sentence_length=int(self.max_sentence_length),
            sentence_dropout=self.sentence_dropout,
            dropout=self._for_modern(self.dropout, 0.2),
        )

    def attention(self, X: Collection[str]) -> list[DocumentAttention]:
        """Return the attention weights of the sentences and words of texts.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            Texts.

        Returns
        -------
        attentions : list of DocumentAttention, of length n_samples
            Sentences and words with their weights and offsets. Those beyond
            `max_sentences` and `max_sentence_length` are not read and left out.

        Raises
        ------
        ValueError
            If the network was fitted with another `pooling` than "attention".
        """
        check_is_fitted(self)
        texts = check_texts(X, required_by=type(self).__name__)
        network = self.net_.module_.eval()
        ids = self.encoder_._encode(texts)
        attentions = []
        with torch_defaults(self.n_jobs), torch.inference_mode():
            encoded = EncodedDataset(ids, self.net_.device)
            for rows in torch.arange(len(texts)).split(self._batch_size()):
                weights = network.attention(encoded.ids(rows), encoded.lengths(rows))
                words, sentences = (w.double().cpu().tolist() for w in weights)
                attentions += [
                    make_document_attention(self.encoder_.spans(texts[row]), *pair)
                    for row, *pair in zip(rows, words, sentences, strict=True)
                ]
        return attentions
