"""Loading of either file format, chosen by the name of the file."""

from pathlib import Path

__all__ = ["is_onnx", "load_model"]


def is_onnx(path):
    """Return whether the name of a file is that of an ONNX file."""
    return Path(path).suffix.lower() == ".onnx"


def load_model(path, *, device, n_jobs=None):
    """Load a classifier from a file; an ONNX file does not need torch.

    Parameters
    ----------
    path : str or path-like
    device : str
    n_jobs : int, default=None
        Threads of a network or ONNX file, in place of the number in the file.

    Raises
    ------
    ModelFormatError, OSError
        As `load` and `OnnxClassifier`.
    ValueError
        If the device is not available; an ONNX file has only "cpu".
    """
    if not is_onnx(path):
        from ._safetensors import load

        classifier = load(path, device=device)
        if n_jobs is not None and "n_jobs" in classifier.get_params(deep=False):
            classifier.set_params(n_jobs=n_jobs)
        return classifier
    if device not in ("cpu", "auto"):
        raise ValueError(
            f"Expected device='cpu' for an ONNX file, got {device!r}. Use a file "
            "written by sktextconv.save for another device."
        )
    from ._onnx_classifier import OnnxClassifier

    return OnnxClassifier(path, n_jobs=n_jobs)
