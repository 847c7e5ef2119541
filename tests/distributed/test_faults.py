"""A process that stops ends all others with an error, and training resumes."""

import contextlib
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from torch.distributed import TCPStore

from ..conftest import REPOSITORY
from . import faults, fits


@contextlib.contextmanager
def running(n, mode, path):
    """Run the program in `n` processes, without torchrun, which would end them all."""
    # A server of a free port, which torchrun keeps in a process of its own.
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    environment = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(store.port),
        "TORCHELASTIC_RUN_ID": "test",
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "WORLD_SIZE": str(n),
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", faults.__name__, mode, str(path)],
            cwd=REPOSITORY,
            env=os.environ | environment | {"RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(n)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def error_of(process):
    """Return the last line that a process writes before it fails."""
    _, lines = process.communicate(timeout=600)
    assert process.returncode == 1, lines
    # After the rank, which torch adds, and the class.
    return lines.strip().splitlines()[-1].partition("Error: ")[2]


@pytest.fixture(scope="module")
def killed(fill_once):
    """Checkpoint of two epochs, and the error of the process that was not killed."""

    def fill(folder):
        with running(2, "SIGKILL", folder / "checkpoint") as processes:
            (folder / "error").write_text(error_of(processes[0]))

    folder = fill_once("killed", fill)
    return folder / "checkpoint", (folder / "error").read_text()


def test_killed_process_is_an_error(killed):
    _, error = killed
    assert error.startswith("Expected 2 processes to train together")
    assert "another one has ended, or has not answered in time" in error
    assert error.endswith("with a checkpoint and resume=True they continue.")


def test_resume_with_other_number_of_processes(killed, tmp_path):
    """Three processes and one continue what two began, as if it had not stopped."""
    path, _ = killed
    for copy in ("three", "one"):
        shutil.copy(path, tmp_path / copy)
    with running(3, "resume", tmp_path / "three") as processes:
        assert [process.wait(timeout=600) for process in processes] == [0, 0, 0]
    resumed = faults.make_classifier(tmp_path / "one", resume=True)
    resumed.fit(fits.TEXTS, fits.LABELS)
    assert [row["epoch"] for row in resumed.history_] == [1, 2, 3, 4]
    uninterrupted = faults.make_classifier(None).fit(fits.TEXTS, fits.LABELS)
    expected = fits.weights_of(uninterrupted)
    np.testing.assert_allclose(fits.weights_of(resumed), expected, rtol=0, atol=1e-4)
    for rank in range(3):
        weights = np.load(tmp_path / f"three.{rank}.npy")
        np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("mode", "waiting", "message"),
    [
        ("SIGSTOP", 0, "has not answered in time"),
        ("SIGSTOP in build", 1, "process 0 has stopped or hangs"),
        ("SIGSTOP in encoding", 0, "process 1 has stopped or hangs"),
    ],
)
def test_hung_process_is_an_error(mode, waiting, message, tmp_path):
    """Training, and waiting for a long preparation, end within the timeout."""
    with running(2, mode, tmp_path / "checkpoint") as processes:
        assert message in error_of(processes[waiting])


def test_error_in_encoding_ends_all(tmp_path):
    """The process that fails raises its own error, and all others one that names it."""
    with running(3, "error in encoding", tmp_path / "checkpoint") as processes:
        *others, failed = map(error_of, processes)
    assert failed == "the file has changed"
    for error in others:
        assert "process 2 failed with ValueError: the file has changed. Read" in error


def test_different_data_are_an_error(tmp_path):
    with running(2, "other data", tmp_path / "checkpoint") as processes:
        for process in processes:
            error = error_of(process)
            assert error.startswith("Expected all 2 processes to fit with")
            assert "got data = 25 texts" in error
            assert "24 texts" in error
