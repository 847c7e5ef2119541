"""Base class of the classifiers over characters."""

from typing import ClassVar, Literal

from ..base import BaseTextNetClassifier
from ..encoding._char_tokenizer import LEARNED, MAX_CHARACTERS
from ..utils._param_validation import Size, hyperparameters
from ._ngram_init import discriminative_ngrams

__all__ = ["BaseCharClassifier"]


@hyperparameters
class BaseCharClassifier(BaseTextNetClassifier):
    """Base class of the classifiers over characters.

    Parameters
    ----------
    alphabet : str, default=None
        Characters with a vector of their own: "auto" for the most frequent characters
        of the training texts, of any script; "bytes" for the bytes of UTF-8; "paper",
        "code", "unique", "space", "full" or "vdcnn" for letters of English, digits and
        marks (see `CharEncoder`); or a string of distinct characters. None takes "auto"
        with ``recipe="modern"`` and the alphabet of the paper with ``recipe="paper"``.
    max_characters : int, default=2_000
        Largest number of characters of the alphabet "auto". All others share a vector.
    lowercase : bool or "auto", default="auto"
        Whether texts are lower-cased. "auto" lower-cases them unless the alphabet has
        upper-case letters, as "full" and "bytes" have.
    {inherited_parameters}

    Attributes
    ----------
    encoder_ : CharEncoder
        Fitted encoder of texts to ids.
    {inherited_attributes}
    """

    _paper_alphabet: ClassVar = "paper"
    _derived_parameters: ClassVar = {
        # Departs from the papers: their alphabets have only letters of English.
        "alphabet": lambda self: (
            self._paper_alphabet if self.recipe == "paper" else LEARNED
        )
    }

    alphabet: str | None = None
    max_characters: Size = MAX_CHARACTERS
    lowercase: bool | Literal["auto"] = "auto"

    def _encoder_params(self):
        """Return the arguments of a `CharEncoder` that are the same for all classes."""
        return {
            "alphabet": self.alphabet,
            "max_characters": self.max_characters,
            "max_length": self.max_length,
            "lowercase": self.lowercase,
        }

    def _init_weights(self, network, encoder, examples, seed):
        if self.alphabet == LEARNED:
            # Training may meet no unknown character, whose weights would stay random.
            network.init_unknown()

    def _init_from_ngrams(self, network, encoder, examples, seed, *, n, n_ngrams):
        texts, targets, weights = examples
        ngrams = discriminative_ngrams(
            encoder._encode(texts),
            targets,
            weights,
            n_tokens=encoder.n_tokens,
            n=n,
            n_ngrams=n_ngrams,
            seed=seed,
        )
        if len(ngrams):
            network.init_from_ngrams(ngrams)
