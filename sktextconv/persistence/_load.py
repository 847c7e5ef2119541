"""Loading of either file format, chosen by the name of the file."""

from pathlib import Path

__all__ = ["is_onnx", "load_model"]


def is_onnx(path):
    """Return whether the name of a file is that of an ONNX file."""
    return Path(path).suffix.lower() == ".onnx"


def load_model(path, *, device):
    """Load a classifier from a file; an ONNX file does not need torch.

    Raises
    ------
    ModelFormatError, OSError
        As `load` and `OnnxClassifier`.
    ValueError
        If the device is not available; an ONNX file has only "cpu".
    """
    if not is_onnx(path):
        from ._safetensors import load

        return load(path, device=device)
    if device not in ("cpu", "auto"):
        raise ValueError(
            f"Expected device='cpu' for an ONNX file, got {device!r}. Use a file "
            "written by sktextconv.save for another device."
        )
    from ._onnx_classifier import OnnxClassifier

    return OnnxClassifier(path)
