"""Networks that several processes fit together equal those of one process."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone

from ..conftest import REPOSITORY
from . import fits

NAMES = [*fits.NETWORKS, "validation", "sgd", "partial_fit"]
# Batch normalization takes its statistics from the texts of one process.
EXACT = [name for name in NAMES if name != "vdcnn"]


@pytest.fixture(scope="module")
def single():
    return dict(fits.fit_all())


@pytest.fixture(scope="module", params=[2, 3])
def ranks(request, fill_once):
    """Results of each of several processes."""

    def fill(folder):
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += [f"--nproc-per-node={request.param}", "-m", fits.__name__, folder]
        done = subprocess.run(
            command, cwd=REPOSITORY, timeout=300, capture_output=True, text=True
        )
        assert not done.returncode, done.stderr

    folder = fill_once(f"ranks-{request.param}", fill)
    return [dict(np.load(folder / f"{rank}.npz")) for rank in range(request.param)]


@pytest.mark.parametrize("name", [*NAMES, "dropout"])
def test_all_ranks_have_same_weights(ranks, name):
    for rank in ranks[1:]:
        for kind in ("weights", "results"):
            found, expected = rank[f"{name} {kind}"], ranks[0][f"{name} {kind}"]
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", EXACT)
def test_ranks_equal_single_process(ranks, single, name):
    """Logits and history agree, with a ragged last minibatch and with weights."""
    expected = fits.results_of(single[name])
    np.testing.assert_allclose(ranks[0][f"{name} results"], expected, atol=1e-4)


def test_gradients_equal_those_of_one_process(ranks, single):
    """Weights agree where steps are proportional to gradients, unlike Adam's."""
    expected = fits.weights_of(single["sgd"])
    np.testing.assert_allclose(ranks[0]["sgd weights"], expected, rtol=0, atol=1e-7)


def test_ranks_draw_different_dropout(ranks, single):
    """With dropout, several processes differ from one, as their masks do."""
    expected = fits.weights_of(single["dropout"])
    assert not np.allclose(ranks[0]["dropout weights"], expected, rtol=0, atol=1e-5)


def parts_of(texts, n_parts):
    return [
        texts[len(texts) * part // n_parts : len(texts) * (part + 1) // n_parts]
        for part in range(n_parts)
    ]


def test_each_process_encodes_its_part(ranks):
    """One process learns the vocabulary, and no text is encoded twice in a fit."""
    sizes = [len(part) for part in parts_of(fits.TEXTS, len(ranks))]
    fitted = [1] + [0] * (len(ranks) - 1)
    assert [rank["work"].tolist() for rank in ranks] == [
        list(each) for each in zip(fitted, sizes, strict=True)
    ]


@pytest.mark.parametrize("n", fits.N_SHARED)
@pytest.mark.parametrize("name", fits.ENCODERS)
def test_shared_ids_equal_those_of_one_process(ranks, name, n):
    """The arrays have the same bits, and each process has encoded its texts only."""
    texts = fits.TEXTS[:n]
    expected = fits.arrays_of(clone(fits.ENCODERS[name]).fit(fits.TEXTS)._encode(texts))
    for rank, part in zip(ranks, parts_of(texts, len(ranks)), strict=True):
        assert rank[f"{n} {name} texts"].tolist() == part
        for kind, array in expected.items():
            found = rank[f"{n} {name} {kind}"]
            assert found.dtype == array.dtype
            np.testing.assert_array_equal(found, array)
