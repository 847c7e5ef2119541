"""Models of the command `train`: their names, and estimators with checked settings."""

import dataclasses
import inspect

from .. import _HOMES
from ..utils._param_names import describe_unknown_name

__all__ = ["DEFAULT_MODEL", "LINEAR_MODELS", "MODELS", "ONLINE_MODELS", "make_model"]

DEFAULT_MODEL = "tfidf"

# Functions of `sktextconv.baselines` and arguments, by the names of linear models. They
# are strings because help must not wait for scikit-learn.
LINEAR_MODELS = {
    "tfidf": ("make_tfidf_classifier", {}),
    "ngrams-nb": ("make_nb_ngram_classifier", {}),
    "bow": ("make_bow_classifier", {}),
    "bow-tfidf": ("make_bow_classifier", {"tfidf": True}),
    "ngrams": ("make_ngram_classifier", {}),
    "ngrams-tfidf": ("make_ngram_classifier", {"tfidf": True}),
    "bag-of-means": ("make_bag_of_means_classifier", {}),
}
# The same of linear models that are no pipelines, but classes of `sktextconv.online`.
ONLINE_MODELS = {"tfidf-online": ("OnlineNGramClassifier", {})}
# The same of networks, which have the names of their classes, and of all models.
_NETWORKS = {
    name.removesuffix("Classifier").lower(): (name, {}) for name in _HOMES["networks"]
}
MODELS = LINEAR_MODELS | ONLINE_MODELS | _NETWORKS


def make_model(name, settings, *, seed, max_epochs=None, device=None):
    """Return an unfitted model, with checked parameters.

    Parameters
    ----------
    name : str
        A key of `MODELS`.
    settings : dict of str to object
        Parameters of a class; arguments of the function that makes a pipeline,
        parameters of its last step, or any as ``step__parameter``.
    seed : int
        Seed of every step, unless it is among the settings.
    max_epochs, device : object, default=None
        Values of the options ``--epochs`` and ``--device``; None if not given.

    Raises
    ------
    ValueError
        If there is no such parameter, or a value is invalid.
    """
    options = {"--epochs": ("max_epochs", max_epochs), "--device": ("device", device)}
    options = {key: value for key, value in options.items() if value[1] is not None}
    if name in LINEAR_MODELS:
        for option in options:
            _reject_option(name, option)
        return _make_pipeline(name, settings, seed)
    return _make_classifier(name, settings, seed, options)


def _reject_option(name, option):
    raise ValueError(
        f"{option}: expected a model with it, got the linear model {name}; leave "
        f"out {option}, or pass --model kimcnn or another network."
    )


def _make_classifier(name, settings, seed, options):
    if name in ONLINE_MODELS:
        from .. import online as home  # needs no torch
    else:
        from .. import networks as home

    estimator = getattr(home, MODELS[name][0])
    settings, known = dict(settings), list(estimator().get_params())
    for option, (parameter, value) in options.items():
        if parameter not in known:
            _reject_option(name, option)
        if parameter in settings:
            raise ValueError(f"expected {option} or --set {parameter}=..., got both.")
        settings[parameter] = value
    for parameter in settings:
        _check_known(name, parameter, known)
    defaults = {"random_state": seed, "verbose": 2}
    defaults = {key: value for key, value in defaults.items() if key in known}
    classifier = estimator(**defaults | settings)
    classifier._check_parameters()
    if "device" in known:
        from ..training._device import resolve_device

        resolve_device(classifier.device)
    return classifier


def _make_pipeline(name, settings, seed):
    from .. import baselines
    from ..utils._fit import set_seeds
    from ..utils._param_validation import check_params

    function, fixed = LINEAR_MODELS[name]
    make = getattr(baselines, function)
    pipeline = make(**fixed)
    last, classifier = pipeline.steps[-1]
    # The names of arguments are the shorter ones.
    arguments = [key for key in inspect.signature(make).parameters if key not in fixed]
    others = {key: f"{last}__{key}" for key in classifier.get_params()}
    others |= {key: key for key in pipeline.get_params() if "__" in key}
    known = dict.fromkeys([*arguments, *classifier.get_params()])
    for parameter in settings:
        if parameter not in others:
            _check_known(name, parameter, list(known))
    given = {key: value for key, value in settings.items() if key in arguments}
    pipeline = make(**fixed | given)
    if not any(key.endswith("random_state") for key in settings):
        set_seeds(pipeline, seed, replace=True)
    pipeline.set_params(
        **{others[key]: value for key, value in settings.items() if key not in given}
    )
    for _, step in pipeline.steps:
        if dataclasses.is_dataclass(step):  # that of scikit-learn is not
            check_params(step)
    return pipeline


def _check_known(name, parameter, known):
    """Raise `ValueError` unless a model has a parameter of a name."""
    if parameter not in known:
        hint = describe_unknown_name(parameter, known)
        raise ValueError(f"--set: {name} has no parameter {parameter!r}; {hint}")
