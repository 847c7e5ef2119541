"""Base classes of the classifiers over words."""

from collections.abc import Callable
from typing import ClassVar, Literal

from ..base import BaseTextNetClassifier
from ..encoding._word import WordEncoder
from ..encoding._word_vectors import vector_size, word_vectors
from ..utils._param_validation import Count, Fraction, Size, hyperparameters

__all__ = ["BaseEmbeddingClassifier", "BaseSequenceClassifier", "BaseWordClassifier"]


@hyperparameters
class BaseWordClassifier(BaseTextNetClassifier):
    """Base class of the classifiers over words.

    Parameters
    ----------
    max_tokens : int, default=50_000
        Words of the vocabulary, the most frequent of the training texts.
    min_count : int, default=1
        Occurrences in the training texts below which a word is unknown.
    lowercase : bool, default=True
        Whether texts are lower-cased.
    tokenizer : callable or "keras", default=None
        Function from a text to the list of its words; None and "keras" find words as
        those of `WordEncoder` do. Networks with a function cannot be saved with `save`,
        but with pickle.
    {inherited_parameters}

    Attributes
    ----------
    {inherited_attributes}
    """

    max_tokens: Count = 50_000
    min_count: Count = 1
    lowercase: bool = True
    tokenizer: Callable | Literal["keras"] | None = None

    def _for_modern(self, value, default):
        """Return `value`; if None, `default` for the recipe "modern", else 0."""
        if value is None:
            return default if self.recipe == "modern" else 0.0
        return value


@hyperparameters
class BaseEmbeddingClassifier(BaseWordClassifier):
    """Base class of the classifiers with a `WordEmbedding`.

    Parameters
    ----------
    embedding_dim : int, default=None
        Size of the word vectors. None takes that of `vectors`, or 300 if there are none
        or "word2vec" trains them.
    vectors : str, path, mapping or KeyedVectors, default=None
        Initial word vectors: "word2vec" trains them on the training texts with gensim;
        a path names a file in the format of word2vec (text or binary) or GloVe; a
        mapping or gensim's `KeyedVectors` maps words to vectors. Other words, and with
        None all words, are initialized at random.
    tuning : {"fine-tuned", "static"}, default="fine-tuned"
        Whether word vectors are trained or frozen.
    embedding_dropout : float, default=None
        Dropout probability of each dimension of each word vector. None takes 0.2 for
        the recipe "modern" and 0 for all others.
    {inherited_parameters}

    Attributes
    ----------
    {inherited_attributes}
    """

    _embedding_dim: ClassVar = 300  # if neither a parameter nor `vectors` tell it
    _derived_parameters: ClassVar = {
        "embedding_dim": lambda self: vector_size(self.vectors) or self._embedding_dim
    }

    embedding_dim: Size | None = None
    # Departs from the papers: pretrained vectors are theirs; "word2vec" trains vectors
    # on the training texts.
    vectors: object | None = None
    tuning: Literal["fine-tuned", "static"] = "fine-tuned"
    embedding_dropout: Fraction | None = None

    def _embedding_params(self):
        """Return the arguments of a network that determine its embedding."""
        return {
            "embedding_dim": int(self.embedding_dim),
            "static": self.tuning == "static",
            "embedding_dropout": self._for_modern(self.embedding_dropout, 0.2),
        }

    def _init_weights(self, network, encoder, examples, seed):
        # Checked here and not with the encoder, because the `vectors` of a loaded model
        # may no longer exist.
        if self.vectors is None and self.tuning != "fine-tuned":
            raise ValueError(
                f"tuning={self.tuning!r} freezes word vectors, and vectors=None "
                "initializes them at random. Pass vectors to "
                f"{type(self).__name__}, such as vectors='word2vec', or set "
                "tuning='fine-tuned'."
            )
        if self.vectors is not None:
            vectors = word_vectors(
                self.vectors, encoder, examples[0], dim=self.embedding_dim, seed=seed
            )
            network.embedding.load(vectors)


@hyperparameters
class BaseSequenceClassifier(BaseWordClassifier):
    """Base class of the classifiers that read a text as one sequence of words.

    Parameters
    ----------
    max_length : int, default=400
        Maximal number of words read of a text.
    keep : {"start", "end"}, default="start"
        Whether the start or the end of a text longer than `max_length` is read.
    {inherited_parameters}

    Attributes
    ----------
    encoder_ : WordEncoder
        Fitted encoder of texts to ids.
    {inherited_attributes}
    """

    # Departs from the papers: they do not say how many or which words are read.
    max_length: Count = 400
    keep: Literal["start", "end"] = "start"

    def _make_encoder(self):
        return WordEncoder(
            max_tokens=self.max_tokens,
            min_count=self.min_count,
            max_length=self.max_length,
            keep=self.keep,
            lowercase=self.lowercase,
            tokenizer=self.tokenizer,
        )
