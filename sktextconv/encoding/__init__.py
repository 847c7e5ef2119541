"""Encoders of texts into ragged arrays of ids."""

from ..utils._lazy_import import lazy_imports

# Public names by module; `__init__.pyi` lists them for type checkers. They are imported
# on first use: `OnnxClassifier` uses the tokenizers without scikit-learn.
_HOMES = {
    "_base": ("BaseTextEncoder",),
    "_char": ("CharEncoder",),
    "_char_tokenizer": ("ALPHABETS",),
    "_document": ("DocumentEncoder",),
    "_ragged": ("PAD", "SENTENCE_END", "UNKNOWN", "Ragged"),
    "_word": ("WordEncoder",),
    "_word_vectors": ("word_vectors",),
}

__all__ = sorted(name for names in _HOMES.values() for name in names)
__getattr__, __dir__ = lazy_imports(__name__, _HOMES)
