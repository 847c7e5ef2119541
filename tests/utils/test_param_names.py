"""Suggestions for unknown names of parameters, in Python."""

import inspect
import pickle

import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV

from sktextconv import (
    CharCNNClassifier,
    NGramVectorizer,
    RNNClassifier,
    VDCNNClassifier,
)
from sktextconv.encoding import WordEncoder
from sktextconv.utils import _param_names
from sktextconv.utils._param_validation import hyperparameters

from ..classifiers import NETWORKS

SUGGESTIONS = [
    (CharCNNClassifier, "max_epoch", "max_epochs"),
    (CharCNNClassifier, "epochs", "max_epochs"),
    (CharCNNClassifier, "n_epochs", "max_epochs"),
    (CharCNNClassifier, "max_iter", "max_epochs"),
    (CharCNNClassifier, "lr", "learning_rate"),
    (CharCNNClassifier, "learningRate", "learning_rate"),
    (CharCNNClassifier, "batchsize", "batch_size"),
    (CharCNNClassifier, "dropout_rate", "dropout"),
    (CharCNNClassifier, "seed", "random_state"),
    (CharCNNClassifier, "patience", "n_iter_no_change"),
    (CharCNNClassifier, "gpu", "device"),
    (CharCNNClassifier, "maxlen", "max_length"),
    (VDCNNClassifier, "num_layers", "depth"),
    (RNNClassifier, "num_layers", "n_layers"),
    (RNNClassifier, "vocab_size", "max_tokens"),
    (RNNClassifier, "max_features", "max_tokens"),
    (RNNClassifier, "hidden_size", "hidden_dim"),
    (WordEncoder, "vocab_size", "max_tokens"),
    (NGramVectorizer, "vocab_size", "max_features"),
    (NGramVectorizer, "ngram_range", "max_n"),
]


@pytest.mark.parametrize(("cls", "name", "right"), SUGGESTIONS)
def test_unknown_parameter_suggests_name(cls, name, right):
    with pytest.raises(TypeError) as caught:
        cls(**{name: 3})
    assert str(caught.value) == (
        f"{cls.__name__}() got an unexpected keyword argument {name!r}; did you mean "
        f"{right!r}?"
    )


def test_unknown_parameter_lists_names():
    """Without a similar name, the error lists all."""
    names = ", ".join(inspect.signature(NGramVectorizer).parameters)
    with pytest.raises(TypeError) as caught:
        NGramVectorizer(xyz=3)
    assert str(caught.value) == (
        "NGramVectorizer() got an unexpected keyword argument 'xyz'; valid names: "
        f"{names}."
    )


def test_set_params_suggests_name():
    """`set_params` adds the name to scikit-learn's error, also in a search."""
    start = "Invalid parameter 'lr' for estimator RNNClassifier"
    with pytest.raises(ValueError, match="learning_rate") as caught:
        RNNClassifier().set_params(dropout=0.1, lr=0.1)
    assert str(caught.value).startswith(start)
    assert str(caught.value).endswith("]. Did you mean 'learning_rate'?")
    search = GridSearchCV(RNNClassifier(), {"lr": [0.1]}, cv=2)
    with pytest.raises(ValueError, match=r"Did you mean 'learning_rate'\?"):
        search.fit(["a", "b"] * 4, [0, 1] * 4)
    with pytest.raises(ValueError, match=r"Valid parameters are: \[.*\]\.$"):
        WordEncoder().set_params(xyz=1)


def test_no_parameter_is_another_name_of_another():
    """A name suggested for another class is not that of a parameter of the same one."""
    for network in NETWORKS.values():
        known = network.get_params()
        for right, others in _param_names._OTHER_NAMES.items():
            assert right not in known or known.keys().isdisjoint(others.split())


def test_subclass_has_own_parameters():
    """Subclasses, decorated or not, accept the parameters that they have."""

    @hyperparameters
    class Wider(RNNClassifier):
        n_heads: int = 1

    class Plain(Wider):
        pass

    assert Plain(n_heads=2, hidden_dim=3).get_params()["n_heads"] == 2
    with pytest.raises(TypeError, match=r"Plain\(\) got .* did you mean 'n_heads'\?"):
        Plain(n_head=2)


def test_estimators_in_scikit_learn_still_work():
    """Signature, `clone`, `get_params`, `repr` and pickles are as before."""
    for network in NETWORKS.values():
        cls = type(network)
        parameters = inspect.signature(cls).parameters
        assert list(parameters) == list(inspect.signature(cls.__init__).parameters)[1:]
        assert set(parameters) == set(cls._get_param_names())
        assert clone(network).get_params() == network.get_params()
        assert repr(pickle.loads(pickle.dumps(network))) == repr(network)
        assert isinstance(network, BaseEstimator)
