"""Building, training and restoring the net of an estimator."""

import contextlib
import functools
import warnings
import zlib

import torch
from skorch.callbacks import EarlyStopping
from skorch.utils import noop

from ..encoding._ragged import Ragged
from ..schedules import resolve_schedule
from ..utils._param_validation import python_values
from ._checkpoint import describe
from ._data import EncodedDataset, make_augment_fn
from ._device import resolve_device, seeded
from ._loop import check_size, train
from ._memory import encode_once, fit_encoder_once
from ._net import make_net
from ._progress import EpochLine, ProgressBar
from ._ranks import find_ranks
from ._state import load_net_state, net_state, restore_on_error
from ._torch_defaults import torch_defaults
from ._windows import WindowTargets

__all__ = [
    "build_state",
    "fit_options",
    "join_ranks",
    "make_template",
    "restore_net",
    "train_state",
]

_MIN_BATCH_SIZE = 4  # to which `Recipe.min_batches` shrinks minibatches
_MAX_TIMES = 50  # by which `Recipe.min_steps` multiplies the learning rate
_MAX_COMPARED = 1000  # texts that processes compare before they train together


def make_template(estimator):
    """Return an unfitted copy with Python numbers and all derived parameters."""
    template = type(estimator)(**python_values(estimator))
    for name, derive in estimator._derived_parameters.items():
        if getattr(template, name) is None:
            setattr(template, name, derive(template))
    return template


def join_ranks(estimator, texts, y_encoded, weights):
    """Wait for the processes that fit together, and return them.

    Raises
    ------
    ValueError
        If they have different parameters, texts, labels or weights.
    """
    ranks = find_ranks()
    if ranks.size == 1:
        return ranks
    checksum = zlib.crc32(weights.tobytes(), zlib.crc32(y_encoded.tobytes()))
    for row in range(0, len(texts), -(-len(texts) // _MAX_COMPARED)):
        checksum = zlib.crc32(texts[row].encode("utf-8", "surrogatepass"), checksum)
    own = describe(estimator) | {"data": f"{len(texts)} texts, {checksum:08x}"}
    del own["device"]
    first, *others = ranks.gather(own)
    for rank, other in enumerate(others, 1):
        if other != first:
            name = next(name for name in first if first[name] != other.get(name))
            raise ValueError(
                f"Expected all {ranks.size} processes to fit with the same parameters, "
                f"texts, labels and weights, got {name} = {first[name]} in process 0 "
                f"and {other.get(name)} in process {rank}."
            )
    return ranks


def build_state(estimator, examples, classes, rng, *, memory=None):
    """Return the fitted attributes of an estimator before its first epoch.

    Parameters
    ----------
    estimator : BaseTextNetClassifier
    examples : tuple of texts, encoded labels and weights
    classes : ndarray of shape (n_classes,)
    rng : RandomState
        Seeds the initial weights, and later the calls of `train_state`.
    memory : joblib.Memory or None, default=None
        Holds encoders that were fitted to equal texts.

    Returns
    -------
    state : dict
        Values of "classes_", "encoder_", "net_", "history_" (empty), "_init_params"
        and "_rng".
    """
    ranks = find_ranks()
    device = resolve_device(estimator.device, ranks.local_rank)
    template = make_template(estimator)
    seed = rng.randint(2**31)

    def build():
        encoder = fit_encoder_once(template._make_encoder(), examples[0], memory)
        sizes = (encoder.n_tokens, len(classes))
        with torch_defaults(estimator.n_jobs):
            with seeded(seed, device):
                name = type(estimator).__name__
                check_size(template._make_network, sizes, required_by=name)
            with seeded(seed, device):
                network = template._make_network(*sizes)
                template._init_weights(network, encoder, examples, seed)
                return encoder, _make_net(template, network, device)

    if ranks.size == 1:
        encoder, net = build()
    else:
        encoder, net = _build_in_ranks(ranks, build, template, len(classes), device)
    if template.precision == "bfloat16" != net.precision and not ranks.rank:
        warnings.warn(
            "precision='bfloat16' needs hardware that computes in it, which this "
            f"{device} does not: it computes in float32.",
            UserWarning,
            stacklevel=3,
        )
    return {
        "classes_": classes,
        "encoder_": encoder,
        "net_": net,
        "history_": [],
        "_init_params": template._network_parameters(),
        "_rng": rng,
    }


def _build_in_ranks(ranks, build, template, n_classes, device):
    """Return encoder and net as built in process 0, with copies in the others."""
    built = []

    def save():
        built.extend(build())
        encoder, net = built
        return encoder.get_state(), net_state(net)

    encoder_state, saved_net = ranks.share(save)
    if not built:
        encoder = template._make_encoder().set_state(**encoder_state)
        saved_net = saved_net | {"device": str(device)}
        built = encoder, restore_net(template, encoder, n_classes, saved_net)
    return built


def fit_options(estimator, n_texts, *, warm=False):
    """Return the arguments of `train` for a `fit` on `n_texts` texts.

    With `warm`, it continues from trained weights, and the rate is the recipe's.
    """
    recipe, size = estimator._recipe(), estimator._batch_size()
    epoch_size = estimator.epoch_size or recipe.epoch_size
    schedule = recipe.schedule if estimator.schedule is None else estimator.schedule
    if recipe.min_batches and not (estimator.batch_size or epoch_size):
        size = min(size, max(n_texts // recipe.min_batches, _MIN_BATCH_SIZE))
    n_epochs = int(estimator.max_epochs)
    n_steps = n_epochs * int(epoch_size or -(-n_texts // size))
    rate = recipe.learning_rate
    if not warm:
        rate *= min(max(recipe.min_steps / n_steps, 1), _MAX_TIMES)
    return {
        "n_epochs": n_epochs,
        "batch_size": size,
        "learning_rate": estimator.learning_rate or rate,
        "epoch_size": epoch_size and int(epoch_size),
        "schedule": schedule and resolve_schedule(schedule),
    }


def train_state(
    estimator,
    state,
    examples,
    *,
    valid=None,
    checkpoint=None,
    memory=None,
    **train_kwargs,
):
    """Train the net in `state` and append to its history; return the new records.

    Parameters
    ----------
    estimator : BaseTextNetClassifier
    state : dict
        As returned by `build_state`; its net is trained in place.
    examples, valid : tuple of texts, encoded labels and weights
        Training and validation data; None for no validation.
    checkpoint : Checkpoint or None, default=None
    memory : joblib.Memory or None, default=None
        Holds the ids of equal texts.
    **train_kwargs
        Passed on to `train`. The batch size and learning rate of the estimator are the
        default.
    """
    encoder, net, augment_fn = state["encoder_"], state["net_"], None
    ranks = find_ranks()
    if checkpoint is not None:
        checkpoint.check_encoder(encoder)
    encoder._warn_if_unreadable(examples[0], stacklevel=4)
    n_before = len(state["history_"])
    defaults = {
        "batch_size": estimator._batch_size(),
        "learning_rate": estimator.learning_rate,
    }
    if estimator.augmenter is not None:
        augment_fn = make_augment_fn(
            estimator.augmenter,
            examples[0],
            encoder,
            seed=state["_rng"].randint(2**31),
            first_epoch=n_before,
            ranks=ranks,
        )

    def encoded(texts, y_encoded, weights, windows=None):
        encode = functools.partial(encode_once, encoder, memory=memory)
        ids = ranks.share_encoded(encode, texts)
        targets = {"targets": y_encoded, "weights": weights}
        if windows is not None:
            make = functools.partial(
                WindowTargets,
                ids,
                y_encoded,
                weights,
                n_tokens=encoder.n_tokens,
                n_classes=len(state["classes_"]),
                windows=windows,
            )
            targets["window_targets"] = _share_window_targets(ranks, make)
        return EncodedDataset(ids, net.device, **targets)

    seed = state["_rng"].randint(2**31)
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch_defaults(estimator.n_jobs))
        stack.enter_context(seeded(seed, net.device))
        stack.enter_context(ranks.explain_errors())
        if estimator.__sklearn_is_fitted__() and net is estimator.net_:
            stack.enter_context(restore_on_error(net))
        history = train(
            net,
            encoded(*examples, windows=getattr(net.module_, "windows", None)),
            valid=None if valid is None else encoded(*valid),
            bucketing=bool(estimator.bucketing),
            augment_fn=augment_fn,
            callbacks=_make_callbacks(estimator, valid, checkpoint, ranks),
            ranks=ranks,
            # From the same seed as in a single process, which draws dropout from it.
            order=torch.Generator().manual_seed(seed) if ranks.size > 1 else None,
            **(defaults | train_kwargs),
        )
    state["history_"] = state["history_"] + [
        row | {"epoch": row["epoch"] + n_before} for row in history
    ]
    return history


def _share_window_targets(ranks, make):
    """Return the `WindowTargets` of `make` as a function that all ranks call.

    One process of each machine counts n-grams and computes probabilities.
    """
    make = functools.cache(make)

    def window_targets(encoded):
        # Rows of probabilities instead of ids.
        shared = ranks.share_ragged(lambda: Ragged(*make()(encoded)))
        return shared.ids, shared.offsets

    return window_targets


def restore_net(template, encoder, n_classes, saved_net):
    """Return the net that `net_state` saved, on its device or else on the CPU."""
    try:
        device = resolve_device(saved_net["device"])
    except ValueError:
        device = torch.device("cpu")
    with torch_defaults():
        with seeded(0, device):
            network = template._make_network(encoder.n_tokens, n_classes)
            net = _make_net(template, network, device)
        load_net_state(net, saved_net)
    return net


def _make_net(template, network, device):
    return make_net(
        network,
        template._recipe(),
        device=device,
        precision=template.precision,
        compile=template.compile,
    )


def _make_callbacks(estimator, valid, checkpoint, ranks):
    callbacks = list(estimator.callbacks or ())
    if estimator.verbose and not ranks.rank:
        callbacks.append(EpochLine() if estimator.verbose == 1 else ProgressBar())
    if valid is not None:
        # After the others, since it stops with an exception.
        callbacks.append(
            EarlyStopping(
                patience=int(estimator.n_iter_no_change),
                threshold=float(estimator.tol),
                threshold_mode="abs",
                load_best=True,
                sink=noop,
            )
        )
    if checkpoint is not None:
        callbacks.append(checkpoint)
    return callbacks
