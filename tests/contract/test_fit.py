"""Training by `fit`: minibatches, schedules, early stopping and augmentation."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from skorch.callbacks import Callback

from sktextconv import FastTextClassifier


def test_fitted_attributes(fitted):
    """All documented attributes are set, and there is no `set_output`."""
    assert vars(fitted).keys() >= {
        "classes_",
        "encoder_",
        "history_",
        "n_iter_",
        "net_",
    }
    assert not hasattr(fitted, "set_output")


def test_failed_first_fit(network, corpus):
    """The classifier stays unfitted."""
    texts, labels = corpus
    with pytest.raises(ValueError, match="learning_rate"):
        network.set_params(learning_rate=1e30, max_epochs=5).fit(texts, labels)
    with pytest.raises(NotFittedError):
        network.predict(texts)


@pytest.mark.parametrize("batch_size", [1, 8])
def test_last_batch_of_one_text(network, corpus, batch_size):
    texts, labels = corpus[0][:9], corpus[1][:9]
    network.set_params(batch_size=batch_size, max_epochs=1).fit(texts, labels)
    assert np.isfinite(network.predict_proba(texts)).all()


class BatchSizes(Callback):
    """Callback that appends the number of texts of each minibatch to `batch_sizes`."""

    def on_batch_begin(self, net, batch=None, training=None, **kwargs):
        batch_sizes.append(len(batch[1][0]))


batch_sizes = []  # outside of the callback, of which training uses a copy


def test_batch_size_none(network, corpus):
    """The recipe sets the size of minibatches if `batch_size` is None."""
    texts, labels = corpus[0] * 9, np.tile(corpus[1], 9)
    for recipe, batch_size in (("modern", None), ("paper", None), ("modern", 100)):
        batch_sizes.clear()
        network.set_params(recipe=recipe, batch_size=batch_size, epoch_size=1)
        network.set_params(callbacks=[BatchSizes()], max_epochs=1).fit(texts, labels)
        assert batch_sizes == [batch_size or network._recipes[recipe].batch_size]


@pytest.mark.parametrize(
    ("n_texts", "size"), [(24, 4), (888, 8), (2_400, 24), (4_800, 32)]
)
def test_batch_size_on_few_texts(corpus, n_texts, size):
    """`fit` shrinks minibatches until an epoch has 100, but not below 4 texts."""
    texts, labels = corpus[0] * (n_texts // 24), np.tile(corpus[1], n_texts // 24)
    network = FastTextClassifier(max_n=1, max_epochs=1, callbacks=[BatchSizes()])
    assert network._recipe().batch_size == 32
    batch_sizes.clear()
    network.fit(texts, labels)
    assert (max(batch_sizes), len(batch_sizes)) == (size, -(-n_texts // size))
    assert len(batch_sizes) >= min(100, n_texts // 4)
    for params in ({"recipe": "paper"}, {"batch_size": 32}):
        batch_sizes.clear()
        clone(network).set_params(**params).fit(texts, labels)
        assert max(batch_sizes) == min(32, n_texts)
    batch_sizes.clear()
    network.partial_fit(texts, labels)
    assert max(batch_sizes) == min(32, n_texts)


@pytest.mark.parametrize(
    ("params", "rate"),
    [
        ({"epoch_size": 1_000}, 0.0075),
        ({"epoch_size": 500, "max_epochs": 2}, 0.0075),
        ({"max_epochs": 5_000, "early_stopping": True}, 0.001),
        # 12 of the 24 texts are trained on, in three minibatches: 3,750 steps.
        ({"max_epochs": 1_250, "early_stopping": True}, 0.002),
        ({"epoch_size": 1_000, "learning_rate": 0.002}, 0.002),
        ({"epoch_size": 1_000, "recipe": "paper"}, 8.0),
    ],
)
def test_learning_rate_on_few_steps(corpus, params, rate):
    """A `fit` of fewer than 7,500 minibatches has a higher rate in proportion."""
    network = FastTextClassifier(max_n=1, n_buckets=9, max_epochs=1)
    network.set_params(schedule="constant", n_iter_no_change=1, **params)
    network.set_params(validation_fraction=0.5)
    network.fit(*corpus)
    assert network.history_[0]["learning_rate"] == pytest.approx(rate, rel=1e-3)


def test_learning_rate_of_partial_fit(corpus):
    network = FastTextClassifier(max_n=1, n_buckets=9)
    network.partial_fit(*corpus, classes=np.unique(corpus[1]))
    assert network.history_[0]["learning_rate"] == 0.001


def test_learning_rate_is_at_most_50_times_the_recipes(corpus):
    network = FastTextClassifier(max_n=1, n_buckets=9, max_epochs=1)
    network.set_params(schedule="constant", warm_start=True).fit(*corpus)
    assert network.history_[0]["learning_rate"] == pytest.approx(0.05)
    # From trained weights, the rate is the recipe's.
    assert network.fit(*corpus).history_[1]["learning_rate"] == 0.001


def test_recipes_that_depend_on_the_texts(network):
    """Minibatches of these shrink on few texts, by "modern" only."""
    shrinking = ["DPCNN", "FastText", "HAN", "KimCNN", "RNN", "VDCNN"]
    modern = type(network).__name__.removesuffix("Classifier") in shrinking
    for name, recipe in network._recipes.items():
        assert bool(recipe.min_batches) == (modern and name == "modern")
        assert name == "modern" or not recipe.min_steps


def test_schedule_by_name(network, corpus):
    constant = clone(network).set_params(schedule="constant", learning_rate=0.01)
    rates = [epoch["learning_rate"] for epoch in constant.fit(*corpus).history_]
    assert rates == [0.01] * 2


def test_bucketing_trains_on_every_text(network, corpus):
    bucketed = clone(network).set_params(bucketing=True).fit(*corpus)
    assert [epoch["n_texts"] for epoch in bucketed.history_] == [24, 24]


# -- early stopping -----------------------------------------------------------


def test_early_stopping_restores_best_epoch(network, corpus):
    """Training stops `n_iter_no_change` epochs after the best and restores it."""
    texts, labels = corpus
    biases, tolerance = [], 0.02

    class RecordBias(Callback):
        def on_epoch_end(self, net, **kwargs):
            biases.append(list(net.module_.parameters())[-1].detach().clone())

    network.set_params(
        early_stopping=True,
        validation_fraction=0.25,
        n_iter_no_change=2,
        tol=tolerance,
        max_epochs=30,
        callbacks=[RecordBias()],
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


def test_early_stopping_with_one_text_of_a_class(network, corpus):
    """The error names the class and suggests `early_stopping=False`."""
    texts = corpus[0]
    labels = ["rare"] + ["common"] * (len(texts) - 1)
    with pytest.raises(ValueError, match=r"'rare' has 1.*early_stopping=False"):
        network.set_params(early_stopping=True).fit(texts, labels)


# -- augmentation -------------------------------------------------------------


class Recorder:
    """Augmenter that records its calls and returns given texts, or its argument."""

    def __init__(self, texts=None):
        self.texts = texts
        self.calls = []

    def __deepcopy__(self, memo):  # so that clones write to the same list
        return self

    def augment(self, texts, *, seed, epoch):
        self.calls.append((list(texts), seed, epoch))
        return list(texts) if self.texts is None else self.texts


def test_augmenter_is_called_before_each_epoch(network, corpus):
    """It gets the training texts, one seed and the epoch, and only in training."""
    texts, labels = corpus
    augmenter = Recorder()
    augmented = clone(network).set_params(augmenter=augmenter).fit(texts, labels)
    assert [call[0] for call in augmenter.calls] == [texts] * 2
    assert [call[2] for call in augmenter.calls] == [0, 1]
    assert len({seed for _, seed, _ in augmenter.calls}) == 1
    augmented.predict(texts)
    assert len(augmenter.calls) == 2
    augmented.partial_fit(texts[:9], labels[:9])
    assert augmenter.calls[-1][::2] == (texts[:9], 2)
    again = Recorder()
    clone(network).set_params(augmenter=again).fit(texts, labels)
    assert again.calls == augmenter.calls[:2]


def test_network_trains_on_augmented_texts(network, corpus):
    texts, labels = corpus
    same = clone(network).set_params(augmenter=Recorder()).fit(texts, labels)
    swapped = clone(network).set_params(augmenter=Recorder(texts[::-1]))
    swapped.fit(texts, labels)
    assert not np.array_equal(same.predict_proba(texts), swapped.predict_proba(texts))
