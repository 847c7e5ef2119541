"""The command `predict` with a folder: an output of each file, made once."""

import dataclasses
import gzip
import lzma
import os
import re
import shutil
import signal
import subprocess
import sys

import pandas as pd
import pytest

import sktextconv
from sktextconv.cli._parser import make_parser
from sktextconv.cli._part_output import RECORDS, Part, _load, checksum, predict_part
from sktextconv.cli._parts import _plan
from sktextconv.cli._tables import display_width
from tests.golden import ONNX_FOLDER

from .films import BAD, GOOD, write_csv
from .parts import kill_writer, read_outputs, states, when_begun

ROWS = [["pos", GOOD], ["neg", BAD], ["pos", BAD]]


@pytest.fixture
def parts(folder):
    """Names of three files of the folder, of 30, 60 and 90 texts."""
    for number in (1, 2, 3):
        write_csv(folder / f"part-{number}.csv", ROWS * 10 * number)
    return ["part-1.csv", "part-2.csv", "part-3.csv"]


# -- outputs -------------------------------------------------------------------------

FRAME = pd.DataFrame(ROWS, columns=["label", "text"]).assign(id=[5, 6, 7])


def write_formats(folder):
    """Write the same texts in several formats; return the names of the files."""
    FRAME.to_parquet(folder / "a.parquet")
    FRAME.to_csv(folder / "b.b.CSV", index=False)
    FRAME.to_csv(folder / "c.2024", index=False, sep="\t")
    records = FRAME.to_json(orient="records", lines=True)
    (folder / "d.jsonl.gz").write_bytes(gzip.compress(records.encode()))
    FRAME.to_json(folder / "e.json", orient="records", lines=True)
    return {
        "a.parquet": "a",
        "b.b.CSV": "b.b",
        "c.2024": "c.2024",
        "d.jsonl.gz": "d",
        "e.json": "e",
    }


@pytest.mark.parametrize(("form", "jobs"), [("csv", ""), ("jsonl", "--jobs 1")])
def test_outputs_equal_single_calls(run, folder, out, form, jobs):
    """Each output has the bytes of a call for this file alone, in all formats."""
    names = write_formats(folder)
    options = f"--text-column text --probabilities --keep id --format {form}"
    # The slash makes a folder of it.
    code, printed, err = run(f"predict model {options} {jobs} --out labels/", *names)
    assert (code, err) == (0, "")
    assert states(printed) == dict.fromkeys(names, "3 texts")
    expected = {}
    for name, stem in names.items():
        code, single, err = run(f"predict model {name} {options}")
        assert (code, err) == (0, "")
        expected[f"{stem}.{form}"] = single.encode()
    assert read_outputs(out) == expected


def test_one_batch_after_another_in_order(run, folder, out):
    """Rows keep their order over batches, and processes give the same bits."""
    texts = [f"{GOOD} {n}" if n % 3 else f"{BAD} {n}" for n in range(2500)]
    (folder / "many.txt").write_text("\n".join(texts))
    (folder / "few.txt").write_text(GOOD)
    options = "--lines --keep 0 --probabilities"
    out.mkdir()
    code, _, err = run(f"predict model many.txt few.txt {options} --out labels")
    assert (code, err) == (0, "")
    here = read_outputs(out)
    found = pd.read_csv(out / "many.csv")
    assert found["0"].tolist() == texts
    shutil.rmtree(out)
    run(f"predict model many.txt few.txt {options} --out labels --jobs 2")
    assert read_outputs(out) == here
    _, single, _ = run(f"predict model many.txt {options}")
    assert here["many.csv"] == single.encode()


def test_process_loads_model_once(folder, linear, parts, out, monkeypatch):
    """A process keeps the model for its next part, and refuses another file."""
    monkeypatch.chdir(folder)
    out.mkdir()
    command = ["predict", linear, *parts, "--out", "labels"]
    planned = _plan(make_parser().parse_args(command))
    _load.cache_clear()
    assert [predict_part(part).n_texts for part in planned] == [30, 60, 90]
    assert _load.cache_info().misses == 1
    first = planned[0]
    job = dataclasses.replace(first.job, checksum="0" * 64)
    with pytest.raises(ValueError, match="linear: expected the model that the command"):
        predict_part(Part(first.source, out / "other.csv", job))
    _load.cache_clear()


def test_process_predicts_with_one_thread(folder):
    """The number of threads that a model was saved with does not matter."""
    network = sktextconv.load(folder / "model").set_params(n_jobs=3)
    path = folder / "threads"
    sktextconv.save(network, path)
    assert sktextconv.load(path).n_jobs == 3
    assert _load(path, checksum(path), "cpu").n_jobs == 1
    _load.cache_clear()


def test_onnx_parts_import_no_torch(folder, parts, out):
    """Parts of an ONNX file load neither torch nor scikit-learn nor joblib."""
    sktextconv.export_onnx(sktextconv.load(folder / "model"), folder / "model.onnx")
    script = (
        "import sys; from sktextconv.cli import main\n"
        "assert main(sys.argv[1:]) == 0\n"
        "print(*sys.modules.keys() & {'joblib', 'sklearn', 'scipy', 'torch'})"
    )
    command = [sys.executable, "-c", script, "predict", "model.onnx", *parts]
    result = subprocess.run(
        [*command, "--out", "labels/"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    assert result.stdout.endswith("s\n\n")
    assert len(read_outputs(out)) == 3


# -- a second call -------------------------------------------------------------------


def change_input(folder):
    write_csv(folder / "part-2.csv", ROWS * 5)


def change_input_keeping_size_and_time(folder):
    path = folder / "part-2.csv"
    status = path.stat()
    path.write_bytes(path.read_bytes().replace(b"fine", b"long"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def edit_output(folder):
    path = folder / "labels" / "part-2.csv"
    path.write_bytes(path.read_bytes().replace(b"pos", b"neg"))


def remove_output(folder):
    (folder / "labels" / "part-2.csv").unlink()


def damage_record(folder):
    (folder / "labels" / RECORDS / "part-2.csv.json").write_text('{"made_from": ')


def replace_record(folder):
    records = folder / "labels" / RECORDS
    shutil.copy(records / "part-1.csv.json", records / "part-2.csv.json")


def touch_inputs(folder):
    for path in folder.glob("part-*.csv"):
        os.utime(path, (0, 0))


def change_model(folder):
    model = sktextconv.load(folder / "copy")
    model.examples_ = ["so good"]
    sktextconv.save(model, folder / "copy")


@pytest.mark.parametrize(
    ("change", "options", "changed"),
    [
        (touch_inputs, "", ""),
        (change_input, "", "2"),
        (change_input_keeping_size_and_time, "", "2"),
        (edit_output, "", "2"),
        (remove_output, "", "2"),
        (damage_record, "", "2"),
        (replace_record, "", "2"),
        (change_model, "", "123"),
        (touch_inputs, "--probabilities", "123"),
        (touch_inputs, "--keep 0", "123"),
        (touch_inputs, "--format jsonl", "123"),
    ],
)
def test_second_call_does_the_rest(
    run, folder, linear, parts, out, change, options, changed
):
    """An output is made again if it, its input, the model or an option has changed."""
    shutil.copy(folder / linear, folder / "copy")
    command = "predict copy part-*.csv --out labels/"
    assert run(command)[0] == 0
    change(folder)
    code, printed, err = run(f"{command} {options}")
    assert (code, err) == (0, "")
    found = states(printed)
    assert [name for name in parts if found[name] == "done before"] == [
        name for name in parts if name[5] not in changed
    ]
    assert printed.splitlines()[-1].startswith(
        f"3 files: {len(changed)} predicted"
        + (f", {3 - len(changed)} done before; " if len(changed) < 3 else "; ")
    )
    outputs = read_outputs(out)
    shutil.rmtree(out)
    assert run(f"{command} {options}")[0] == 0
    assert outputs.items() >= read_outputs(out).items()


# -- files that cannot be read -------------------------------------------------------


@pytest.mark.parametrize("jobs", ["", "--jobs 2"])
def test_bad_files_are_told_in_the_end(run, folder, linear, parts, out, jobs):
    """The others are done; the code is 1, and a second call does what is left."""
    (folder / "part-0.csv").write_text("pos,so good\npos\n")
    (folder / "part-4.csv").write_text("kind,text,id\npos,so good,1\n")
    (folder / "part-5.csv.xz").write_bytes(lzma.compress(b"pos,so good\n" * 99)[:-9])
    out.mkdir()
    (out / "part-0.csv").write_text("of another program")
    code, printed, err = run(f"predict {linear} part-*.csv* --out labels {jobs}")
    (folder / "part-5.csv.xz").unlink()
    assert code == 1
    found = states(printed)
    assert {name for name, state in found.items() if state == "failed"} == {
        "part-0.csv",
        "part-4.csv",
        "part-5.csv.xz",
    }
    assert "6 files: 3 predicted, 3 failed; 180 texts in " in printed
    lines = err.splitlines()
    assert len(lines) == 4
    assert any("part-0.csv, line 2: expected 2 columns" in line for line in lines[:3])
    assert any("part-4.csv: expected 2 columns" in line for line in lines[:3])
    assert any("part-5.csv.xz, after line" in line for line in lines[:3])
    assert lines[3].startswith("sktextconv: 3 of 6 files failed")
    assert {*read_outputs(out)} == {*parts, "part-0.csv"}
    assert (out / "part-0.csv").read_text() == "of another program"
    write_csv(folder / "part-0.csv", ROWS)
    (folder / "part-4.csv").unlink()
    code, printed, err = run(f"predict {linear} part-*.csv --out labels")
    (folder / "part-0.csv").unlink()
    assert (code, err) == (0, "")
    assert states(printed) == {"part-0.csv": "3 texts"} | dict.fromkeys(
        parts, "done before"
    )


def test_input_that_changes_is_not_finished(run, folder, linear, out):
    """A file that is written to while it is read fails, and the old output stays."""
    (folder / "long.txt").write_text(f"{GOOD}\n" * 40_000)
    out.mkdir()
    (out / "long.csv").write_text("before")

    def append(_):
        with (folder / "long.txt").open("a") as file:
            file.write("more\n")

    watching = when_begun(out, "long.csv", append)
    code, _, err = run(f"predict {linear} long.txt --lines --out labels")
    watching.join()
    assert code == 1
    assert "long.txt: expected a file that stays as it is" in err
    assert read_outputs(out) == {"long.csv": b"before"}


@pytest.mark.filterwarnings("default")
def test_warning_names_its_file(run, folder, out):
    """Warnings of worker processes reach the standard error, with the file."""
    packed = (ONNX_FOLDER / "charcnn.onnx.xz").read_bytes()
    (folder / "charcnn.onnx").write_bytes(lzma.decompress(packed))
    (folder / "wide.txt").write_text("日本\n")
    (folder / "plain.txt").write_text("so good\n")
    options = "--lines --out labels/ --jobs 2"
    code, _, err = run(f"predict charcnn.onnx wide.txt plain.txt {options}")
    assert code == 0
    assert err.startswith("sktextconv: warning: wide.txt: ")
    assert len(err.splitlines()) == 1


# -- invalid calls -------------------------------------------------------------------

INVALID_CALLS = {
    "part-1.csv --jobs 2": "--jobs: expected --out FOLDER with it, got no --out.",
    "part-1.csv --scheduler a": "--scheduler: expected --out FOLDER with it, got no",
    "part-1.csv --jobs 1 --scheduler a --out labels": "--jobs or --scheduler, got both",
    "part-1.csv --jobs 0 --out labels": "Expected --jobs below or above 0, got 0.",
    "part-1.csv --jobs two --out labels": "argument --jobs: invalid int value: 'two'",
    "part-1.csv --jobs 2 --out part-2.csv": "--out part-2.csv: expected a folder, as",
    "part-1.csv --out part-2.csv/": "or as the slash says, got a file.",
    "part-1.csv none.csv --out labels/": "none.csv: No such file or directory.",
    "part-1.csv more --out labels/": "more: expected a file, since --out is a folder",
    "- --out labels/": "-: expected a file, since --out is a folder",
    "part-1.csv more/part-1.csv --out labels/": "more/part-1.csv: expected files with "
    "different names, and part-1.csv has the output labels/part-1.csv, too; rename one "
    "of them, or call predict for each of their folders, with another --out.",
    "part-1.csv more/PART-1.jsonl --out labels/": "more/PART-1.jsonl: expected files",
    "part-1.csv part-1.csv --out labels/": "expected each file once, got it twice.",
    "part-*.csv --out .": "--out .: expected a folder other than those of the inputs, "
    "and part-1.csv is one of them.",
    "part-1.csv --lines --header --out labels/": "--lines: expected no --header",
}


@pytest.mark.parametrize("call", INVALID_CALLS)
def test_invalid_call_writes_nothing(run, folder, parts, out, call):
    (folder / "more").mkdir(exist_ok=True)
    for name in ("part-1.csv", "PART-1.jsonl"):
        (folder / "more" / name).write_text("pos,so good\n")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    code, printed, err = run(f"predict model {call}")
    assert (code, printed) == (2, "")
    assert INVALID_CALLS[call] in err
    assert len(err.splitlines()) == 1
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


@pytest.mark.parametrize("jobs", ["", "--jobs 2"])
def test_invalid_model_ends_the_call(run, folder, linear, parts, out, jobs):
    """A damaged model is one error and not one of each file."""
    (folder / "damaged").write_bytes((folder / linear).read_bytes()[:-1])
    code, printed, err = run(f"predict damaged part-*.csv --out labels/ {jobs}")
    assert (code, printed) == (2, "")
    assert err.startswith("sktextconv: Expected damaged to be a model that sktextconv")
    assert len(err.splitlines()) == 1
    assert not read_outputs(out)


# -- lines ---------------------------------------------------------------------------


def test_lines_fit_80_columns(run, folder, linear, out):
    """Names of any length and script fit a terminal of 80 columns."""
    names = ["a" * 120 + "1.csv", "日本" * 30 + "2.csv", "short.csv", "\x1b[31mred.csv"]
    for name in names:
        write_csv(folder / name, ROWS)
    code, printed, _ = run(f"predict {linear} --out labels/", *names)
    assert code == 0
    assert "\x1b" not in printed
    lines = printed.splitlines()
    assert max(map(display_width, lines)) <= 80
    assert re.match(r"\[3/4\] short\.csv: 3 texts in \d+\.\d s; about ", lines[2])
    assert "aaa1.csv: 3 texts in " in lines[0]
    assert lines[0].endswith(" s to go")
    assert not lines[3].endswith(" to go")


def test_closed_pipe_exits_with_1(run, folder, linear, parts, out, monkeypatch):
    """If the reader of the lines ends first, the call does not seem complete."""
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        code, _, err = run(f"predict {linear} part-*.csv --out labels/")
    assert (code, err) == (1, "")


# -- processes that end early --------------------------------------------------------


@pytest.fixture
def long_and_short(folder):
    """Options for a file that takes long, and for one that does not."""
    (folder / "long.txt").write_text(f"{GOOD}\n{BAD}\n" * 30_000)
    (folder / "short.txt").write_text(f"{GOOD}\n")
    return "long.txt short.txt --lines --out labels/"


def check_resumed(run, linear, out, files):
    """Check that only whole outputs are left, and that a second call does the rest."""
    assert not list(out.rglob("*.part"))
    finished = read_outputs(out)
    assert "long.csv" not in finished
    # A process may be killed between the output and its record: it is made again.
    recorded = {path.stem for path in (out / RECORDS).iterdir()}
    assert recorded <= finished.keys()
    code, printed, err = run(f"predict {linear} {files}")
    assert (code, err) == (0, "")
    assert states(printed)["long.txt"] == "60,000 texts"
    assert len(recorded) == list(states(printed).values()).count("done before")
    lines = (out / "long.csv").read_text().splitlines()
    assert lines == ["label", *["pos", "neg"] * 30_000]
    assert (out / "short.csv").read_text() == "label\npos\n"
    assert not list(out.rglob("*.part"))


def test_killed_process_ends_the_call(run, linear, out, long_and_short):
    """The error tells which files are done, and that the same call resumes."""
    watching = when_begun(out, "long.csv", kill_writer)
    code, _, err = run(f"predict {linear} {long_and_short} --jobs 2")
    watching.join()
    assert code == 1
    assert err.startswith("sktextconv: a worker process was killed, perhaps for lack ")
    done = [name for name in ("long.txt", "short.txt") if name in err]
    assert f"at least {len(done)} of 2 files are done" in err
    assert {name.replace(".txt", ".csv") for name in done} <= read_outputs(out).keys()
    assert "the same command does the rest" in err
    assert len(err.splitlines()) == 1
    check_resumed(run, linear, out, long_and_short)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_ctrl_c_leaves_whole_files(run, folder, linear, out, long_and_short, n_jobs):
    """Ctrl-C reaches all processes; the code is 130, and no part of a file is left."""
    script = (
        "import signal, sys; from sktextconv.cli import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    first_short = long_and_short.replace("long.txt short.txt", "short.txt long.txt")
    command = ["predict", linear, *first_short.split(), "--jobs", str(n_jobs)]
    with subprocess.Popen(
        [sys.executable, "-c", script, *command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:

        def interrupt(_):
            os.killpg(process.pid, signal.SIGINT)

        watching = when_begun(out, "long.csv", interrupt)
        printed, err = process.communicate()
        watching.join()
    assert (process.returncode, err) == (130, "")
    assert "of 2 files are done" in printed.splitlines()[-1]
    if n_jobs == 1:  # the short file is finished before the long one is begun
        assert [path.stem for path in (out / RECORDS).iterdir()] == ["short.csv"]
    check_resumed(run, linear, out, first_short)
