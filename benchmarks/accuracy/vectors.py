"""Word vectors that the rows of a data set share."""

import hashlib
import json

from sktextconv.encoding._word_vectors import word_vectors
from sktextconv.training._fit import make_template
from sktextconv.utils._files import atomic_write

from .._record import Seconds, timed, write_json

__all__ = ["share_vectors"]


def share_vectors(network, texts, folder):
    """Replace ``vectors="word2vec"`` of a network by a file of these vectors.

    The first network trains them and writes the file. Others with the same texts,
    vocabulary, size and seed read it, which does not change their results.

    Parameters
    ----------
    network : estimator
        It is changed.
    texts : list of str
        Its training texts.
    folder : path
        Folder of the files.

    Returns
    -------
    seconds : Seconds or None
        Time that the training of the vectors took, of whichever network; None of a
        network without these vectors.
    """
    vectors = getattr(network, "vectors", None)
    if not isinstance(vectors, str) or vectors != "word2vec":
        return None
    template = make_template(network)
    encoder = template._make_encoder().fit(texts)
    size = template.embedding_dim
    seed = int(template._make_rng().randint(2**31))  # as `fit` draws it
    key = hashlib.sha256(json.dumps([texts, encoder.words, size, seed]).encode())
    path = folder / f"{key.hexdigest()}.bin"
    record = path.with_suffix(".json")
    folder.mkdir(parents=True, exist_ok=True)
    if not record.exists():
        with timed() as seconds:
            found = word_vectors("word2vec", encoder, texts, dim=size, seed=seed)
        _write(path, encoder.words, found[-len(encoder.words) :])
        write_json(record, vars(seconds))
    network.set_params(vectors=str(path))
    return Seconds(**json.loads(record.read_text()))


def _write(path, words, vectors):
    """Write vectors in the binary format of word2vec."""
    with atomic_write(path) as out:
        out.write(f"{len(words)} {vectors.shape[1]}\n".encode())
        for word, vector in zip(words, vectors, strict=True):
            out.write(word.encode("utf-8", "surrogatepass") + b" ")
            out.write(vector.astype("<f4").tobytes())
