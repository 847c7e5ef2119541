"""Rows of the error table: published errors, estimators, sizes."""

import pytest
import torch
from sklearn.pipeline import Pipeline

from benchmarks.accuracy.models import ROWS
from benchmarks.accuracy.published import PUBLISHED, PUBLISHED_SIZES
from sktextconv.base import BaseTextNetClassifier
from sktextconv.training._fit import make_template
from sktextconv.utils._param_validation import check_params


@pytest.mark.parametrize(
    ("dataset", "model", "error"),
    [
        ("ag_news", "Lg. Conv.", 12.82),
        ("amazon_polarity", "Lg. Conv. Th.", 4.93),
        ("sogou_news", "ngrams TFIDF", 2.81),
        ("yelp_full", "Sm. Full Conv. Th.", 37.95),
        ("yahoo_answers", "LSTM", 29.16),
        ("ag_news", "char-CRNN", 8.6),
        ("yelp_polarity", "DPCNN", 2.64),
    ],
)
def test_published_errors(dataset, model, error):
    assert PUBLISHED[dataset, model] == error


def test_published_rows_are_complete():
    """Every published row is a row of ours, and every data set has all of its rows."""
    zhang = {model for data, model in PUBLISHED if data == "amazon_full"}
    assert zhang <= {row.name for row in ROWS.values()}
    without_thesaurus = {model for model in zhang if "Th." not in model}
    assert {model for data, model in PUBLISHED if data == "sogou_news"} == (
        without_thesaurus
    )
    later = ("VDCNN", "fastText", "char-CRNN", "DPCNN")
    n_zhang = sum(not name.startswith(later) for name in zhang)
    assert (n_zhang, len(zhang)) == (22, 22 + 9 + 2 + 2)
    assert PUBLISHED_SIZES["ag_news"] == (120_000, 7_600)


@pytest.mark.parametrize("key", ROWS)
def test_row_makes_valid_new_estimator(key):
    estimator, other = ROWS[key].make(), ROWS[key].make()
    assert estimator is not other
    last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    if isinstance(last, BaseTextNetClassifier):
        check_params(last)
    without = {"dropout"} if key.startswith(("vdcnn", "fasttext-net")) else set()
    assert set(ROWS[key].grid) - without <= last.get_params().keys()
    assert (last.get_params().get("augmenter") is not None) == key.endswith("-th")


def test_row_parameter_counts():
    """Counts of the papers or their code, without word vectors, for two classes."""

    def size_of(model):
        classifier = make_template(ROWS[model].make())
        with torch.device("meta"):
            network = classifier._make_network(10_002, 2)
        return sum(
            weight.numel()
            for name, weight in network.named_parameters()
            if not name.startswith(("embedding", "tuned", "static"))
        )

    assert size_of("charcnn-small") > 0
    # One logit more than the single output of the Keras examples, and torch's second
    # vector of biases: 32 x 32 + 32 x 32 + 2 x 32, four times as many for an LSTM.
    assert size_of("keras-rnn") == 2_112 + 66
    assert size_of("keras-lstm") == 8_448 + 66
    assert size_of("keras-bilstm") == 99_328 + 258
    assert size_of("lstm") == 1_667_072 + 2 * 513
    assert size_of("kim-rand") == 360_902
    assert size_of("han-attention") == 141_802
    assert size_of("dpcnn") == 2_628_750 + 2 * 251
