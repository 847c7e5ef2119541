"""Base class of the neural text classifiers."""

import abc
import copy
import dataclasses
import os
from collections.abc import Callable, Collection
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from skorch import NeuralNet

from .training._checkpoint import open_checkpoint
from .training._examples import split_examples, take_rows
from .training._fit import (
    build_state,
    fit_options,
    join_ranks,
    restore_net,
    train_state,
)
from .training._launch import fit_in_workers, needs_workers
from .training._memory import open_memory
from .training._param_checks import (
    check_partial_fit_params,
    check_training_params,
    check_warm_start,
)
from .training._predictor import TextPredictor
from .training._state import net_state
from .utils._fit import forget_file
from .utils._param_validation import (
    Count,
    InnerFraction,
    NonNegative,
    Positive,
    Seed,
    Size,
    Whole,
    check_params,
    hyperparameters,
)
from .utils._training_data import check_partial_fit_classes, check_training_data
from .utils.validation import TextInputMixin

__all__ = ["BaseTextNetClassifier"]


@hyperparameters
class BaseTextNetClassifier(
    TextPredictor, TextInputMixin, ClassifierMixin, BaseEstimator, abc.ABC
):
    """Base class of the neural text classifiers.

    A subclass declares its own parameters and a dict `_recipes` of training recipes,
    and implements two hooks, `_make_encoder` and `_make_network`. In its docstring,
    lines that read ``{inherited_parameters}`` and ``{inherited_attributes}`` stand for
    those of this class.

    Parameters
    ----------
    recipe : {"modern", "paper"}, default="modern"
        Training recipe: initialization, optimizer, learning rate, schedule, sizes of
        minibatches and epochs. "paper" is that of the paper; "modern" has fewer steps.
    max_epochs : int, default=10
        Number of epochs, fewer if `early_stopping` ends training.
    batch_size : int, default=None
        Texts in a minibatch of training, and in a forward pass of prediction. None
        takes the recipe's; some recipes take fewer in `fit` on few texts, down to 4, so
        that an epoch has 100 minibatches.
    learning_rate : float, default=None
        Highest learning rate under the schedule. None takes the recipe's, which may be
        higher in a `fit` of few minibatches.
    epoch_size : int, default=None
        Minibatches in an epoch; each text is drawn with replacement from a class drawn
        uniformly. None takes the recipe's; an epoch of a recipe without one is a pass
        over the data.
    schedule : str or callable, default=None
        Learning-rate schedule: "constant", "halving", "one_cycle", "triangular",
        "triangular2", "exp_range", "decay", or a function like those of
        `sktextconv.schedules`. None takes the recipe's.
    bucketing : bool, default=False
        Whether minibatches hold texts of similar length, in random order: less padding
        where a network computes it.
    augmenter : object, default=None
        Data augmentation: changes the training texts before each epoch, as a
        `SynonymReplacer` does, and never those to predict. Any object with
        ``augment(texts, seed=, epoch=)``.
    early_stopping : bool, default=False
        Whether to set `validation_fraction` of the texts aside, to stop when their
        loss no longer falls, and to restore the weights of the best epoch.
    validation_fraction : float, default=0.1
        Fraction of the texts set aside, stratified by class.
    n_iter_no_change : int, default=3
        Epochs without a lower validation loss before training stops.
    tol : float, default=1e-4
        Smallest decrease of the validation loss that counts as lower.
    class_weight : dict or "balanced", default=None
        Weight of each class in the loss, by label. "balanced" is in inverse proportion
        to its frequency.
    warm_start : bool, default=False
        Whether `fit` continues from the weights and the optimizer of the last call.
        The schedule starts again in each call.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1", "mps"; "auto" takes CUDA, then MPS, then the CPU, and
        in a worker process of a parallel search the CPU, with one warning if there is
        a GPU.
    precision : {"float32", "bfloat16", "auto"}, default="float32"
        "bfloat16" computes convolutions and matrix products in it (autocast): faster on
        hardware made for it, and slower elsewhere. A CPU that cannot computes in
        float32, with a warning in `fit`. "auto" takes bfloat16 on hardware made for it
        and float32 elsewhere.
    compile : bool or str, default=False
        Whether to compile the network with `torch.compile`, which takes up to minutes
        at first and needs a C++ compiler on a CPU. A str names another backend of it.
    n_jobs : int, default=None
        Threads in `fit` and `predict`; -1 takes all cores, None leaves torch's
        setting. Results are the same bit for bit only for one number of threads.
    n_workers : int, default=None
        Processes in which `fit` trains together, each on its part of every minibatch:
        new ones on this machine or, under ``joblib.parallel_config("dask")``, workers
        of a Dask cluster. None and 1 take this process, or those that torchrun has
        started. `partial_fit`, and a worker process of a search, start none.
    callbacks : list of skorch callbacks, default=None
        Called during training; copied first.
    checkpoint : str or path-like, default=None
        File for the state of training, rewritten after each epoch.
    memory : str, path-like or joblib.Memory, default=None
        Folder in which calls of `fit` with equal texts and equal encoding share the
        fitted encoder and the ids, such as the candidates of a search. Those of a
        `tokenizer` or an encoder of your own are not kept, since their code may change.
        joblib reads pickles from it: share it with nobody whom you do not trust.
    resume : bool, default=False
        Whether `fit` resumes from the file `checkpoint`, if it exists. The result is
        that of a training without interruption.
    random_state : int, RandomState instance or None, default=None
        Seeds initial weights, order and dropout. An int gives the same bits each time
        on a CPU.
    verbose : int, default=0
        1 writes a line per epoch, 2 shows texts per second and the time left as well.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    history_ : list of dict
        A record per epoch: "epoch", "n_texts" trained on, "train_loss" and
        "train_error" (a fraction; both in training mode, with dropout and the
        statistics of each minibatch), "valid_loss" and "valid_error" (where texts were
        set aside), "learning_rate" at its start, "seconds".
    n_iter_ : int
        Epochs of the last `fit`; after `partial_fit`, of all calls.
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
    n_workers: Count | None = None
    callbacks: list | tuple | None = None
    checkpoint: str | os.PathLike | None = None
    memory: object | None = None
    resume: bool = False
    random_state: Seed = None
    verbose: Whole = 0

    @abc.abstractmethod
    def _make_encoder(self):
        """Return an unfitted encoder of `sktextconv.encoding`, or your own.

        Your own encoder derives from `BaseTextEncoder`.
        """

    @abc.abstractmethod
    def _make_network(self, n_tokens, n_classes):
        """Return an `nn.Module` that maps ids (batch, length) to logits.

        Its last linear layer computes the logits. For explanations, it must look ids up
        in a module called `embedding`, and otherwise only compare with reserved ids.
        """

    # Functions that return the value of a parameter that is None from an unfitted
    # classifier. They are called in `fit`, and saved models hold the values.
    _derived_parameters: ClassVar = {}

    def _recipe(self):
        """Return the training recipe; a subclass may insert its parameters."""
        return self._recipes[self.recipe]

    def _batch_size(self):
        return int(self.batch_size or self._recipe().batch_size)

    def _init_weights(self, network, encoder, examples, seed):
        """Initialize weights of a new network from the training data, if at all.

        `examples` are the training texts, their encoded labels and their weights.
        """

    def fit(
        self, X: Collection[str], y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Learn to classify texts.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            Texts: a list, a tuple, a NumPy array, a column of pandas, polars or
            pyarrow, or a `TextStore`.
        y : array-like of shape (n_samples,)
            Class labels, all str or all numbers; at least two classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights by position, times `class_weight`, scaled to a mean of 1. A row of
            weight 0 counts as absent.

        Returns
        -------
        self : estimator
            The fitted classifier.

        Raises
        ------
        ValueError
            If a parameter, text, label or weight is invalid, if there is only one
            class, if the network and its gradients take more memory than the machine
            has, if the loss is not finite, if `checkpoint` belongs to another training
            or cannot be written, or if the folder `memory` cannot be made.
        TypeError
            If `X` is not a sequence of texts, or labels are neither all str nor all
            numbers.
        MemoryError
            If a minibatch does not fit into the memory of the device.
        OSError
            If the checkpoint cannot be written.
        RuntimeError
            If one of several processes that train together ends or hangs.
        """
        self._check_parameters()
        texts, classes, y_encoded, weights = check_training_data(
            X,
            y,
            sample_weight,
            class_weight=self.class_weight,
            required_by=type(self).__name__,
        )
        if needs_workers(self):
            fitted = fit_in_workers(self, X, y, sample_weight)
            self._set_fitted(fitted._fitted_state(), n_iter=fitted.n_iter_)
            return self
        warm = self.warm_start and self.__sklearn_is_fitted__()
        if warm:
            check_warm_start(self, classes)
        resume = self.resume and not warm
        memory = open_memory(self)
        ranks = join_ranks(self, texts, y_encoded, weights)
        checkpoint = ranks.share(
            lambda: open_checkpoint(self, texts, y_encoded, weights, resume=resume)
        )
        state = self._fitted_state() if warm else {}
        rng = state["_rng"] if warm else ranks.share(lambda: self._make_rng(checkpoint))
        examples, valid = split_examples(
            texts,
            classes,
            y_encoded,
            weights,
            fraction=self.validation_fraction if self.early_stopping else None,
            rng=rng,
        )
        if not warm:
            state = build_state(self, examples, classes, rng, memory=memory)
        history = train_state(
            self,
            state,
            examples,
            valid=valid,
            checkpoint=checkpoint,
            memory=memory,
            **fit_options(self, len(examples[0]), warm=warm),
        )
        self._set_fitted(state, n_iter=len(history))
        return self

    def partial_fit(
        self,
        X: Collection[str],
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Make one pass over some texts, continuing from the current weights.

        The vocabulary, if there is one, is learned in the first call and then fixed.
        The learning rate is constant, since the number of calls is not known.

        Parameters
        ----------
        X : array-like of str of shape (n_samples,)
            Texts.
        y : array-like of shape (n_samples,)
            Class labels, all of them among `classes`.
        classes : array-like of shape (n_classes,), default=None
            All classes of this and later calls; required in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
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
        check_partial_fit_params(self)
        name = type(self).__name__
        first = not self.__sklearn_is_fitted__()
        classes = check_partial_fit_classes(
            classes, None if first else self.classes_, required_by=name
        )
        texts, classes, y_encoded, weights = check_training_data(
            X,
            y,
            sample_weight,
            class_weight=self.class_weight,
            required_by=name,
            classes=classes,
        )
        ranks = join_ranks(self, texts, y_encoded, weights)
        examples = take_rows(np.flatnonzero(weights), texts, y_encoded, weights)
        state = (
            build_state(self, examples, classes, ranks.share(self._make_rng))
            if first
            else self._fitted_state()
        )
        train_state(self, state, examples, n_epochs=1)
        self._set_fitted(state, n_iter=len(state["history_"]))
        return self

    def _check_parameters(self):
        check_params(self)
        check_training_params(self)

    def _make_rng(self, checkpoint=None):
        # Later calls of fit continue with this generator, and pickles contain it.
        seed = self._make_seed() if checkpoint is None else checkpoint.seed
        return np.random.RandomState(seed)

    def _make_seed(self):
        return check_random_state(self.random_state).randint(2**31)

    def _fitted_state(self):
        """Return the fitted attributes that training changes.

        The random state is a copy, which a training that fails may advance.
        """
        names = ("classes_", "encoder_", "net_", "history_", "_init_params")
        state = {name: vars(self)[name] for name in names}
        return state | {"_rng": copy.deepcopy(self._rng)}

    def _set_fitted(self, state, *, n_iter):
        # Type checkers take the annotations as declarations of the attributes.
        self.classes_: np.ndarray = state["classes_"]
        self.encoder_: Any = state["encoder_"]
        self.net_: NeuralNet = state["net_"]
        self.history_: list[dict[str, Any]] = state["history_"]
        self._init_params = state["_init_params"]
        self._rng = state["_rng"]
        self.n_iter_: int = n_iter
        forget_file(self)

    def _network_parameters(self):
        """Return the parameters that define the encoder and the network."""
        return {
            name: value
            for name, value in self.get_params(deep=False).items()
            if name not in _TRAINING_PARAMS
        }

    def __sklearn_is_fitted__(self):
        return "net_" in vars(self)

    def __getstate__(self):
        # JSON-serializable values and arrays only, which load on any device.
        state = dict(super().__getstate__())
        if "net_" in state:
            state["net_"] = net_state(state["net_"])
            state["encoder_"] = state["encoder_"].get_state()
        return state

    def __setstate__(self, state):
        state = dict(state)
        saved_net = state.pop("net_", None)
        super().__setstate__(state)
        if saved_net is None:
            return
        template = type(self)(**self._init_params)
        self.encoder_ = template._make_encoder().set_state(**self.encoder_)
        self.net_ = restore_net(template, self.encoder_, len(self.classes_), saved_net)


# Parameters of training alone, which may change between calls with warm_start=True.
_TRAINING_PARAMS = {
    field.name for field in dataclasses.fields(BaseTextNetClassifier)
} - {"recipe", "device", "precision", "compile"}
