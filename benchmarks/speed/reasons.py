"""Reasons why lines of the speed table miss their goals."""

__all__ = ["REASONS"]

_NO_MATRIX_UNITS = (
    "The goal is for processors with matrix units for bfloat16 (AMX), which this one "
    "lacks."
)

_SCIKIT_LEARN = (
    "The base class of the networks is scikit-learn's, and its import takes about as "
    "long as that of torch: it imports scipy.stats, and pandas where it is installed. "
    "A file exported to ONNX needs neither."
)

# By key of the line. A test requires a reason for each committed line that misses.
REASONS = {
    "start-network": _SCIKIT_LEARN,
    "start-memory": _SCIKIT_LEARN,
    "train-charcnn-bf16": _NO_MATRIX_UNITS,
    "predict-charcnn-bf16": _NO_MATRIX_UNITS,
    "train-gru": (
        "The recurrent layers alone, on texts sorted by length, are 2.0 times as fast "
        "as the whole reference and reach 60 % of the peak for matrix products; at the "
        "full peak they would be 3.3 times as fast. The work that can be avoided, "
        "mostly padding, is avoided."
    ),
    "train-lstm": (
        "The recurrent layers alone are 2.4 times as fast as the whole reference and "
        "reach 76 % of the peak for matrix products; at the full peak they would be "
        "3.2 times as fast."
    ),
    "growth-time": (
        "Time of the networks and of counting grows in proportion. The solver of BoW, "
        "n-grams and naive Bayes needs more products with the features on more texts: "
        "74, 137 and 422 for BoW on 1,000, 3,000 and 10,000 texts, because the penalty "
        "stays while the loss sums over more texts. On longer texts the n-grams have "
        "more features as well. TF-IDF takes 4.5 times as long for three times as many "
        "texts between 10,000 and 30,000, perhaps because its features outgrow the "
        "caches, and 3.4 times for 3.3 times as many above."
    ),
    "nb-reviews": (
        "Counting the n-grams, which is the same on both sides, takes two thirds of "
        "our time. The goal is the ratio of two times of other pipelines."
    ),
}
