"""Speed benchmarks: reference implementations agree with ours, ratios, tables."""

import copy
import json

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from benchmarks.speed import (
    cold_start,
    comparison,
    gpu,
    linear,
    loop,
    serving,
    tables,
    timing,
)
from benchmarks.speed.__main__ import run
from benchmarks.speed.floors import lower_bound
from benchmarks.speed.groups import GROUPS, LINES
from benchmarks.speed.reasons import REASONS
from benchmarks.speed.references import (
    OneHotTexts,
    PackedRNN,
    PaddedHAN,
    PlainCharCNN,
    encode_characters,
    encode_words,
    make_stock_net,
    use_torch_convolutions,
)
from sktextconv import KimCNNClassifier, RNNClassifier, export_onnx
from sktextconv.encoding import ALPHABETS, CharEncoder, DocumentEncoder, WordEncoder
from sktextconv.encoding._tokenize import PLAIN_PATTERN
from sktextconv.networks.charcnn import CharCNN
from sktextconv.networks.han import HAN
from sktextconv.networks.rnn import RNN
from sktextconv.networks.vdcnn import VDCNN
from sktextconv.training._data import EncodedDataset

CPU = torch.device("cpu")
TEXTS = [
    "A good day. It was so good!",
    "",
    "bad, BAD day",
    "Caf\u00e9 at 9 o'clock? Or later; perhaps. So good.",
] * 3


def padded(encoder):
    encoded = EncodedDataset(encoder.fit(TEXTS).encode(TEXTS), CPU)
    return encoded.ids(torch.arange(len(TEXTS)))


def test_encode_characters_agrees_with_char_encoder():
    ours = CharEncoder(max_length=20).encode(TEXTS)
    theirs = encode_characters(TEXTS, ALPHABETS["paper"], 20)
    for row, expected in enumerate(theirs):
        np.testing.assert_array_equal(ours[row], expected)


def test_encode_words_agrees_with_word_encoder():
    ours = WordEncoder(max_tokens=5, max_length=4).fit(TEXTS).encode(TEXTS)
    theirs = encode_words(TEXTS, PLAIN_PATTERN, 5, 4)
    for row, expected in enumerate(theirs):
        np.testing.assert_array_equal(ours[row], expected)


def test_plain_charcnn_agrees_with_charcnn():
    torch.manual_seed(0)
    network = CharCNN(71, 3).eval()
    plain = PlainCharCNN(70, 3)
    plain.take_weights_of(network)
    one_hot = OneHotTexts(TEXTS, np.zeros(len(TEXTS)), ALPHABETS["paper"], 1014)
    theirs = make_stock_net(plain).forward(one_hot)
    with torch.no_grad():
        ours = network(padded(CharEncoder()))
    torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
def test_packed_rnn_agrees_with_rnn(cell):
    torch.manual_seed(0)
    ids = padded(WordEncoder())
    sizes = {"cell": cell, "embedding_dim": 6, "hidden_dim": 5}
    network = RNN(50, 3, bidirectional=True, pooling="mean", **sizes).eval()
    packed = PackedRNN(50, 3, **sizes)
    with torch.no_grad():
        packed.embedding.weight.copy_(network.embedding.weight)
        packed.head.load_state_dict(network.head.state_dict())
        ((forward, backward),) = network.recurrent.layers
        state = forward.state_dict()
        state |= {
            f"{key}_reverse": value for key, value in backward.state_dict().items()
        }
        packed.cell.load_state_dict(state)
        # An empty text is one step of padding there, and none here.
        some = (ids != 0).any(1)
        torch.testing.assert_close(packed(ids)[some], network(ids)[some])


def test_padded_han_agrees_with_han():
    torch.manual_seed(0)
    ids = padded(DocumentEncoder(min_count=1))
    settings = {"embedding_dim": 6, "hidden_dim": 5}
    network, other = HAN(50, 3, **settings).eval(), PaddedHAN(50, 3, **settings).eval()
    other.load_state_dict(network.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(other(ids), network(ids))


def test_torch_convolutions_agree_with_ours(monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    torch.manual_seed(0)
    ours = VDCNN(50, 3, max_length=64).double()
    theirs = use_torch_convolutions(copy.deepcopy(ours))
    ids = torch.randint(50, (4, 64))
    functions = []
    for network in (ours, theirs):
        functions.append(network.convolution(torch.zeros(1, 16, 1, 9).double()).grad_fn)
        network(ids).square().sum().backward()
    assert ["_Convolve" in each.name() for each in functions] == [True, False]
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad)


def test_rates_alternate_and_ratio_is_median():
    now, order = [0.0], []

    def takes(name, *seconds):
        each = iter((0.0, *seconds))  # the warm-up, before the clock is read

        def run():
            order.append(name)
            now[0] += next(each)
            return 12

        return run

    variants = {"ours": takes("ours", 2, 4, 3), "theirs": takes("theirs", 1, 1, 3)}
    measured = timing.rates(variants, rounds=3, clock=lambda: now[0])
    assert order == ["ours", "theirs"] * 4
    assert measured == {"ours": [6, 3, 4], "theirs": [12, 12, 4]}
    line = comparison.make_line("name", measured, "texts/s", 2, "what")
    assert (line.ours, line.theirs, line.ratio) == (4, 12, 0.5)


@pytest.mark.parametrize("name", ["predict-charcnn", "train-han"])
def test_both_sides_give_same_logits(name):
    labeled = TEXTS * 3, np.array([0, 1, 1, 0] * 9)
    line = LINES[name]({"short": labeled, "long": labeled})
    assert line.notes["largest_difference_of_logits"] < 1e-5


@pytest.mark.parametrize(
    "name",
    ["characters", "words", "train-gru", "step-rnn", "convolutions-kimcnn", "search"],
)
def test_line_from_any_texts(name):
    labeled = TEXTS * 3, np.array([0, 1, 1, 0] * 9)
    line = LINES[name]({"short": labeled, "long": labeled})
    assert np.isfinite([line.ours, line.theirs, line.ratio]).all()


@pytest.mark.parametrize("name", ["loop", "loop-batches"])
def test_loop_cost_is_positive(name, monkeypatch):
    """The loop is timed by itself, not as a difference of two measurements."""
    monkeypatch.setattr(loop, "_N_BATCHES", 20)
    line = LINES[name]({})
    assert line.ours > 0 < line.theirs


def test_classes_line_is_time_per_class():
    line = linear.compare_classes((2, 3), n_texts=60)
    few, more = line.notes["s, 2 classes"], line.notes["s, 3 classes"]
    assert line.ours == pytest.approx((more / 3) / (few / 2))


def test_gpu_agreement_fails_on_difference(monkeypatch):
    data = {"short": (TEXTS, np.array([0, 1, 1, 0] * 3))}
    network = RNNClassifier(embedding_dim=4, hidden_dim=3)
    differences = gpu.compare_with_cpu("LSTM", network, data, "cpu")
    assert differences == {"loss": 0.0, "logits": 0.0}
    monkeypatch.setattr(gpu, "_TOLERANCE", -1.0)
    with pytest.raises(AssertionError, match="LSTM differs between cpu and cpu"):
        gpu.compare_with_cpu("LSTM", network, data, "cpu")


def test_gpu_agreement_is_that_of_cudnn():
    """The comparison computes with cuDNN, but without its rounding to TF32."""
    seen = []

    class Flags(Callback):
        def on_train_begin(self, net, **kwargs):
            cudnn = torch.backends.cudnn
            seen.append((cudnn.enabled, cudnn.allow_tf32))

    data = {"short": (TEXTS, np.array([0, 1, 1, 0] * 3))}
    network = RNNClassifier(embedding_dim=4, hidden_dim=3, callbacks=[Flags()])
    gpu.compare_with_cpu("LSTM", network, data, "cpu")
    assert seen == [(True, False)] * 2


def test_gpu_measurements_continue_after_failure():
    data = {"short": (TEXTS, np.array([0, 1, 1, 0] * 3))}
    rows = gpu.measure_training(
        "LSTM",
        RNNClassifier(embedding_dim=4, hidden_dim=3),
        data,
        "cpu",
        1e12,
        n_texts=12,
        batch_sizes=(4, 6),
        rounds=1,
        settings={"no such": {"compile": "no such"}, "float32": {}},
    )
    made = [(row["how"], row["batch_size"], "failed" in row) for row in rows]
    assert made == [("no such", 4, True), ("float32", 4, False), ("float32", 6, False)]
    assert "must be a bool or name a backend" in rows[0]["failed"]
    assert rows[1]["ms/step"] == pytest.approx(4e3 / rows[1]["texts/s"])
    result = {"networks": {"LSTM": {"training": rows}}}
    assert [row[3] for row in gpu.table(result)[1:2]] == ["failed"]


def test_gpu_lower_bound_in_seconds_per_text():
    # 0.12 s of products, 0.14 s of activations and 0.10 s of weights in 938 steps.
    def seconds(batch_size, name):
        return 120_000 * lower_bound("CharCNN small", batch_size, name)

    assert seconds(128, "NVIDIA H200") == pytest.approx(0.36)
    assert seconds(1024, "NVIDIA H200") == pytest.approx(0.2725)
    # The same products at the same rate, the same bytes at 3.35 instead of 4.8 TB/s.
    slower = 0.12 + 0.24 * 4.8 / 3.35
    assert seconds(128, "NVIDIA H100 80GB HBM3") == pytest.approx(slower)
    assert seconds(128, "NVIDIA A100-SXM4-80GB") > 0.12 * 989 / 312
    assert lower_bound("CharCNN small", 128, "Tesla T4") is None
    assert lower_bound("HAN", 128, "NVIDIA H200") is None


def test_gpu_describe_without_measurements():
    result = json.loads(gpu.RESULT.read_text())
    text = gpu.describe(result)
    assert (text == "No GPU was measured.") == (len(gpu.table(result)) == 1)


@pytest.mark.parametrize(
    ("variants", "expected", "table"),
    [
        ("predicted", ("together", "one by one"), serving.table),
        ("workers", (1, 2), serving.workers_table),
    ],
)
def test_serving_in_turn(variants, expected, table, tmp_path):
    network = KimCNNClassifier(embedding_dim=4, n_filters=2, max_epochs=1)
    network.fit(["a fine film", "too long"] * 4, [1, 0] * 4)
    export_onnx(network, tmp_path / "model.onnx")
    files = {("KimCNN", "ONNX"): tmp_path / "model.onnx"}
    texts = ["so good", "bad"]
    rows = serving.measure(files, texts, variants, seconds=0.1, rounds=1)
    assert [(row["connections"], row[variants]) for row in rows] == [
        (connections, variant) for connections in (1, 8, 32) for variant in expected
    ]
    assert all(row["requests"] >= row["connections"] for row in rows)
    about = json.loads(serving.RESULT.read_text()) | {"rows": rows}
    assert serving.as_rst(about, table).count("KimCNN, ONNX") == 3


def make_line(**changes):
    line = comparison.Line("name", 2.0, 6.0, "s", 3.0, 4, "theirs")
    return vars(line) | changes


@pytest.mark.parametrize(
    ("changes", "goal", "outcome"),
    [
        ({}, "\u2265\u00a04", "missed by 25\u00a0%"),
        ({"target": 2}, "\u2265\u00a02", "met by 50\u00a0%"),
        ({"target": None}, "", ""),
        (
            {"target": None, "limit": 1.6},
            "\u2264\u00a01.6\u00a0s",
            "missed by 25\u00a0%",
        ),
        ({"target": None, "limit": 4}, "\u2264\u00a04\u00a0s", "met by 50\u00a0%"),
        ({"target": None, "limit": 2}, "\u2264\u00a02\u00a0s", "met by 0\u00a0%"),
    ],
)
def test_table_shows_goal_and_outcome(changes, goal, outcome):
    _, row = tables.table({"lines": {"key": make_line(**changes)}})
    assert row[4:6] == (goal, outcome)


def test_table_of_line_without_other_side():
    line = make_line(theirs=None, ratio=None, target=None, limit=1, clock="wall")
    _, row = tables.table({"lines": {"key": line}})
    assert row[:4] == ("name, s, wall time", "2", "", "")


def test_committed_misses_have_reasons():
    """Every line that misses its goal has a reason, and only known lines have one."""
    result = json.loads(tables.RESULT.read_text())
    assert [row[0] for row in tables.make_reason_table(result)[1:] if not row[2]] == []
    assert REASONS.keys() <= LINES.keys()


def test_groups_do_not_share_lines():
    assert len(LINES) == sum(map(len, GROUPS.values()))


def test_run_keeps_other_lines(tmp_path, monkeypatch):
    """A measurement replaces its line only; one that fails does not stop the others."""
    path = tmp_path / "speed.json"
    path.write_text(json.dumps({"lines": {"old": make_line(), "words": make_line()}}))

    def fail(data):
        raise ArithmeticError("no")

    line = comparison.Line(**make_line(ours=1.0))
    monkeypatch.setitem(LINES, "characters", fail)
    monkeypatch.setitem(LINES, "words", lambda data: line)
    assert run(["characters", "words"], {}, path) == ["characters"]
    result = json.loads(path.read_text())
    assert {key: line["ours"] for key, line in result["lines"].items()} == {
        "words": 1.0,
        "old": 2.0,
    }
    assert "CPU seconds" in result["clock"]


def test_usage_of_process():
    """CPU time and memory are those of the process, whatever this one takes."""
    block = np.ones(2**27, dtype=np.uint8)  # 128 MiB
    seconds, mib = cold_start.usage("-c", "sum(range(10**6))")
    assert 0 < seconds < 10
    assert 1 < mib < block.nbytes / 2**20
    with pytest.raises(RuntimeError, match="status 0"):
        cold_start.usage("-c", "raise SystemExit(3)")
