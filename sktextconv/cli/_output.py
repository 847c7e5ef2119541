"""Names of output files."""

__all__ = ["check_suffix"]

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
