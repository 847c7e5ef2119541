"""Files of `OnlineNGramClassifier`: continued training, columns and parameters."""

import pickle

import numpy as np
import pytest
import safetensors.numpy
from sklearn.base import clone

import sktextconv
from sktextconv.feature_extraction import HashedNGramVectorizer

from ..classifiers import ONLINE
from ..conftest import same_bits
from .model_files import TEXTS
from .test_pipelines import labels, round_trip

MODEL = ONLINE["tfidf-online"]
MORE = ["another fine film", "what a bore again", "odd, good and well made"]


def fit(n_classes):
    model = clone(MODEL).fit(TEXTS * 3, labels(n_classes))
    return model.partial_fit(TEXTS, labels(n_classes)[:4])


def arrays_of(model):
    """Return the arrays and numbers that a pickle holds of the texts so far."""
    sgd = vars(model._learner.sgd)
    derived = {"_loss_function_", "_expanded_class_weight"}  # made by each step again
    values = {key: value for key, value in sgd.items() if key not in derived}
    return values | {
        key: value
        for key, value in vars(model._learner).items()
        if key not in ("sgd", "_vectorizer")
    }


@pytest.mark.parametrize("n_classes", [2, 3])
def test_training_continues_with_same_bits(n_classes, path):
    """A loaded model has the arrays of the saved one, and learns as it does."""
    model = fit(n_classes)
    before = pickle.dumps(model)
    loaded = round_trip(model, path)
    assert pickle.dumps(model) == before
    assert loaded.get_params() == model.get_params()
    for _ in range(3):
        expected, found = arrays_of(model), arrays_of(loaded)
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            assert type(found[name]) is type(value), name
            np.testing.assert_array_equal(found[name], value, strict=True)
        assert same_bits(loaded, model, [*TEXTS, *MORE])
        assert loaded.n_iter_ == model.n_iter_
        for each in (model, loaded):
            each.partial_fit(MORE, labels(n_classes)[:3])
        loaded = round_trip(loaded, path)


def test_file_has_the_columns_of_texts_only(path):
    """The size of the file depends on the n-grams of the texts, not on `n_features`."""
    sizes, counts = [], HashedNGramVectorizer().transform(TEXTS)
    for n_features in (2**20, 2**21):
        model = clone(MODEL).set_params(n_features=n_features)
        sktextconv.save(model.fit(TEXTS, labels(2)[:4]), path)
        sizes.append(path.stat().st_size)
    tensors = safetensors.numpy.load_file(path)
    assert len(tensors["columns"]) == len(np.unique(counts.indices))
    assert abs(sizes[1] - sizes[0]) < 100
    assert sizes[1] < 10_000


def test_file_of_texts_without_words(path):
    model = clone(MODEL).fit(["", " "], ["a", "b"])
    assert same_bits(round_trip(model, path), model, ["", "so"])


def test_parameters_of_features_are_those_of_fit(path):
    """`partial_fit` goes on with them, whatever was set since, and so does a file."""
    model = fit(2)
    other = {"learning_rate": 0.1, "alpha": 0.1, "max_epochs": 9}
    model.set_params(n_features=9, max_n=1, **other)
    loaded = round_trip(model, path)
    assert loaded.get_params() == MODEL.get_params() | other
    for each in (model, loaded):
        each.partial_fit(MORE, labels(2)[:3])
    assert same_bits(loaded, model, MORE)
