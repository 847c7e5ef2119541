"""Prediction by Dask workers: the command with `--scheduler`, and from Python."""

import shutil
import sys

import dask
import dask.bag
import dask.dataframe
import pandas as pd
import pytest
from distributed import Client

import sktextconv
from sktextconv.cli import _part_workers
from sktextconv.cli._part_output import RECORDS

from .films import BAD, GOOD, write_csv
from .parts import kill_writer, read_outputs, states, when_begun


@pytest.fixture
def scheduler(dask_cluster):
    """Option with the address of the cluster, when both of its workers are there."""
    dask_cluster.wait_for_workers(2)
    return f"--scheduler {dask_cluster.scheduler_address}"


@pytest.fixture
def predict_while_killing(run, folder, out, scheduler):
    """Predict a long file, whose first worker is killed, and a short one on Dask.

    The function takes a model and returns the exit code, the output and the errors.
    """

    def predict(model):
        (folder / "long.txt").write_text(f"{GOOD}\n{BAD}\n" * 30_000)
        (folder / "short.txt").write_text(f"{GOOD}\n")
        watching = when_begun(out, "long.csv", kill_writer)
        found = run(
            f"predict {model} long.txt short.txt --lines --out labels {scheduler}"
        )
        watching.join()
        return found

    return predict


def test_dask_equals_one_process(run, folder, linear, out, scheduler):
    """Workers find the relative names; a bad file is told in the end."""
    for number in range(4):
        write_csv(folder / f"part-{number}.csv", [["pos", GOOD], ["", BAD]] * 40)
    (folder / "part-4.csv").write_text("pos,so good\npos\n")
    files = "part-*.csv --probabilities --keep 1"
    code, printed, err = run(f"predict {linear} {files} --out labels/ --jobs 1")
    here = read_outputs(out)
    shutil.rmtree(out)
    code, printed, err = run(f"predict {linear} {files} --out labels {scheduler}")
    assert code == 1
    expected = {f"part-{number}.csv": "80 texts" for number in range(4)}
    assert states(printed) == expected | {"part-4.csv": "failed"}
    assert "part-4.csv, line 2: expected 2 columns" in err
    assert "1 of 5 files failed" in err
    assert read_outputs(out) == here
    code, printed, _ = run(f"predict {linear} {files} --out labels --jobs 1")
    assert list(states(printed).values()) == [*["done before"] * 4, "failed"]


def test_dask_network_equals_one_process(run, folder, out, scheduler):
    """A worker with one thread gives the bits of a network in this process."""
    (folder / "texts.txt").write_text(f"{GOOD}\n{BAD}\n" * 700)
    command = "predict model texts.txt --lines --probabilities"
    _, here, _ = run(command)
    assert run(f"{command} --out labels {scheduler}")[0] == 0
    assert read_outputs(out) == {"texts.csv": here.encode()}


def test_dask_survives_a_killed_worker(linear, out, predict_while_killing):
    """Another worker predicts the file again, and no part of a file is left."""
    code, printed, _ = predict_while_killing(linear)
    assert code == 0
    assert states(printed) == {"long.txt": "60,000 texts", "short.txt": "1 text"}
    assert (out / "long.csv").read_text().splitlines() == [
        "label",
        *["pos", "neg"] * 30_000,
    ]
    assert not list(out.rglob("*.part"))


def test_dask_file_that_kills_its_workers(
    linear, out, dask_cluster, predict_while_killing, monkeypatch
):
    """A file is given up after some workers; the others are done."""
    monkeypatch.setattr(dask_cluster.scheduler, "allowed_failures", 0)
    code, printed, err = predict_while_killing(linear)
    assert code == 1
    assert states(printed) == {"long.txt": "failed", "short.txt": "1 text"}
    assert "long.txt: the workers that tried it were killed" in err
    assert {path.name for path in out.glob("*")} == {RECORDS, "short.csv"}


def test_dask_model_is_damaged(run, folder, linear, out, scheduler):
    """An error of the model in a worker is one line, and ends the call."""
    (folder / "damaged").write_bytes((folder / linear).read_bytes()[:-1])
    code, printed, err = run(f"predict damaged films.csv --out labels {scheduler}")
    assert (code, printed) == (2, "")
    assert "to be a model that sktextconv.save wrote" in err


def label(frame, model):
    """Return a frame with the labels and probabilities of the column `text`."""
    probabilities = model.predict_proba(frame["text"])
    labels = model.classes_[probabilities.argmax(axis=1)]
    return frame.assign(label=labels, pos=probabilities[:, 1])


def label_texts(texts, model):
    """Return the texts of an iterator with their labels."""
    texts = list(texts)
    return zip(texts, model.predict(texts).tolist(), strict=True)


def test_dask_collections_of_texts(folder, linear, dask_cluster):
    """`map_partitions` with a loaded model gives the bits of one call, in order."""
    texts = [f"{GOOD} {n}" if n % 3 else f"{BAD} {n}" for n in range(300)]
    frame = pd.DataFrame({"text": texts, "id": range(300)})
    model = sktextconv.load(folder / linear)
    parts = [label(frame[start : start + 100], model) for start in (0, 100, 200)]
    expected = pd.concat(parts)
    with Client(dask_cluster):
        films = dask.dataframe.from_pandas(frame, npartitions=3)
        found = films.map_partitions(
            label,
            dask.delayed(model),
            meta={**films.dtypes, "label": "str", "pos": float},
        ).compute()
        bag = dask.bag.from_sequence(texts, npartitions=3)
        pairs = bag.map_partitions(label_texts, dask.delayed(model)).compute()
    assert found["text"].tolist() == texts
    assert found["label"].tolist() == expected["label"].tolist()
    assert found["pos"].tolist() == expected["pos"].tolist()
    assert [*pairs] == [*zip(texts, expected["label"], strict=True)]


def test_dask_scheduler_that_does_not_answer(run, folder, linear, out, monkeypatch):
    monkeypatch.setattr(_part_workers, "_CONNECT_SECONDS", 0.1)
    command = f"predict {linear} films.csv --out labels --scheduler 127.0.0.1:1"
    code, printed, err = run(command)
    assert (code, printed) == (2, "")
    assert err.startswith(
        "sktextconv: --scheduler 127.0.0.1:1: expected the address of a running Dask "
    )
    assert len(err.splitlines()) == 1


def test_dask_is_not_installed(run, folder, linear, out, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    code, _, err = run(f"predict {linear} films.csv --out labels --scheduler a")
    assert code == 1
    assert err == (
        "sktextconv: --scheduler needs distributed, which is not installed. Run: pip "
        "install 'sktextconv[dask]'\n"
    )
