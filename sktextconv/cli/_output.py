"""Output: names of files, lines on the standard output."""

import contextlib
import io
import os
import sys

from ..utils._files import atomic_write
from ._report import describe_data

__all__ = [
    "check_option_suffix",
    "check_suffix",
    "check_writable",
    "open_output",
    "print_data",
    "print_line",
]

# Format and suffix of the file that a command writes.
_FORMATS = {"train": ("safetensors", ".safetensors"), "export": ("ONNX", ".onnx")}
# Suffixes of the formats of other programs.
_OTHERS = {".pkl", ".pickle", ".joblib", ".skops", ".pt", ".pth", ".ckpt", ".h5"}
_OTHERS |= {".keras", ".bin", ".zip"}


def check_suffix(path, command):
    """Raise `ValueError` if the name of an output file stands for another format."""
    written, suffix = _FORMATS[command]
    given = path.suffix.lower()
    rejected = _OTHERS | {each for _, each in _FORMATS.values()} - {suffix}
    if given not in rejected:
        return
    right = path.with_suffix(suffix)
    hint = f"pass --out {right}"
    if given == ".onnx":
        hint += f", then run: sktextconv export {right} --out {path}"
    raise ValueError(
        f"--out {path}: {command} writes a file of the format {written}; {hint}."
    )


def check_option_suffix(option, path, suffixes):
    """Raise `ValueError` unless the name of a file ends in one of the suffixes."""
    if path.suffix.lower() not in suffixes:
        *most, last = suffixes
        raise ValueError(
            f"{option} {path}: expected a name that ends in {', '.join(most)} or "
            f"{last}."
        )


def check_writable(path):
    """Raise `ValueError` early if a file cannot be written."""
    is_special = path.exists() and not path.is_file()
    if is_special or not os.access(path.parent, os.W_OK | os.X_OK):
        raise ValueError(f"{path}: expected a file in a writable folder.")


@contextlib.contextmanager
def open_output(path):
    """Open the standard output or an atomically written file, as UTF-8 text."""
    with contextlib.ExitStack() as stack:
        if path is None:
            data = sys.stdout.buffer
        else:
            data = stack.enter_context(atomic_write(path))
        out = io.TextIOWrapper(data, encoding="utf-8", newline="")
        try:
            yield out
        finally:
            # Leave the standard output open; `atomic_write` closes its file.
            out.detach()


def print_data(path, texts, labels):
    """Print the number of texts of each class, and of empty and blank ones."""
    print_line(describe_data(path, labels.tolist()))
    n_empty = sum(not text.strip() for text in texts)
    if n_empty:
        print_line(f"{path}: empty texts: {n_empty:,} of {len(texts):,}")


def print_line(line):
    """Print a line, with escapes for characters that the terminal cannot encode."""
    encoding = sys.stdout.encoding or "utf-8"
    line = line.encode(encoding, "backslashreplace").decode(encoding)
    sys.stdout.write(f"{line}\n")
    # Python buffers files and pipes.
    sys.stdout.flush()
