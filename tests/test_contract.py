"""What every public classifier promises: the strict checks, and what is ours."""

import copy
import dataclasses
import inspect
import os
import pickle
import subprocess
import sys
import threading

import joblib
import numpy as np
import pytest
import sklearn
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from skorch.callbacks import Callback
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

import sktextconv
from sktextconv import (
    CharCNNClassifier,
    VDCNNClassifier,
    WordCNNClassifier,
    parametrize_with_text_checks,
)
from sktextconv.baselines import (
    make_bag_of_means_classifier,
    make_bow_classifier,
    make_nb_ngram_classifier,
    make_ngram_classifier,
)
from sktextconv.estimator_checks._global_state import (
    changed_names,
    generator_states,
    global_settings,
)
from sktextconv.training._data import EncodedDataset
from sktextconv.training._loop import train
from sktextconv.training._net import make_net

from .classifiers import NETWORKS

PIPELINES = {
    "bow": make_bow_classifier(),
    "bow-tfidf": make_bow_classifier(tfidf=True),
    "ngrams": make_ngram_classifier(max_n=2),
    "ngrams-tfidf": make_ngram_classifier(max_n=2, tfidf=True),
    "ngrams-nb": make_nb_ngram_classifier(),
    "bag-of-means": make_bag_of_means_classifier(
        n_means=4, embedding_dim=8, min_count=1, random_state=0
    ),
}

FAILURES = {
    "check_weight_2_is_a_row_twice": (
        "in minibatches a weight of 2 is a row seen twice in expectation only"
    ),
}


@parametrize_with_text_checks(
    [*NETWORKS.values(), *PIPELINES.values()],
    strict=True,
    expected_failed_checks=lambda estimator: FAILURES,
)
def test_classifier_passes(estimator, check):
    check(estimator)


# -- what is ours -----------------------------------------------------------------


@pytest.fixture(params=NETWORKS)
def network(request):
    return clone(NETWORKS[request.param])


_FITTED = {}


def fit_once(name, corpus):
    """A fitted network, trained once for all tests that change nothing."""
    if name not in _FITTED:
        _FITTED[name] = clone(NETWORKS[name]).fit(*corpus)
    return _FITTED[name]


@pytest.fixture(params=NETWORKS)
def fitted(request, corpus):
    return fit_once(request.param, corpus)


@pytest.fixture
def fitted_copy(fitted):
    return copy.deepcopy(fitted)


def same_bits(one, other, texts):
    return np.array_equal(one.predict_proba(texts), other.predict_proba(texts))


# -- parameters and state -------------------------------------------------------


def test_every_public_classifier_is_under_contract():
    public = {
        name
        for name in sktextconv.__all__
        if inspect.isclass(getattr(sktextconv, name))
        and issubclass(getattr(sktextconv, name), sklearn.base.ClassifierMixin)
    }
    assert public == {type(network).__name__ for network in NETWORKS.values()}


def test_constructor_takes_keywords_with_plain_defaults(network):
    parameters = list(inspect.signature(type(network)).parameters.values())
    assert {p.kind for p in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    assert all(
        isinstance(p.default, (str, int, float, bool, type(None), tuple, type))
        for p in parameters
    )
    annotated = {field.name for field in dataclasses.fields(type(network))}
    assert annotated == set(network.get_params()) == {p.name for p in parameters}


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("max_epochs", 0, "must be an int in the range [1, inf). Got 0 instead."),
        ("max_epochs", True, "must be an int in the range [1, inf). Got True instead."),
        ("max_epochs", 1.0, "must be an int in the range [1, inf). Got 1.0 instead."),
        (
            "batch_size",
            "8",
            "an int in the range [1, 1000000] or None. Got '8' instead.",
        ),
        ("learning_rate", 0, "must be a float in the range (0.0, inf) or None."),
        ("learning_rate", float("nan"), "Got nan instead."),
        ("validation_fraction", 1.0, "must be a float in the range (0.0, 1.0)."),
        ("precision", "half", "must be a str among {'auto', 'bfloat16', 'float32'}."),
        ("early_stopping", 1, "must be a bool. Got 1 instead."),
        ("class_weight", "even", "an instance of 'dict', a str among {'balanced'} or"),
        ("random_state", -1, "an instance of 'RandomState' or None. Got -1 instead."),
        ("tol", -1.0, "must be a float in the range [0.0, inf). Got -1.0 instead."),
    ],
)
def test_bad_parameter_is_refused_in_one_sentence(
    network, corpus, name, value, sentence, call
):
    network.set_params(**{name: value})
    with pytest.raises(ValueError, match="parameter of") as caught:
        getattr(network, call)(*corpus)
    start = f"The {name!r} parameter of {type(network).__name__} must be "
    assert str(caught.value).startswith(start)
    assert sentence in str(caught.value)
    with pytest.raises(NotFittedError):
        network.predict(corpus[0])


def test_fitted_attributes_are_there_and_nothing_of_tables(fitted):
    assert vars(fitted).keys() >= {
        "classes_",
        "encoder_",
        "history_",
        "n_iter_",
        "net_",
    }
    assert not hasattr(fitted, "set_output")


def test_tags_say_texts(network):
    tags = get_tags(network).input_tags
    assert (tags.string, tags.one_d_array, tags.two_d_array) == (True, True, False)


def test_failed_first_fit_leaves_it_unfitted(network, corpus):
    texts, labels = corpus
    with pytest.raises(ValueError, match="learning_rate"):
        network.set_params(learning_rate=1e30, max_epochs=5).fit(texts, labels)
    with pytest.raises(NotFittedError):
        network.predict(texts)


def test_prediction_reads_fitted_state_only(fitted_copy, corpus):
    expected = fitted_copy.predict_proba(corpus[0])
    fitted_copy.set_params(recipe="paper", random_state=9, max_epochs=99)
    if "max_length" in fitted_copy.get_params():
        fitted_copy.set_params(max_length=1014)
    assert np.array_equal(fitted_copy.predict_proba(corpus[0]), expected)
    assert same_bits(pickle.loads(pickle.dumps(fitted_copy)), fitted_copy, corpus[0])


@pytest.mark.parametrize("batch_size", [1, 8])
def test_a_last_batch_of_one_text_fits(network, corpus, batch_size):
    texts, labels = corpus[0][:9], corpus[1][:9]
    network.set_params(batch_size=batch_size, max_epochs=1).fit(texts, labels)
    assert np.isfinite(network.predict_proba(texts)).all()


class Copies(TorchDispatchMode):
    """Notes for each copy to a device whether the host waits for it."""

    def __init__(self):
        super().__init__()
        self.waits = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = [each for each in pytree.tree_leaves(args) if torch.is_tensor(each)]
        # A number on the CPU goes along with what is launched.
        places = {each.device for each in tensors if each.dim()}
        if func is torch.ops.aten._to_copy.default:
            if kwargs.get("device", args[0].device) != args[0].device:
                self.waits.append(not kwargs.get("non_blocking", False))
        elif len(places) > 1:  # an index or a source that is elsewhere
            self.waits.append(True)
        return func(*args, **kwargs)


class Made(TorchFunctionMode):
    """Refuses tensors made on another device from values of the host."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in (torch.tensor, torch.as_tensor):
            assert torch.device(kwargs.get("device") or "cpu").type == "cpu"
        return func(*args, **kwargs)


def test_the_host_waits_for_the_device_once_an_epoch(network, corpus):
    class Steps(Callback):
        def on_batch_end(self, net, **kwargs):
            done.append(net)

    if isinstance(network, (CharCNNClassifier, WordCNNClassifier)):
        network.set_params(max_length=501)  # long enough for texts to be packed
    network.fit(*corpus)
    texts = (corpus[0] * 3)[:65]  # losses are summed after 64 minibatches
    labels = np.zeros(len(texts), dtype=int), np.ones(len(texts))
    # There are no values on "meta": who asks for one, and so would wait, fails.
    device = torch.device("meta")
    dataset = EncodedDataset(
        network.encoder_.encode(texts), device, targets=labels[0], weights=labels[1]
    )
    module, recipe = network.net_.module_, network._recipe()
    net = make_net(module, recipe, device=device, precision="float32")
    done = []
    refused = pytest.raises(NotImplementedError, match="no data")
    with Made(), Copies() as copies, refused:
        train(net, dataset, n_epochs=1, batch_size=1, callbacks=[Steps()])
    assert len(done) == len(texts)
    assert len(copies.waits) > 3 * len(texts)
    *during, at_the_end = copies.waits
    assert at_the_end
    assert not any(during)


def test_the_recipe_sizes_minibatches_where_the_user_does_not(network, corpus):
    class Sizes(Callback):
        def on_batch_begin(self, net, batch=None, training=None, **kwargs):
            seen.append(len(batch[1][0]))

    texts, labels = corpus[0] * 9, np.tile(corpus[1], 9)
    for recipe, batch_size in (("modern", None), ("paper", None), ("modern", 100)):
        seen = []
        network.set_params(recipe=recipe, batch_size=batch_size, epoch_size=1)
        network.set_params(callbacks=[Sizes()], max_epochs=1).fit(texts, labels)
        assert seen == [batch_size or network._recipes[recipe].batch_size]


def test_verbose_writes_a_line_per_epoch(network, corpus, capfd):
    network.set_params(verbose=1).fit(*corpus)
    out, err = capfd.readouterr()
    assert len(out.splitlines()) == network.n_iter_
    assert err == ""


def test_history_has_a_record_per_epoch(fitted):
    assert [row["epoch"] for row in fitted.history_] == [1, 2]
    assert fitted.n_iter_ == 2
    for row in fitted.history_:
        assert row.keys() >= {"train_loss", "train_error", "learning_rate", "seconds"}
        assert 0 <= row["train_error"] <= 1


def test_callbacks_are_called_and_not_changed(network, corpus):
    epochs = []

    class Counter(Callback):
        seen = 0

        def on_epoch_end(self, net, **kwargs):
            self.seen += 1
            epochs.append(self.seen)

    counter = Counter()
    network.set_params(callbacks=[counter]).fit(*corpus)
    assert epochs == [1, 2]
    assert counter.seen == 0


class Interrupt(Callback):
    """Press Ctrl-C in a given epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_batch_begin(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


def test_interrupt_in_the_first_epoch_is_not_swallowed(network, corpus):
    network.set_params(callbacks=[Interrupt(1)])
    with pytest.raises(KeyboardInterrupt):
        network.fit(*corpus)
    with pytest.raises(NotFittedError):
        network.predict(corpus[0])


def test_interrupt_later_keeps_the_finished_epochs_with_a_warning(network, corpus):
    network.set_params(callbacks=[Interrupt(2)])
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        network.fit(*corpus)
    assert network.n_iter_ == len(network.history_) == 1


# -- outputs --------------------------------------------------------------------


def test_logs_are_finite_for_logits_of_some_hundreds(fitted_copy, corpus):
    with torch.no_grad():  # exp underflows
        weights = fitted_copy.net_.module_.parameters()
        bias = [weight for weight in weights if weight.shape == (2,)][-1]
        bias.add_(torch.tensor([0.0, 900.0]))
    assert np.isfinite(fitted_copy.predict_log_proba(corpus[0])).all()


def test_the_decision_is_the_logarithm_of_the_odds(fitted, corpus):
    scores, proba = fitted.decision_function(corpus[0]), fitted.predict_proba(corpus[0])
    np.testing.assert_allclose(scores, np.log(proba[:, 1] / proba[:, 0]), atol=1e-9)


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_batch_size_has_no_influence_on_a_prediction(fitted_copy, corpus, batch_size):
    texts = [*corpus[0], "", "one long text " * 30]
    expected = fitted_copy.predict_proba(texts)
    actual = fitted_copy.set_params(batch_size=batch_size).predict_proba(texts)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)


# -- random numbers ---------------------------------------------------------------


def test_another_seed_gives_another_model(network, fitted, corpus):
    other = network.set_params(random_state=1).fit(*corpus)
    assert not same_bits(fitted, other, corpus[0])


@pytest.fixture(scope="module")
def elsewhere(corpus, tmp_path_factory):
    """Probabilities from another process: of networks fitted here, and there."""
    path = tmp_path_factory.mktemp("elsewhere") / "job.joblib"
    here = {name: fit_once(name, corpus) for name in NETWORKS}
    joblib.dump((here, NETWORKS, corpus), path)
    script = (
        "import joblib, torch; torch.set_num_threads(1)\n"
        f"here, networks, (X, y) = joblib.load({str(path)!r})\n"
        "probabilities = {\n"
        "    name: (here[name].predict_proba(X), model.fit(X, y).predict_proba(X))\n"
        "    for name, model in networks.items()\n"
        "}\n"
        f"joblib.dump(probabilities, {str(path)!r})\n"
    )
    environment = os.environ | {"PYTHONHASHSEED": "77"}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
    return joblib.load(path)


@pytest.mark.parametrize("name", NETWORKS)
def test_another_process_loads_and_fits_the_same_bits(elsewhere, corpus, name):
    expected = fit_once(name, corpus).predict_proba(corpus[0])
    loaded, fitted = elsewhere[name]
    assert np.array_equal(loaded, expected)
    assert np.array_equal(fitted, expected)


@pytest.mark.parametrize("look", [generator_states, global_settings])
def test_training_that_diverges_leaves_the_process_alone(network, corpus, look):
    def diverge():
        with pytest.raises(ValueError, match="loss became"):
            network.set_params(learning_rate=1e30, max_epochs=5).fit(*corpus)

    assert changed_names(look, diverge) == []


def test_gradients_and_threads_are_set_for_training_alone(network, corpus):
    with torch.no_grad():
        fit = network.set_params(n_jobs=2, max_epochs=1).fit
        assert changed_names(global_settings, lambda: fit(*corpus)) == []


def test_without_a_seed_numpys_generator_decides(network, corpus):
    network.set_params(random_state=None)
    fits = []
    for seed in (5, 5, 6):
        np.random.seed(seed)
        fits.append(clone(network).fit(*corpus))
    assert same_bits(fits[0], fits[1], corpus[0])
    assert not same_bits(fits[0], fits[2], corpus[0])


def test_a_generator_is_consumed(network, corpus):
    network.set_params(random_state=np.random.RandomState(3))
    first = network.fit(*corpus).predict_proba(corpus[0])
    assert not np.array_equal(network.fit(*corpus).predict_proba(corpus[0]), first)


def test_threads_do_not_disturb_each_other(network, corpus):
    expected = clone(network).fit(*corpus)
    state = torch.get_rng_state()
    networks = [clone(network) for _ in range(3)]
    workers = [threading.Thread(target=each.fit, args=corpus) for each in networks]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(same_bits(each, expected, corpus[0]) for each in networks)
    assert torch.equal(torch.get_rng_state(), state)


# -- weights and classes ----------------------------------------------------------


def test_balanced_counts_rows_by_their_weights(network, corpus):
    texts, labels = corpus[0][:16], corpus[1][:16]
    rows = np.where(labels == "pos", 2.0, 1.0)
    mass = {label: rows[labels == label].sum() for label in ("pos", "neg")}
    expected = clone(network).fit(
        texts, labels, rows * [rows.sum() / (2 * mass[label]) for label in labels]
    )
    balanced = clone(network).set_params(class_weight="balanced")
    np.testing.assert_allclose(
        balanced.fit(texts, labels, rows).predict_proba(texts),
        expected.predict_proba(texts),
        atol=1e-6,
    )


def test_the_class_of_a_row_of_weight_0_stays(network, corpus):
    texts, labels = corpus
    weights = np.r_[np.ones(len(texts)), 0]
    network.fit([*texts, "rare"], [*labels, "rare"], weights)
    assert network.classes_.tolist() == ["neg", "pos", "rare"]


def test_weight_2_is_a_row_twice_in_one_full_batch(network, corpus):
    if isinstance(network, VDCNNClassifier):
        pytest.skip("a row that is there twice counts twice in BatchNorm's means")
    texts, labels = corpus[0][:8], corpus[1][:8]
    known = network.get_params()
    for name in {"dropout", "embedding_dropout"} & known.keys():
        network.set_params(**{name: 0.0})
    network.set_params(batch_size=100, max_epochs=1, learning_rate=1e-4)
    weighted = clone(network).fit(texts, labels, [2] + [1] * 7)
    twice = clone(network).fit([*texts, texts[0]], [*labels, labels[0]])
    np.testing.assert_allclose(
        weighted.history_[0]["train_loss"], twice.history_[0]["train_loss"], rtol=1e-5
    )


def test_class_weights_of_zero_alone_are_refused(network, corpus):
    network.set_params(class_weight={"pos": 0, "neg": 0})
    with pytest.raises(ValueError, match="at least one non-zero number"):
        network.fit(*corpus)


@pytest.mark.parametrize("n_texts", [1, 4])
def test_one_class_is_refused(network, corpus, n_texts):
    with pytest.raises(ValueError, match=r"at least 2 classes .* only one class: 'a'"):
        network.fit(corpus[0][:n_texts], ["a"] * n_texts)


# -- incremental --------------------------------------------------------------------


def test_partial_fit_is_one_pass(network, corpus):
    network.set_params(max_epochs=9).partial_fit(*corpus, classes=["pos", "neg"])
    network.partial_fit(["", "@@"], ["pos", "neg"])
    assert [row["epoch"] for row in network.history_] == [1, 2]


def test_partial_fit_after_fit_goes_on_with_its_model(network, corpus):
    texts, labels = corpus
    network.fit(texts, labels)
    # Parameters, not buffers: the means of a BatchNorm move at any learning rate.
    weights = dict(network.net_.module_.named_parameters())
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    network.set_params(learning_rate=1e-9).partial_fit(texts, labels)
    for name, weight in network.net_.module_.named_parameters():
        torch.testing.assert_close(weight.data, before[name], atol=1e-5, rtol=1e-3)


def test_partial_fit_says_what_it_refuses(network, corpus):
    texts, labels = corpus
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        network.partial_fit(texts, labels)
    with pytest.raises(ValueError, match="only one class"):
        network.partial_fit(texts, ["pos"] * len(texts), classes=["pos"])
    network.partial_fit(texts[:2], labels[:2], classes=["neg", "pos"])
    with pytest.raises(ValueError, match="is not the same as on last call"):
        network.partial_fit(texts, labels, classes=["neg", "other"])
    with pytest.raises(ValueError, match="`y` has classes not in"):
        network.partial_fit(texts[:2], ["pos", "new"])


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"early_stopping": True}, "partial_fit does not support early_stopping=True"),
        ({"class_weight": "balanced"}, "class_weight 'balanced' is not supported"),
    ],
)
def test_partial_fit_refuses_what_needs_all_data(network, corpus, setting, sentence):
    with pytest.raises(ValueError, match=sentence):
        network.set_params(**setting).partial_fit(*corpus, classes=["neg", "pos"])


def test_warm_start_goes_on(network, corpus):
    texts, labels = corpus
    network.set_params(warm_start=True).fit(texts, labels)
    last = network.history_[-1]["train_loss"]
    network.fit(texts, labels)
    assert len(network.history_) == 4
    assert network.n_iter_ == 2
    assert network.history_[2]["train_loss"] < last + 0.05
    with pytest.raises(ValueError, match="warm_start can only be used where `y` has"):
        network.fit(texts, ["a", "b"] * 12)
    with pytest.raises(ValueError, match="recipe cannot change"):
        network.set_params(recipe="paper").fit(texts, labels)


def test_early_stopping_restores_the_best_epoch(network, corpus):
    texts, labels = corpus
    biases, tolerance = [], 0.02

    class KeepBias(Callback):
        def on_epoch_end(self, net, **kwargs):
            biases.append(list(net.module_.parameters())[-1].detach().clone())

    network.set_params(
        early_stopping=True,
        validation_fraction=0.25,
        n_iter_no_change=2,
        tol=tolerance,
        max_epochs=30,
        callbacks=[KeepBias()],
    )
    network.fit(texts, labels)
    best, best_epoch = np.inf, 0
    for row in network.history_:
        if row["valid_loss"] < best - tolerance:
            best, best_epoch = row["valid_loss"], row["epoch"]
    assert network.n_iter_ == len(network.history_) == best_epoch + 2 < 30
    restored = list(network.net_.module_.parameters())[-1]
    assert torch.equal(restored, biases[best_epoch - 1])
    assert not torch.equal(restored, biases[-1])


class Recorder:
    """An augmenter that keeps what it was asked for, and says something else."""

    def __init__(self, texts=None):
        self.texts = texts
        self.asked = []

    def __deepcopy__(self, memo):  # so that clones write to the same list
        return self

    def augment(self, texts, *, seed, epoch):
        self.asked.append((list(texts), seed, epoch))
        return list(texts) if self.texts is None else self.texts


def test_augmenter_sees_the_training_texts_anew_before_each_epoch(network, corpus):
    texts, labels = corpus
    augmenter = Recorder()
    augmented = clone(network).set_params(augmenter=augmenter).fit(texts, labels)
    assert [asked[0] for asked in augmenter.asked] == [texts] * 2
    assert [asked[2] for asked in augmenter.asked] == [0, 1]
    assert len({seed for _, seed, _ in augmenter.asked}) == 1
    augmented.predict(texts)
    assert len(augmenter.asked) == 2
    augmented.partial_fit(texts[:9], labels[:9])
    assert augmenter.asked[-1][::2] == (texts[:9], 2)
    again = Recorder()
    clone(network).set_params(augmenter=again).fit(texts, labels)
    assert again.asked == augmenter.asked[:2]


def test_training_goes_by_the_augmented_texts(network, corpus):
    texts, labels = corpus
    same = clone(network).set_params(augmenter=Recorder()).fit(texts, labels)
    swapped = clone(network).set_params(augmenter=Recorder(texts[::-1]))
    swapped.fit(texts, labels)
    assert same.history_[-1]["train_loss"] != swapped.history_[-1]["train_loss"]


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ({"augmenter": 3}, "'augmenter' parameter .* augment"),
        ({"schedule": "no_such"}, "'?schedule'? .*no_such"),
    ],
)
def test_what_cannot_augment_or_schedule_is_refused(network, corpus, setting, sentence):
    with pytest.raises(ValueError, match=sentence):
        clone(network).set_params(**setting).fit(*corpus)


def test_schedule_by_name_decides_the_rates(network, corpus):
    constant = clone(network).set_params(schedule="constant", learning_rate=0.01)
    rates = [epoch["learning_rate"] for epoch in constant.fit(*corpus).history_]
    assert rates == [0.01] * 2


def test_bucketing_trains_on_every_text(network, corpus):
    bucketed = clone(network).set_params(bucketing=True).fit(*corpus)
    assert [epoch["n_texts"] for epoch in bucketed.history_] == [24, 24]


def test_impossible_split_names_the_class_and_the_remedy(network, corpus):
    texts = corpus[0]
    labels = ["rare"] + ["common"] * (len(texts) - 1)
    with pytest.raises(ValueError, match=r"'rare' has 1.*early_stopping=False"):
        network.set_params(early_stopping=True).fit(texts, labels)


# -- keeping ----------------------------------------------------------------------


def test_pickle_holds_no_torch_object(fitted):
    data = pickle.dumps(fitted)
    assert b"torch" not in data
    assert b"skorch" not in data


def test_a_model_trained_on_a_gpu_loads_on_a_cpu(fitted, corpus):
    state = fitted.__getstate__()
    state["net_"] = state["net_"] | {"device": "cuda:7"}  # as pickled over there
    loaded = type(fitted).__new__(type(fitted))
    loaded.__setstate__(state)
    assert same_bits(loaded, fitted, corpus[0])


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_cuda_without_cuda_is_refused_in_fit_only(network, corpus):
    network.set_params(device="cuda")
    with pytest.raises(ValueError, match=r"The 'device' parameter .* Got 'cuda'"):
        network.fit(*corpus)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_gpu_agrees_with_cpu_and_its_pickle_loads_anywhere(network, corpus):
    network.set_params(device="cuda").fit(*corpus)
    state = network.__getstate__()
    state["net_"]["device"] = "cpu"
    loaded = type(network).__new__(type(network))
    loaded.__setstate__(state)
    np.testing.assert_allclose(
        loaded.predict_proba(corpus[0]), network.predict_proba(corpus[0]), atol=1e-4
    )


# The eager backend runs what torch traced, without minutes of translation. Where torch
# cannot trace, as in its recurrent layers, it warns about itself.
class Watch(Callback):
    """Hooks the embedding, so that charcnn convolves as it does translated.

    Its other way of adding up rounds in another order, and AdamW makes of gradients
    that cancel but for rounding steps of the size of all others.
    """

    def on_train_begin(self, net, **kwargs):
        net.module_.embedding.register_forward_hook(_see)


def _see(module, given, answer):
    return None


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
@pytest.mark.parametrize("name", ["charcnn", "rnn"])
def test_a_compiled_network_learns_the_same(name, corpus):
    texts, labels = corpus
    plain = clone(NETWORKS[name]).set_params(callbacks=[Watch()]).fit(texts, labels)
    compiled = clone(NETWORKS[name]).set_params(compile="eager").fit(texts, labels)
    assert compiled.net_.module_._compiled_call_impl is not None
    expected = plain.predict_proba(texts)
    for each in (compiled, pickle.loads(pickle.dumps(compiled))):
        np.testing.assert_allclose(each.predict_proba(texts), expected, atol=1e-4)
        each.net_.module_.load_state_dict(plain.net_.module_.state_dict())
        np.testing.assert_allclose(each.predict_proba(texts), expected, atol=1e-6)


def test_unknown_backends_of_compile_are_refused(corpus):
    network = clone(NETWORKS["rnn"]).set_params(compile="gcc")
    with pytest.raises(ValueError, match=r"'compile' parameter .* Got 'gcc' instead"):
        network.fit(*corpus)
