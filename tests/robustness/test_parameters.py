"""Any parameter value: it works, or one clear sentence names the parameter."""

import decimal
import fractions
import inspect
import math
import os
import traceback
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import sklearn
import torch
from hypothesis import HealthCheck, assume, given, settings, strategies as st
from sklearn.base import BaseEstimator, clone

import sktextconv
from sktextconv import NGramVectorizer, OnlineNGramClassifier, SynonymReplacer
from sktextconv.feature_extraction import (
    BagOfMeansVectorizer,
    CountScaler,
    HashedNGramVectorizer,
    LogCountRatio,
)
from sktextconv.linear_model import (
    LogisticRegression,
    NaiveBayesSVC,
    ProbabilisticLinearSVC,
)
from sktextconv.utils._param_validation import python_values

from ..augmentation.conftest import wordnet
from ..classifiers import NETWORKS
from ..conftest import attempt

__all__ = ["wordnet"]  # a fixture

TEXTS = ["good fine abc", "xxzz yyqq abc", "good fine def", "xxzz yyqq def"] * 2
LABELS = ["pos", "neg"] * 4
COUNTS = scipy.sparse.csr_matrix(np.eye(8, 5, dtype=np.float32))

ESTIMATORS = {
    **{name: clone(each).set_params(max_epochs=1) for name, each in NETWORKS.items()},
    "ngrams": NGramVectorizer(),
    "hashed": HashedNGramVectorizer(),
    "online": OnlineNGramClassifier(random_state=0),
    "means": BagOfMeansVectorizer(n_means=4, embedding_dim=8, min_count=1),
    "synonyms": SynonymReplacer(),
    "scaler": CountScaler(),
    "ratio": LogCountRatio(),
    "regression": LogisticRegression(),
    "svc": ProbabilisticLinearSVC(),
    "bayes": NaiveBayesSVC(),
}
LINEAR = (LogisticRegression, NaiveBayesSVC, ProbabilisticLinearSVC)


class Name(str):
    """Subclass of str."""


class Number(int):
    """Subclass of int whose default is 0."""


def invalid_schedule(optimizer, *, steps_per_epoch, n_epochs):
    return 3  # not a scheduler


# Small numbers, since larger valid ones would take long to train.
NUMBERS = st.integers(-3, 9) | st.floats() | st.floats(0, 1) | st.builds(Number)
HUGE = st.sampled_from([10**7, 2**31, 2**63, 2**64, 10**30, 10**400])
NUMPY = st.one_of(
    st.builds(
        lambda kind, value: kind(value),
        st.sampled_from([np.int8, np.uint8, np.int64, np.float16, np.float64]),
        st.integers(0, 9),
    ),
    st.sampled_from([np.float32(0.5), np.float64("nan"), np.True_, np.str_("max")]),
    st.sampled_from([np.uint64(2**64 - 1), np.datetime64("2020"), np.array(3)]),
    st.sampled_from([np.array([3, 4]), np.array([]), np.longdouble(0.5)]),
)
STRINGS = st.one_of(
    st.text(st.characters(exclude_categories=[]), max_size=4),
    st.sampled_from(
        ["", "\0", "\ud800", "a\0b", "/", ".", "no/such/folder", "a" * 999]
    ),
    st.sampled_from(["(", "[", "*", "(a)(b)", "a{99999999999}", "(" * 999, "\\"]),
    st.sampled_from(["meta", "hpu", "cuda:99", "cpu:7", "auto", "eager", "adam"]),
    st.builds(Name, st.sampled_from(["max", "x"])),
    st.builds(Path, st.sampled_from(["no/such/folder", "/", "a" * 999])),
    st.binary(max_size=3),
)
OTHERS = st.sampled_from(
    [
        *(None, True, False, 1j, object(), set(), [], (), {}, [3], (3,)),
        *([None], [[3]], {1: 2}, {"pos": -1, "neg": 1}, {"pos": math.nan, "neg": 1}),
        *(decimal.Decimal(1), fractions.Fraction(1, 2), invalid_schedule),
        *(torch.tensor(3), np.random.default_rng(0), [invalid_schedule]),
    ]
)
VALUES = st.one_of(NUMBERS, HUGE, HUGE.map(int.__neg__), NUMPY, STRINGS, OTHERS)


def use(estimator):
    """Fit and apply an estimator; return the numbers that it computes."""
    if isinstance(estimator, SynonymReplacer):
        return estimator.fit_resample(TEXTS, np.zeros(len(TEXTS)))[1]
    if isinstance(estimator, (CountScaler, LogCountRatio)):
        return estimator.fit_transform(COUNTS, LABELS).toarray()
    if isinstance(estimator, LINEAR):
        return estimator.fit(COUNTS, LABELS).predict_proba(COUNTS)
    if isinstance(
        estimator, (NGramVectorizer, HashedNGramVectorizer, BagOfMeansVectorizer)
    ):
        return estimator.fit(TEXTS).transform(TEXTS).toarray()
    return estimator.fit(TEXTS, LABELS).predict_proba(TEXTS)


# scikit-learn raises the error for a class that is missing in class_weight.
ERROR_SOURCES = tuple(str(Path(each.__file__).parent) for each in (sktextconv, sklearn))
# The functions that check these parameters do not know the estimator.
WITHOUT_CLASS = {
    "alphabet",
    "compile",
    "device",
    "schedule",
    "token_pattern",
    "vectors",
}


def check_error(error, name, estimator):
    """Assert that the error of an invalid parameter is clear."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    message = str(error)
    assert isinstance(error, (ValueError, TypeError, LookupError, FileNotFoundError))
    assert frame.filename.startswith(ERROR_SOURCES)
    assert name in message
    assert len(message.splitlines()) == 1
    if frame.name == "check_params" and name not in WITHOUT_CLASS:
        start = f"The {name!r} parameter of {type(estimator).__name__} must be "
        assert message.startswith(start)


@pytest.mark.filterwarnings("ignore:Only 0 of the .* words")
@pytest.mark.filterwarnings("ignore:.* outside the alphabet")
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch's own
@pytest.mark.filterwarnings("ignore:.* (stopped after max_iter|failed to converge)")
@pytest.mark.parametrize("which", ESTIMATORS)
def test_any_parameter_value(which, wordnet, tmp_path, monkeypatch):
    """Any value gives finite results or an error that names the parameter."""
    monkeypatch.chdir(tmp_path)  # checkpoints have relative paths
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    names = sorted(ESTIMATORS[which].get_params())

    @settings(
        max_examples=250 if which in NETWORKS else 120,
        suppress_health_check=list(HealthCheck),
    )
    @given(name=st.sampled_from(names), value=VALUES)
    def run(name, value):
        number = value if isinstance(value, (int, np.integer)) else None
        # Many epochs and compilation take too long.
        assume(name != "max_epochs" or number is None or number < 10)
        assume(name != "compile" or not isinstance(value, (bool, np.bool_)))
        # Starting processes, too.
        assume(name != "n_workers" or number is None or not 1 < number < 1000)
        # joblib raises the error, as in scikit-learn.
        assume(name != "n_jobs" or number != 0)
        # As root, it would write there, and read there what earlier runs wrote.
        at_root = str(value).startswith("/")
        assume(name not in ("checkpoint", "memory") or not at_root)
        # The callable raises the error.
        assume(name != "tokenizer" or value is not invalid_schedule)
        estimator = clone(ESTIMATORS[which])
        if which == "synonyms":
            estimator.set_params(wordnet=wordnet)
        setattr(estimator, name, value)
        result, error = attempt(use, estimator)
        for checkpoint in filter(Path.is_file, tmp_path.iterdir()):
            checkpoint.unlink()
        if error is None:
            assert np.isfinite(result).all()
        else:
            check_error(error, name, estimator)

    run()


def test_all_public_estimators_are_tested():
    modules = (sktextconv, *map(inspect.getmodule, ESTIMATORS.values()))
    public = {
        value
        for module in modules
        for name, value in vars(module).items()
        if name in module.__all__
        and inspect.isclass(value)
        and issubclass(value, BaseEstimator)
    }
    assert public == {type(estimator) for estimator in ESTIMATORS.values()}


# -- sizes --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rnn", "han"])
def test_network_of_terabytes(name):
    """The error comes before memory is allocated and names the largest weight."""
    network = clone(NETWORKS[name]).set_params(hidden_dim=1_000_000)
    message = r"would take [0-9]+,001 GB with its gradients, .*weight.* is [34],000,000"
    with pytest.raises(ValueError, match=message):
        network.fit(TEXTS, LABELS)


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="needs os.sysconf")
@pytest.mark.parametrize("name", NETWORKS)
def test_size_check_uses_system_memory(name, monkeypatch):
    """Tensors and gradients may take all of the machine's memory, and no byte more."""
    network = clone(ESTIMATORS[name])
    values = {"SC_PAGE_SIZE": 1}
    fitted = clone(network).fit(TEXTS, LABELS)
    weights = [*fitted.net_.module_.parameters()]
    tensors = [*weights, *weights, *fitted.net_.module_.buffers()]
    n_needed = sum(tensor.nbytes for tensor in tensors)
    monkeypatch.setattr(os, "sysconf", lambda name: values.get(name, n_needed))
    network.fit(TEXTS, LABELS)
    monkeypatch.setattr(os, "sysconf", lambda name: values.get(name, n_needed - 1))
    message = f"The network of {type(network).__name__} would take 0 GB with its grad"
    with pytest.raises(ValueError, match=message):
        network.fit(TEXTS, LABELS)


@pytest.mark.parametrize("name", NETWORKS)
def test_numpy_scalar_parameters(name):
    """NumPy integers give the same bits as Python's."""
    known = clone(ESTIMATORS[name]).get_params()
    # The products of these sizes overflow 8 bits.
    settings = {} if name.endswith("cnn") else {"epoch_size": 10, "batch_size": 26}
    settings |= {n: 100 for n in ("n_filters", "embedding_dim") if n in known}
    settings |= {"max_length": 123} if "max_length" in known else {}
    ours = clone(ESTIMATORS[name]).set_params(**settings)
    small = {setting: np.uint8(value) for setting, value in settings.items()}
    theirs = clone(ours).set_params(**small)
    proba = ours.fit(TEXTS, LABELS).predict_proba(TEXTS)
    assert np.array_equal(theirs.fit(TEXTS, LABELS).predict_proba(TEXTS), proba)


def test_python_values():
    values = python_values(
        clone(NETWORKS["kimcnn"]).set_params(
            compile=np.True_, widths=[np.int64(3), 4], device=np.str_("cpu")
        )
    )
    assert values["compile"] is True
    assert values["widths"] == [3, 4]
    assert set(map(type, values["widths"])) == {int}
    assert type(values["device"]) is str


# -- divergence ---------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("rate", [1e12, 1e300])
def test_diverging_learning_rate(name, rate):
    """A network that diverges raises an error and predicts no labels."""
    network = clone(ESTIMATORS[name]).set_params(learning_rate=rate, batch_size=100)
    _, error = attempt(network.fit, TEXTS, LABELS)
    if error is None:
        proba, error = attempt(network.predict_proba, TEXTS)
        assert error or np.isfinite(proba).all()
    assert error is None or "lower learning_rate" in str(error)


@pytest.mark.parametrize("bias", [[math.nan, 0], [math.inf, 0], [-math.inf, math.inf]])
def test_predict_with_weights_not_finite(bias):
    """Predictions raise `ValueError`, without a warning, if a logit is not finite."""
    network = clone(ESTIMATORS["kimcnn"]).fit(TEXTS, LABELS)
    with torch.no_grad():
        network.net_.module_.head.bias.copy_(torch.tensor(bias))
    for predict in (network.predict, network.predict_proba, network.decision_function):
        with pytest.raises(ValueError, match="Expected finite logits, got NaN or inf"):
            predict(TEXTS)


@pytest.mark.parametrize(("setting", "value"), [("batch_size", 0), ("n_jobs", "2")])
def test_predict_checks_its_parameters(setting, value):
    """`predict` checks the parameters that it uses, and no others."""
    network = clone(ESTIMATORS["kimcnn"]).fit(TEXTS, LABELS)
    network.set_params(**{setting: value}, max_epochs=0)
    with pytest.raises(ValueError, match=f"The '{setting}' parameter of KimCNNClass"):
        network.predict(TEXTS)


# -- augmenters and checkpoints -----------------------------------------------


class Augmenter:
    """Augmenter that returns given texts."""

    def __init__(self, texts):
        self.texts = texts

    def augment(self, texts, *, seed, epoch):
        return self.texts


@pytest.mark.parametrize(
    ("augmented", "message"),
    [
        (TEXTS[1:], r"inconsistent numbers of samples: \[8, 7\]"),
        ([*TEXTS, "a"], r"inconsistent numbers of samples: \[8, 9\]"),
        ([*TEXTS[1:], 3], "must contain only str, got int at index 7"),
        ([*TEXTS[1:], None], r"NaN or None \(first at index 7\)"),
        ("one text", "Iterable over raw text documents expected"),
        (None, "Expected sequence or array-like"),
        ([], "minimum of 1 is required by Augmenter"),
    ],
)
def test_augmenter_returns_invalid_texts(augmented, message):
    """Texts of another number or type raise an error."""
    network = clone(ESTIMATORS["kimcnn"]).set_params(augmenter=Augmenter(augmented))
    with pytest.raises((TypeError, ValueError), match=message):
        network.fit(TEXTS, LABELS)


@pytest.mark.parametrize(
    "path", ["", "/", "\0", "\ud800", "no/such/folder/state", "a" * 999, "folder"]
)
def test_checkpoint_path_unwritable(path, tmp_path, monkeypatch):
    """The error comes before training and no file is created."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    network = clone(ESTIMATORS["kimcnn"]).set_params(checkpoint=path, max_epochs=10**9)
    message = "The 'checkpoint' parameter of KimCNNClassifier must be None or the path"
    with pytest.raises(ValueError, match=message):
        network.fit(TEXTS, LABELS)
    assert os.listdir(tmp_path) == ["folder"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_write_to_pipe(tmp_path):
    """Checkpoints and saved models do not replace a pipe, but raise an error."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    network = clone(ESTIMATORS["kimcnn"])
    with pytest.raises(ValueError, match="is a folder or a device, not a file"):
        clone(network).set_params(checkpoint=pipe).fit(TEXTS, LABELS)
    with pytest.raises(OSError, match="is a folder or a device, not a file"):
        sktextconv.save(network.fit(TEXTS, LABELS), pipe)
    assert pipe.is_fifo()
