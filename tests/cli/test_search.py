"""The search of `train --search`."""

import re

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from sktextconv import compare, load, make_tfidf_classifier

from .films import write_csv

WORDS = {"pos": ["fine", "good", "lovely"], "neg": ["bore", "long", "poor"]}


def draw_rows(n_texts, *, noise=0.2, seed=0):
    """Return labels with texts of 6 words; a fraction has the other label."""
    random_state = np.random.RandomState(seed)
    rows = []
    for at in range(n_texts):
        label, other = ("pos", "neg") if at % 2 else ("neg", "pos")
        words = random_state.choice([*WORDS[label], *"abcdefgh"], size=6)
        shown = other if random_state.uniform() < noise else label
        rows.append([shown, f"{' '.join(words)} {at}"])
    return rows


@pytest.fixture(scope="module")
def noisy(folder):
    return write_csv(folder / "noisy.csv", draw_rows(120))


def found_in(out):
    """Return the lines of candidates, and the parameters that were chosen."""
    lines = out.splitlines()
    chosen = next(line for line in lines if line.startswith("chose "))
    return [line for line in lines if line.startswith("  ")], dict(
        pair.split("=") for pair in chosen.split(" (")[0].split()[1:]
    )


def test_search_over_c(run, folder, noisy):
    """The value of the lowest error on a tenth of the training texts is chosen."""
    code, out, err = run(
        "train noisy.csv --model tfidf --search --valid 0 --out linear"
    )
    assert (code, err) == (0, "")
    lines, chosen = found_in(out)
    assert "search over 5 settings of C: 108 texts to train on, 12 to choose by" in out
    texts = [text for _, text in draw_rows(120)]
    labels = np.array([label for label, _ in draw_rows(120)])
    X, X_valid, y, y_valid = train_test_split(
        texts, labels, test_size=12, stratify=labels, random_state=0
    )
    errors = {}
    for line, C in zip(lines, (0.3, 1.0, 3.0, 10.0, 30.0), strict=True):
        model = make_tfidf_classifier(C=C)
        model.set_params(probabilisticlinearsvc__random_state=0).fit(X, y)
        errors[C] = 100 * np.mean(model.predict(X_valid) != y_valid)
        assert line == f"  C={C}  error {errors[C]:.2f} %"
    best = min(errors, key=errors.get)
    assert chosen == {"C": str(best)}
    assert best == load(folder / "linear")[-1].C


@pytest.mark.parametrize("model", ["tfidf", "ngrams-nb"])
def test_search_selects_as_compare(run, noisy, model):
    """The same texts and seed give the same errors as `compare`."""
    out = run(f"train noisy.csv --model {model} --search --valid 0 --out m")[1]
    texts = [text for _, text in draw_rows(120)]
    labels = [label for label, _ in draw_rows(120)]
    test = (texts[:2], labels[:2])
    found = compare(texts, labels, models=model, test=test, refit=False)
    record = found.cells[0].record
    assert found_in(out) == (
        [
            f"  C={e['params']['C']}  error {e['error']:.2f} %"
            for e in record["selection"]
        ],
        {"C": str(record["params"]["C"])},
    )


def test_search_of_network_halves(run, folder, noisy):
    """Half of the candidates trains on for longer; the best one trains in full."""
    command = "train noisy.csv --model kimcnn --epochs 4 --search --out net --set "
    code, out, err = run(f"{command}embedding_dim=8 --set n_filters=4 --set verbose=0")
    assert (code, err) == (0, "")
    lines, chosen = found_in(out)
    assert [int(line.split()[0]) for line in lines] == [1] * 6 + [2] * 3
    settings = [re.search(r"learning_rate=\S+ dropout=\S+", line)[0] for line in lines]
    scores = [
        (float(error), float(loss))
        for error, loss in re.findall(r"error (\S+) %  log loss (\S+)", out)
    ]
    first = dict(zip(settings[:6], scores[:6], strict=True))
    second = dict(zip(settings[6:], scores[6:], strict=True))
    assert [*second] == sorted(first, key=first.get)[:3]
    best = min(second, key=second.get)
    assert best == " ".join("=".join(pair) for pair in chosen.items())
    params = load(folder / "net").get_params()
    for name, value in chosen.items():
        assert params[name] == float(value)
    assert params["max_epochs"] == 4
    assert load(folder / "net").history_[-1]["n_texts"] == 108


def test_search_ignores_held_out_texts(run, folder, noisy):
    """Other held-out texts, even with exchanged labels, change no choice."""
    swap = {"pos": "neg", "neg": "pos"}
    rows = draw_rows(60, seed=1)
    write_csv(folder / "right.csv", rows)
    write_csv(folder / "leak.csv", [[swap[label], text] for label, text in rows])
    printed = []
    for valid in ("right.csv", "leak.csv"):
        command = f"train noisy.csv --model tfidf --search --out m --valid {valid}"
        code, out, _ = run(command)
        assert code == 0
        printed.append(out)
    assert found_in(printed[0]) == found_in(printed[1])
    errors = [float(re.search(r"held-out error (\S+)", out)[1]) for out in printed]
    assert sum(errors) == pytest.approx(100)


def test_search_leaves_given_parameters(run, noisy):
    """A parameter that is given is not searched; one is left."""
    command = "train noisy.csv --model kimcnn --epochs 1 --search --out net --set "
    settings = "embedding_dim=8 --set n_filters=4 --set verbose=0 --set dropout=0.1"
    out = run(command + settings)[1]
    assert "search over 3 settings of learning_rate: " in out
    for name in ("C", "probabilisticlinearsvc__C"):
        command = f"train noisy.csv --model tfidf --set {name}=2 --search --out m"
        code, out, err = run(command)
        assert (code, out.count("search"), err.count("\n")) == (2, 0, 1)
        assert "--search: expected a parameter to search among C, but --set g" in err


def test_search_of_automatic_default(run, noisy):
    """C="auto", the default, is the first candidate, before those of comparisons."""
    out = run("train noisy.csv --model bow --search --out m")[1]
    assert "search over 9 settings of C: " in out
    values = re.findall("  C=(\\S+)  error ", out)
    assert values == ["auto", *(str(10.0**power) for power in range(8))]


def test_search_needs_texts_of_each_class(run, folder):
    rows = [[label, "a text"] for label in "abcdefghij"] * 2
    write_csv(folder / "few.csv", rows)
    code, _, err = run("train few.csv --model tfidf --search --valid 0 --out m")
    assert (code, err.count("\n")) == (2, 1)
    assert (
        "--search: expected to hold out a text or more of each of 10 classes, got 2"
        in err
    )


def test_search_in_which_all_diverge(run, noisy, folder):
    """Training that diverges with all candidates is a failure, and saves nothing."""
    command = "train noisy.csv --model kimcnn --epochs 2 --search --out none --set "
    settings = "embedding_dim=8 --set n_filters=4 --set learning_rate=1e30"
    code, out, err = run(command + settings)
    assert code == 1
    assert "--search: the training of all 2 settings of dropout diverged; pass a" in err
    assert out.count("diverged") == 2
    assert not (folder / "none").exists()
