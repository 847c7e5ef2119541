"""Recognition of texts of which a classifier knows no word."""

import re

import numpy as np

__all__ = ["describe_unknown_text"]

# A code point that is no character, so that no alphabet has it.
_NO_CHARACTER = "\U0010ffff"


def describe_unknown_text(estimator, attribution):
    """Return a sentence if a classifier knows no word of an explained text, or None.

    Parameters
    ----------
    estimator : fitted classifier
        Networks and files of ONNX have a vocabulary or an alphabet. Of others, only
        the weights are known, which are all 0 without a known word.
    attribution : Attribution
    """
    text, name = attribution.text, type(estimator).__name__
    if not text.strip():
        return None
    encoder = getattr(estimator, "encoder_", getattr(estimator, "_tokenizer", None))
    if encoder is not None:
        ids = np.asarray(encoder.encode([text])[0])
        if hasattr(encoder, "words"):
            is_known = (ids >= encoder.n_tokens - len(encoder.words)).any()
            where = "word of the text is in the vocabulary"
        elif hasattr(encoder, "alphabet"):
            other = encoder.encode([re.sub(r"\S", _NO_CHARACTER, text)])[0]
            is_known = not np.array_equal(ids, other)
            where = "character of the text is in the alphabet"
        else:  # an encoder of the user
            return None
        if is_known:
            return None
        return f"No {where} of {name}, so the weights tell nothing about its words."
    if attribution.method == "occlusion" and not attribution.weights.any():
        return (
            f"{name} gives the same score without each word: it may know none of them."
        )
    return None
