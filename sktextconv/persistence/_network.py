"""Header and weights of a saved network."""

import copy
import json

import numpy as np
import sklearn
import skorch
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.overrides import TorchFunctionMode

from .. import _HOMES, networks
from ..training._device import resolve_device
from ..training._torch_defaults import torch_defaults
from ._header import (
    from_json,
    make_header,
    parameters_to_json,
    reject_tokenizer,
    restore_header,
    to_json,
)

__all__ = ["SavedNetwork", "check_network"]

_CLASSIFIERS = {name: getattr(networks, name) for name in _HOMES["networks"]}

_KEYS = {  # of the header, besides those of every model, with the types of the values
    "parameters": dict,
    "encoder": dict,  # its fitted state
    "history": list,
    "n_iter": int,
    "seed": int,  # of continued training
}

# Parameters used only in training; their values may not be JSON-serializable.
_TRAINING_ONLY = ("augmenter", "callbacks", "random_state", "schedule", "vectors")

# Parameters that depend on the machine, with the values to save instead.
_MACHINE = {"checkpoint": None, "compile": False, "memory": None, "resume": False}

# Parameters that files of earlier versions lack, with values other than the default.
_EARLIER_VALUES = {
    "CharCNNClassifier": {"batch_norm": False, "window_loss": 0.0},
    "VDCNNClassifier": {"alphabet": "vdcnn", "window_loss": 0.0},
}

_DTYPES = {torch.float32: "F32", torch.int32: "I32", torch.int64: "I64"}

# Limits for forged files; far above any trained network.
_MAX_JOBS = 4096
_MAX_MEMORY = 32  # bytes of the network per byte of the file
_MAX_CALLS = 200  # calls of torch functions per tensor of the file

# Functions that draw the values of a tensor in place.
_DRAWING = {
    torch.Tensor.normal_,
    torch.Tensor.uniform_,
    nn.init.normal_,
    nn.init.uniform_,
}


class SavedNetwork:
    """Network without its weights, as its header describes it.

    Parameters
    ----------
    header : dict
        Header of a file.

    Raises
    ------
    AttributeError, LookupError, TypeError, ValueError
        If `describe` did not return the header.
    """

    name = "network"

    def __init__(self, header):
        classes, columns = restore_header(header, _KEYS)
        if header["estimator"] not in _CLASSIFIERS:
            raise ValueError(
                "Expected OnlineNGramClassifier, Pipeline or one of "
                f"{', '.join(_CLASSIFIERS)}, got {header['estimator']!r}."
            )
        # Parameters added after the file was written take the value they had
        # implicitly.
        parameters = dict(_EARLIER_VALUES.get(header["estimator"], {}))
        parameters |= {key: from_json(v) for key, v in header["parameters"].items()}
        classifier = _CLASSIFIERS[header["estimator"]](**parameters)
        classifier._check_parameters()
        classifier.set_params(**_MACHINE)
        if classifier.n_jobs == 0 or (classifier.n_jobs or 0) > _MAX_JOBS:
            raise ValueError(
                f"Expected n_jobs below 0 or from 1 to {_MAX_JOBS}, got "
                f"{classifier.n_jobs}."
            )
        for row in header["history"]:
            if type(row) is not dict or {*map(type, row.values())} - {int, float}:
                raise TypeError(f"Expected a dict of numbers in history, got {row!r}.")
        self._classifier = classifier
        self._encoder = classifier._make_encoder().set_state(**header["encoder"])
        self._state = {
            "classes_": classes,
            "encoder_": header["encoder"],
            "history_": header["history"],
            "n_iter_": header["n_iter"],
            "_init_params": classifier._network_parameters(),
            "_rng": np.random.RandomState(header["seed"]),
        } | columns

    @staticmethod
    def describe(classifier):
        """Return header and weights of a fitted network.

        Raises
        ------
        TypeError
            If it is not a public network, or a label or a parameter is not
            JSON-serializable.
        sklearn.exceptions.NotFittedError
            If it is not fitted.
        ValueError
            If a parameter is invalid.
        """
        check_network(classifier)
        # Parameters of the network have the values they had in `fit`.
        values = classifier.get_params(deep=False) | classifier._init_params | _MACHINE
        content = {
            "parameters": parameters_to_json(values, training_only=_TRAINING_ONLY),
            "encoder": classifier.encoder_.get_state(),
            "history": [
                {key: to_json(value) for key, value in row.items()}
                for row in classifier.history_
            ],
            "n_iter": classifier.n_iter_,
            # Drawn from a copy: drawing from the generator would change the classifier.
            "seed": copy.deepcopy(classifier._rng).randint(2**31),
        }
        header = make_header(classifier, content, (np, sklearn, skorch, torch))
        weights = classifier.net_.module_.state_dict().items()
        return header, {name: w.detach().cpu().numpy() for name, w in weights}

    def tensors(self, found, file_size):
        """Return type and shape of each weight, such as "F32 [2, 3]", by its name.

        Parameters
        ----------
        found : dict of str to str
            Type and shape of the tensors in the file.
        file_size : int
            In bytes.

        Raises
        ------
        ValueError
            If the network needs far more memory or time than the file justifies.
        """
        n_tokens, n_classes = self._encoder.n_tokens, len(self._state["classes_"])
        # Tensors on the meta device take no memory.
        building = _NetworkBuilding(1000 + _MAX_CALLS * len(found))
        with torch_defaults(), torch.device("meta"), building:
            network = self._classifier._make_network(n_tokens, n_classes)
            if hasattr(network, "resize"):
                network.resize(
                    {
                        name: json.loads(each.partition(" ")[2])
                        for name, each in found.items()
                    }
                )
        self._network = network
        # Includes non-persistent buffers, which are not in the file.
        buffers = (*network.parameters(), *network.buffers())
        size = sum(tensor.nbytes for tensor in buffers)
        if size > _MAX_MEMORY * file_size:
            raise ValueError(
                f"Expected a larger file for {size:,} bytes, got {file_size}."
            )
        return {
            name: f"{_DTYPES[tensor.dtype]} {list(tensor.shape)}"
            for name, tensor in network.state_dict().items()
        }

    def set_tensors(self, weights):
        """Take the weights, which were compared with `tensors`."""
        if hasattr(self._network, "check_state"):
            self._network.check_state(weights)
        self._weights = weights

    def finish(self, device):
        """Return the classifier; raise `ValueError` if it cannot use the device."""
        net = {"device": str(resolve_device(device)), "module": self._weights}
        self._classifier.__setstate__(self._state | {"net_": net})
        return self._classifier


def check_network(classifier):
    """Raise `TypeError` or `NotFittedError` unless a file can hold a classifier.

    That is a fitted public network without a callable tokenizer.
    """
    name = type(classifier).__name__
    if _CLASSIFIERS.get(name) is not type(classifier):
        raise TypeError(
            f"Expected a fitted network of sktextconv ({', '.join(_CLASSIFIERS)}), got "
            f"{name}. Save other estimators with skops or joblib."
        )
    check_is_fitted(classifier)
    reject_tokenizer(name, classifier._init_params.get("tokenizer"))


class _NetworkBuilding(TorchFunctionMode):
    """Limit on the number of torch calls that build a network without its weights.

    Functions that draw weights do nothing: some of them import `torch._dynamo` for
    tensors on the meta device, which takes a second.
    """

    def __init__(self, n_calls):
        super().__init__()
        self._n_left = n_calls

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self._n_left -= 1
        if self._n_left < 0:
            raise ValueError("Expected no more layers than there are tensors for.")
        kwargs = kwargs or {}
        if function in _DRAWING:
            return args[0] if args else kwargs["tensor"]
        return function(*args, **kwargs)
