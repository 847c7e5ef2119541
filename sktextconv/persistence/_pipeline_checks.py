"""Checks of the fitted attributes of the steps of a saved pipeline."""

import math

import numpy as np

from ..encoding._ragged import N_RESERVED
from ..encoding._scripts import check_split_scripts
from ..encoding._tokenize import check_splitting
from ..encoding._vocabulary import check_vocabulary
from ._format import check_keys

__all__ = ["check_clusters", "check_ngrams", "check_numbers"]

# Limits for forged files: far beyond the values of any trained model.
_MAX_PATTERN = 10_000  # characters of a regular expression
_LIMITS = {  # of positive numbers
    "C_": (0.0, math.inf),
    "largest_": (1e-30, 1e30),
    "scale_": (1e-4, 1e4),
}


def check_numbers(state, n_features):
    """Check the numbers of a transformer or classifier."""
    for name in state.keys() & _LIMITS.keys():
        low, high = _LIMITS[name]
        if not low < state[name] < high:
            raise ValueError(
                f"Expected {name} above {low} and below {high}, got {state[name]}."
            )
    errors = state.get("cv_errors_", {})
    if {*map(type, errors), *map(type, errors.values())} - {float}:
        raise ValueError(f"Expected float as errors of cv_errors_, got {errors!r}.")


def check_ngrams(state, n_features):
    """Check the n-grams of an `NGramVectorizer`."""
    words, pairs = state["_words"], state["_pairs"]
    check_vocabulary(words)
    if not words or state["_n_short"] < 0:
        raise ValueError("Expected words, and no negative number of short n-grams.")
    splitting = state["_splitting"]
    if state["_of_characters"]:
        check_keys(splitting, {"lowercase": bool})
        if {*map(len, words)} != {1} or words != sorted(words):
            raise ValueError("Expected characters in ascending order as words.")
    else:
        pattern = splitting.get("token_pattern")
        expected = {"lowercase": bool, "tokenizer": type(None)}
        check_keys(splitting, expected | {"token_pattern": type(pattern)})
        if pattern is not None and len(pattern) > _MAX_PATTERN:
            raise ValueError(
                f"Expected a token_pattern of at most {_MAX_PATTERN} characters."
            )
        check_splitting(pattern, None)
    # An n-gram follows the one that its first words make.
    prefixes = pairs // len(words)
    is_known = (prefixes >= 0) & (prefixes < len(words) + np.arange(len(pairs)))
    if not (is_known.all() and (np.diff(pairs) > 0).all()):
        raise ValueError(
            "Expected n-grams in ascending order, after their first words."
        )


def check_clusters(state, n_features):
    """Check the clusters of words of a `BagOfMeansVectorizer`."""
    check_vocabulary(state["_words"])
    check_split_scripts(state["_split_scripts"])
    reserved, columns = np.split(state["_columns"], [N_RESERVED])
    if not (reserved == -1).all():
        raise ValueError("Expected no cluster for reserved ids.")
    if not np.array_equal(np.unique(columns), np.arange(n_features)):
        raise ValueError(f"Expected words in each of {n_features} clusters.")
