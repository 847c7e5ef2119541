"""Saved models: safetensors to load and train further, ONNX to predict."""

import importlib

__all__ = ["ModelFormatError", "OnnxClassifier", "export_onnx", "load", "save"]

# Imported on first use: a server of an ONNX file must not import torch.
_MODULES = {
    "ModelFormatError": "_format",
    "OnnxClassifier": "_onnx_classifier",
    "export_onnx": "_onnx_export",
    "load": "_safetensors",
    "save": "_safetensors",
}


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
