"""Saved models: safetensors to load and train further, ONNX to predict."""

from ..utils._lazy_import import lazy_imports

# Public names by module; `__init__.pyi` lists them for type checkers. They are imported
# on first use: a server of an ONNX file must not import torch.
_HOMES = {
    "_format": ("ModelFormatError",),
    "_onnx_classifier": ("OnnxClassifier",),
    "_onnx_export": ("export_onnx",),
    "_safetensors": ("load", "save"),
}

__all__ = sorted(name for names in _HOMES.values() for name in names)
__getattr__, __dir__ = lazy_imports(__name__, _HOMES)
