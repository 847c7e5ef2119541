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

_OTHER_CODE = (
    "Running the network pushes our own code out of the caches: where the logits are "
    "looked up instead, the same calls take 0.1 to 0.3 ms, as the notes say."
)

_COUNTING = (
    "Counting the pairs of words alone, which Vowpal Wabbit avoids by hashing them in "
    "the same pass that trains, takes longer than all of its training; its weights "
    "share places and have no probabilities."
)

# By key of the line. A test requires a reason for each committed line that misses.
REASONS = {
    "start-network": _SCIKIT_LEARN,
    "start-memory": _SCIKIT_LEARN,
    "start-linear": (
        "Nearly all of it is the import of scikit-learn, which imports scipy.stats, "
        "and pandas where it is installed."
    ),
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
        "Time of the networks, of BoW and of n-grams grows in proportion to the texts. "
        "That of naive Bayes and TF-IDF grows faster, by 1.3 and 1.2, most between "
        "10,000 and 30,000 texts, perhaps because their features outgrow the caches. "
        "BoW grows by 1.2 with the classes, perhaps because they take more steps."
    ),
    "step-kimcnn": (
        "The update of all word vectors, which both sides do, limits the gain."
    ),
    "latency-charcnn": _OTHER_CODE,
    "latency-vdcnn": _OTHER_CODE,
    "latency-wordcnn": _OTHER_CODE,
    "latency-han": _OTHER_CODE,
    "wabbit-news": _COUNTING,
    "wabbit-reviews": _COUNTING,
    "nb-reviews": (
        "Counting the n-grams, which is the same on both sides, takes most of our "
        "time, as the notes of the line say."
    ),
}
