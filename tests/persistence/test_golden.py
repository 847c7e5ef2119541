"""Files of all formats predict as they did when they were written."""

import json
import lzma

import numpy as np
import pytest

import sktextconv

from .. import golden
from ..classifiers import LINEAR, NETWORKS
from .model_files import TEXTS

GOLDEN = sorted(golden.FOLDER.parent.glob("format-*/*.xz"))


def test_golden_file_per_model():
    names = {path.name for path in GOLDEN if path.parent == golden.FOLDER}
    assert names == {f"{name}.safetensors.xz" for name in [*NETWORKS, *LINEAR]}
    assert all(path.stat().st_size < 12_000 for path in GOLDEN)


@pytest.mark.parametrize("packed", GOLDEN, ids=lambda path: path.name.partition(".")[0])
def test_golden_predictions(packed, path):
    path.write_bytes(lzma.decompress(packed.read_bytes()))
    name = packed.name.partition(".")[0]
    expected = json.loads(packed.with_name(f"{name}.json").read_text())
    loaded = sktextconv.load(path)
    probabilities = loaded.predict_proba(TEXTS)
    np.testing.assert_allclose(probabilities, expected["probabilities"], atol=1e-5)
    assert len(np.unique(probabilities.round(3), axis=0)) == len(TEXTS)
    assert loaded.predict(TEXTS).tolist() == expected["labels"]
    assert loaded.classes_.dtype.str == expected["dtype"]
    for parameter, value in golden.SET_LATER.get(name, {}).items():
        assert repr(getattr(loaded, parameter)) == repr(value)
