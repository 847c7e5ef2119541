"""The whole scikit-learn contract of a classifier of texts, once."""

import abc
import contextlib
import dataclasses
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.utils import (
    check_consistent_length,
    check_random_state,
    compute_class_weight,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, _check_y, check_is_fitted
from skorch.callbacks import Callback, EarlyStopping
from skorch.utils import noop

from .schedules import resolve_schedule
from .training._checkpoint import (
    Checkpoint,
    check_place,
    check_same_training,
    read_checkpoint,
)
from .training._data import EncodedTexts
from .training._device import resolve_device, seeded, threads
from .training._loop import check_size, predict_logits, train
from .training._net import make_net
from .training._progress import EpochLine, ProgressBar
from .training._state import load_net_state, net_state, unharmed
from .utils._labels import check_labels
from .utils._param_validation import (
    Count,
    InnerFraction,
    NonNegative,
    Positive,
    Seed,
    Size,
    Whole,
    accepts,
    check_params,
    hyperparameters,
    python_values,
)
from .utils.validation import TextSequence, check_texts

__all__ = ["BaseTextNetClassifier"]

# Bounds the memory of a prediction. Those of like length share minibatches.
_PREDICTED_AT_ONCE = 2**14


@hyperparameters
class BaseTextNetClassifier(ClassifierMixin, BaseEstimator, abc.ABC):
    """Base of all networks: labels, weights, seeds, encoding, training, prediction.

    A subclass declares its hyper-parameters, a table `_recipes` of how it is trained,
    and completes two hooks: `_make_encoder` and `_make_network`.
    """

    recipe: Literal["modern", "paper"] = "modern"
    max_epochs: Count = 10
    batch_size: Size | None = None
    learning_rate: Positive | None = None
    epoch_size: Size | None = None
    schedule: str | Callable | None = None
    bucketing: bool = False
    augmenter: object | None = None
    early_stopping: bool = False
    validation_fraction: InnerFraction = 0.1
    n_iter_no_change: Count = 3
    tol: NonNegative = 1e-4
    class_weight: dict | Literal["balanced"] | None = None
    warm_start: bool = False
    device: str = "auto"
    precision: Literal["float32", "bfloat16", "auto"] = "float32"
    compile: bool | str = False
    n_jobs: int | None = None
    callbacks: list | tuple | None = None
    checkpoint: str | os.PathLike | None = None
    resume: bool = False
    random_state: Seed = None
    verbose: Whole = 0

    @abc.abstractmethod
    def _make_encoder(self):
        """Return an encoder: `fit(texts)`, `encode(texts)` → Ragged, `n_tokens`.

        To be kept, what it has learnt: `learnt()` → dict of plain values, `restore(…)`.
        To be explained, where the ids of a text stand: `places(text)` → (n_ids, 2).
        """

    @abc.abstractmethod
    def _make_network(self, n_tokens, n_classes):
        """Return an `nn.Module` that takes ids (batch, length) to logits.

        To be explained, it looks ids up in a module `embedding`, and otherwise only
        compares them with ids that are reserved.
        """

    def _recipe(self):
        """Return how the network is trained; a subclass may put its parameters in."""
        return self._recipes[self.recipe]

    def _batch_size(self):
        return int(self.batch_size or self._recipe().batch_size)

    def _start(self, network, encoder, examples, seed):
        """Give a new network what it starts from, besides random weights, if any.

        `examples` are the training texts, their class codes and their weights.
        """

    # -- fitting ---------------------------------------------------------------

    def fit(self, X, y, sample_weight=None):
        """Learn to classify texts.

        Parameters
        ----------
        X : array-like of str of shape (n_documents,)
            Texts: a list, a tuple, a NumPy array, a column of pandas, polars or
            pyarrow, or a `TextStore`.
        y : array-like of shape (n_documents,)
            Class labels, all str or all numbers; at least two classes.
        sample_weight : array-like of shape (n_documents,), default=None
            Weights by position, times `class_weight`, scaled to a mean of 1. A row of
            weight 0 counts as absent.

        Returns
        -------
        self : estimator
            The fitted classifier.

        Raises
        ------
        ValueError
            If a parameter, text, label or weight is not what it must be, if there is
            only one class, if the network and its gradients take more memory than the
            machine has, if the loss stops being finite, or if `checkpoint` is of
            another training or names no file that can be written.
        TypeError
            If `X` is no sequence of texts, or labels are neither all str nor all
            numbers.
        MemoryError
            If a minibatch does not fit into the memory of the device.
        OSError
            If the checkpoint cannot be written.
        """
        self._check_parameters()
        texts, classes, codes, weights = self._check_training_data(X, y, sample_weight)
        if len(classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes in the "
                "data, but the data contains only one class: "
                f"{classes.tolist()[0]!r}"
            )
        warm = self.warm_start and self.__sklearn_is_fitted__()
        if warm:
            self._check_warm_start(classes)
        keeping = None
        if self.checkpoint is not None:
            keeping = self._make_checkpoint(texts, codes, weights, warm=warm)
        rng = self._rng if warm else self._make_rng(keeping)
        rows, valid_rows = self._split(np.flatnonzero(weights), classes, codes, rng)
        examples = _take(rows, texts, codes, weights / weights[rows].mean())
        valid = None
        if valid_rows is not None:
            weights = weights / weights[valid_rows].mean()
            valid = _take(valid_rows, texts, codes, weights)

        recipe = self._recipe()
        epoch_size = self.epoch_size or recipe.epoch_size
        model = self._model() if warm else self._build(examples, classes, rng)
        history = self._train(
            model,
            examples,
            valid=valid,
            keeping=keeping,
            n_epochs=int(self.max_epochs),
            epoch_size=epoch_size and int(epoch_size),
            schedule=(
                recipe.schedule
                if self.schedule is None
                else resolve_schedule(self.schedule)
            ),
        )
        vars(self).update(model, n_iter_=len(history))
        return self

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Make one pass over some texts, going on from what was learnt before.

        The vocabulary, where there is one, is learnt in the first call and kept. The
        learning rate follows no schedule, since the number of calls is not known.

        Parameters
        ----------
        X : array-like of str of shape (n_documents,)
            Texts.
        y : array-like of shape (n_documents,)
            Class labels, all of them among `classes`.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever come; needed in the first call.
        sample_weight : array-like of shape (n_documents,), default=None
            Weights by position, times `class_weight`; not scaled.

        Returns
        -------
        self : estimator
            The fitted classifier.

        Raises
        ------
        ValueError
            As `fit` does, and if `classes` is missing in the first call or not the
            same later, if `y` has others, if `early_stopping=True` or if
            `class_weight="balanced"`.
        """
        self._check_parameters()
        name = type(self).__name__
        if self.early_stopping:
            raise ValueError(
                f"partial_fit does not support early_stopping=True of {name}. "
                "Set early_stopping=False or use fit."
            )
        if isinstance(self.class_weight, str):
            raise ValueError(
                "class_weight 'balanced' is not supported for partial_fit, which does "
                "not see all labels at once. Pass a dict of weights instead."
            )
        first = not self.__sklearn_is_fitted__()
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if classes is not None:
            classes = np.unique(check_labels(classes, name="classes"))
            if first and len(classes) < 2:
                raise ValueError(
                    f"{name} needs at least 2 classes, but classes holds "
                    f"{'only one class' if len(classes) else 'none'}: "
                    f"{classes.tolist()}"
                )
            if not first and not np.array_equal(classes, self.classes_):
                raise ValueError(
                    "`classes=...` is not the same as on last call to partial_fit, "
                    f"was: {self.classes_}. Got {classes} instead."
                )
        texts, classes, codes, weights = self._check_training_data(
            X, y, sample_weight, classes=classes if first else self.classes_
        )
        rows = np.flatnonzero(weights)
        examples = _take(rows, texts, codes, weights)
        model = (
            self._build(examples, classes, np.random.RandomState(self._make_seed()))
            if first
            else self._model()
        )
        self._train(model, examples, n_epochs=1)
        vars(self).update(model, n_iter_=len(model["history_"]))
        return self

    def _check_parameters(self):
        check_params(self)
        if self.resume and self.checkpoint is None:
            raise ValueError(
                f"resume=True of {type(self).__name__} goes on from a file, and "
                "checkpoint=None names none. Pass checkpoint=PATH."
            )
        if self.schedule is not None:
            resolve_schedule(self.schedule)
        if not hasattr(self.augmenter, "augment") and self.augmenter is not None:
            raise ValueError(
                f"The 'augmenter' parameter of {type(self).__name__} must be None or "
                "an object with a method augment(texts, seed=, epoch=), such as a "
                f"SynonymReplacer. Got {self.augmenter!r} instead."
            )
        for callback in self.callbacks or ():
            if not isinstance(callback, Callback):
                raise ValueError(
                    f"The 'callbacks' parameter of {type(self).__name__} must be None "
                    f"or a list of callbacks of skorch. Got {callback!r} in it."
                )
        if isinstance(self.class_weight, dict):
            for label, weight in self.class_weight.items():
                if not accepts(NonNegative, weight):
                    raise ValueError(
                        f"The 'class_weight' parameter of {type(self).__name__} must "
                        "hold a float in the range [0.0, inf) for each class. Got "
                        f"{weight!r} for {label!r}."
                    )

    def _check_training_data(self, X, y, sample_weight, classes=None):
        """Return texts, classes, each text's class code, and its whole weight."""
        texts = check_texts(X, required_by=type(self).__name__)
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but "
                "the target y is None."
            )
        y = _check_y(check_labels(y), estimator=self)
        check_classification_targets(y)
        check_consistent_length(texts, y)
        if sample_weight is None:
            weights = np.ones(len(texts))
        else:
            weights = _check_weights(sample_weight, y)
        if classes is None:
            classes, codes = np.unique(y, return_inverse=True)
        else:
            unseen = np.setdiff1d(y, classes)
            if len(unseen):
                raise ValueError(
                    "`y` has classes not in `self.classes_`. `self.classes_` has "
                    f"{classes}. `y` has {unseen} besides."
                )
            codes = np.searchsorted(classes, y)
        with np.errstate(over="ignore"):
            weights = weights * self._class_weights(classes, codes, weights)[codes]
            total = weights.sum()
        if not weights.any():
            raise ValueError(
                "Sample weights must contain at least one non-zero number, also after "
                "they are multiplied by class_weight."
            )
        limits = np.finfo(np.float32)
        if not limits.tiny <= total <= limits.max:
            raise ValueError(
                f"Sample weights must sum to a number from {limits.tiny:.0e} to "
                f"{limits.max:.0e}, also after they are multiplied by class_weight. "
                "Divide them by the largest."
            )
        return texts, classes, codes, weights

    def _class_weights(self, classes, codes, weights):
        """Return the weight of each class; "balanced" counts rows by their weights."""
        if self.class_weight is None:
            return np.ones(len(classes))
        if isinstance(self.class_weight, str):
            mass = np.bincount(codes, weights, minlength=len(classes))
            share = np.divide(mass.sum(), mass, out=np.zeros_like(mass), where=mass > 0)
            return share / np.count_nonzero(mass)
        return compute_class_weight(self.class_weight, classes=classes, y=classes)

    def _split(self, kept, classes, codes, rng):
        if not self.early_stopping:
            return kept, None
        splitter = StratifiedShuffleSplit(
            n_splits=1,
            test_size=float(self.validation_fraction),
            random_state=rng.randint(2**31),
        )
        try:
            train_rows, valid_rows = next(splitter.split(kept, codes[kept]))
        except ValueError as error:
            counts = np.bincount(codes[kept], minlength=len(classes))
            rarest = classes.tolist()[counts.argmin()]
            raise ValueError(
                f"{error} early_stopping=True sets validation_fraction="
                f"{self.validation_fraction} of {len(kept)} texts aside, and class "
                f"{rarest!r} has {counts.min()}. Add texts, change "
                "validation_fraction, or set early_stopping=False."
            ) from error
        return kept[train_rows], kept[valid_rows]

    def _check_warm_start(self, classes):
        if not np.array_equal(classes, self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the "
                f"previous call to fit. Previously got {self.classes_}, `y` has "
                f"{classes}."
            )
        now = self.get_params(deep=False)
        changed = [
            name for name, value in self._made_with.items() if _differ(now[name], value)
        ]
        if changed:
            raise ValueError(
                "warm_start=True goes on with the network as it is, so "
                f"{' and '.join(sorted(changed))} cannot change. Set back the previous "
                "value or warm_start=False."
            )

    def _make_rng(self, keeping=None):
        # A generator of our own: later calls go on with it, and it travels in pickles.
        seed = self._make_seed() if keeping is None else keeping.about["seed"]
        return np.random.RandomState(seed)

    def _make_seed(self):
        return check_random_state(self.random_state).randint(2**31)

    def _make_checkpoint(self, texts, codes, weights, *, warm):
        """Return what keeps the state of training after each epoch."""
        digest = hashlib.sha256(codes.tobytes() + weights.tobytes())
        for text in texts:
            digest.update(f"{len(text)} {text}".encode("utf-8", "surrogatepass"))
        about = {
            name: _in_words(value)
            for name, value in self.get_params(deep=False).items()
            if name not in _NOT_OF_THE_RESULT
        }
        about |= {"estimator": type(self).__name__, "data": digest.hexdigest()}
        path = Path(self.checkpoint)
        check_place(path, required_by=type(self).__name__)
        resumed = read_checkpoint(path) if self.resume and not warm else None
        if resumed is None:
            return Checkpoint(path, about | {"seed": self._make_seed()})
        check_same_training(path, resumed["about"], about)
        return Checkpoint(path, resumed["about"], resumed)

    def _model(self):
        """The fitted attributes that training changes."""
        names = ("classes_", "encoder_", "net_", "history_", "_made_with", "_rng")
        return {name: vars(self)[name] for name in names}

    def _build(self, examples, classes, rng):
        device = resolve_device(self.device)
        maker = type(self)(**python_values(self))
        encoder = maker._make_encoder().fit(examples[0])
        sizes = (encoder.n_tokens, len(classes))
        seed = rng.randint(2**31)
        with threads(self.n_jobs):
            with seeded(seed, device):
                check_size(maker._make_network, sizes, required_by=type(self).__name__)
            with seeded(seed, device):
                network = maker._make_network(*sizes)
                maker._start(network, encoder, examples, seed)
                net = maker._make_net(network, device)
        return {
            "classes_": classes,
            "encoder_": encoder,
            "net_": net,
            "history_": [],
            "_made_with": maker._network_parameters(),
            "_rng": rng,
        }

    def _network_parameters(self):
        """The parameters that say what encoder and network are."""
        return {
            name: value
            for name, value in self.get_params(deep=False).items()
            if name not in _HOW_TRAINING_GOES
        }

    def _make_net(self, network, device):
        recipe = self._recipe()
        return make_net(
            network,
            recipe,
            device=device,
            precision=self.precision,
            compile=self.compile,
        )

    def _train(self, model, examples, *, valid=None, keeping=None, **how):
        """Train the net of `model`; return the new part of its history."""
        encoder, net, renew = model["encoder_"], model["net_"], None
        n_before = len(model["history_"])
        if self.augmenter is not None:
            texts, seed = examples[0], model["_rng"].randint(2**31)

            def renew(epoch):
                epoch += n_before
                augmented = self.augmenter.augment(texts, seed=seed, epoch=epoch)
                augmented = check_texts(
                    augmented, required_by=type(self.augmenter).__name__
                )
                check_consistent_length(texts, augmented)
                return encoder.encode(augmented)

        def encoded(texts, codes, weights):
            ids = encoder.encode(texts)
            return EncodedTexts(ids, net.device, codes=codes, weights=weights)

        callbacks = list(self.callbacks or ())
        if self.verbose:
            callbacks.append(EpochLine() if self.verbose == 1 else ProgressBar())
        if valid is not None:
            callbacks.append(  # after the others: it stops by raising an exception
                EarlyStopping(
                    patience=int(self.n_iter_no_change),
                    threshold=float(self.tol),
                    threshold_mode="abs",
                    load_best=True,
                    sink=noop,
                )
            )
        if keeping is not None:
            callbacks.append(keeping)
        with contextlib.ExitStack() as stack:
            stack.enter_context(threads(self.n_jobs))
            stack.enter_context(seeded(model["_rng"].randint(2**31), net.device))
            if self.__sklearn_is_fitted__() and net is self.net_:
                stack.enter_context(unharmed(net))
            history = train(
                net,
                encoded(*examples),
                valid=None if valid is None else encoded(*valid),
                batch_size=self._batch_size(),
                learning_rate=self.learning_rate,
                bucketing=bool(self.bucketing),
                renew=renew,
                callbacks=callbacks,
                **how,
            )
        model["history_"] = model["history_"] + [
            row | {"epoch": row["epoch"] + n_before} for row in history
        ]
        return history

    # -- predicting ------------------------------------------------------------

    def decision_function(self, X):
        """Return the logits of texts.

        Parameters
        ----------
        X : array-like of str of shape (n_documents,)
            Texts.

        Returns
        -------
        scores : ndarray of float64 of shape (n_documents,) or (n_documents, n_classes)
            For two classes the logit of ``classes_[1]`` less that of ``classes_[0]``,
            else a column per class in the order of `classes_`.

        Raises
        ------
        ValueError
            If the weights have grown without bound in training.
        """
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def predict_proba(self, X):
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of str of shape (n_documents,)
            Texts.

        Returns
        -------
        probabilities : ndarray of float64 of shape (n_documents, n_classes)
            Columns in the order of `classes_`; rows sum to 1.

        Raises
        ------
        ValueError
            If the weights have grown without bound in training.
        """
        return softmax(self._logits(X), axis=1)

    def predict_log_proba(self, X):
        """Return the logarithm of the probability of each class, always finite.

        Parameters
        ----------
        X : array-like of str of shape (n_documents,)
            Texts.

        Returns
        -------
        log_probabilities : ndarray of float64 of shape (n_documents, n_classes)
            Columns in the order of `classes_`.

        Raises
        ------
        ValueError
            If the weights have grown without bound in training.
        """
        return log_softmax(self._logits(X), axis=1)

    def predict(self, X):
        """Return the likeliest class of each text.

        Parameters
        ----------
        X : array-like of str of shape (n_documents,)
            Texts.

        Returns
        -------
        labels : ndarray of shape (n_documents,)
            Labels as they were given to `fit`, of the type of `classes_`.

        Raises
        ------
        ValueError
            If the weights have grown without bound in training.
        """
        likeliest = self.predict_proba(X).argmax(axis=1)
        return self.classes_[likeliest]

    def _logits(self, X):
        check_is_fitted(self)
        check_params(self, only=("recipe", "batch_size", "n_jobs"))
        texts = check_texts(X, required_by=type(self).__name__)
        logits = []
        with threads(self.n_jobs):
            for start in range(0, len(texts), _PREDICTED_AT_ONCE):
                ids = self.encoder_.encode(texts[start : start + _PREDICTED_AT_ONCE])
                logits.append(
                    predict_logits(self.net_, ids, batch_size=self._batch_size())
                )
        return np.concatenate(logits)

    # -- scikit-learn ----------------------------------------------------------

    def __sklearn_is_fitted__(self):
        return "net_" in vars(self)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags

    def __getstate__(self):
        # Plain values and arrays only: they load on any device.
        state = dict(super().__getstate__())
        if "net_" in state:
            state["net_"] = net_state(state["net_"])
            state["encoder_"] = state["encoder_"].learnt()
        return state

    def __setstate__(self, state):
        state = dict(state)
        kept = state.pop("net_", None)
        super().__setstate__(state)
        if kept is None:
            return
        try:
            device = resolve_device(kept["device"])
        except ValueError:
            device = torch.device("cpu")
        maker = type(self)(**self._made_with)
        self.encoder_ = maker._make_encoder().restore(**self.encoder_)
        with seeded(0, device):
            network = maker._make_network(self.encoder_.n_tokens, len(self.classes_))
            net = maker._make_net(network, device)
        load_net_state(net, kept)
        self.net_ = net


# What a training that is resumed may do in another way than before.
_NOT_OF_THE_RESULT = {"verbose", "callbacks", "checkpoint", "resume", "warm_start"}

# What may change between two calls of fit with warm_start=True: how training goes on,
# but not what the network is.
_HOW_TRAINING_GOES = {
    field.name for field in dataclasses.fields(BaseTextNetClassifier)
} - {"recipe", "device", "precision", "compile"}


def _check_weights(sample_weight, y):
    try:
        return _check_sample_weight(
            sample_weight,
            # Only its length is looked at; a list of str would become an array.
            y,
            dtype=np.float64,
            copy=True,
            ensure_non_negative=True,
        )
    except (OverflowError, RuntimeError) as error:
        raise ValueError(
            f"Expected sample_weight to hold a number for each text, got: {error}."
        ) from error


def _differ(value, other):
    if value is other:
        return False
    try:
        return bool(value != other)
    except ValueError:  # arrays inside, of which only the same ones count as equal
        return True


def _in_words(value):
    """A parameter's value as text that is the same in every process."""
    plain = (str, int, float, np.generic, tuple, list, dict, BaseEstimator, os.PathLike)
    if value is None or isinstance(value, plain):
        return repr(value)
    return getattr(value, "__qualname__", type(value).__qualname__)


def _take(rows, texts, codes, weights):
    if isinstance(texts, TextSequence):
        return texts[rows], codes[rows], weights[rows]
    return [texts[row] for row in rows], codes[rows], weights[rows]
