"""
Typing errors: words against characters
=======================================

To a word model, a mistyped word is an unknown word. To a character model, most of it is
as before. This example measures the difference on texts of 120 characters, with an
interval.
"""

import string

import matplotlib.pyplot as plt
import numpy as np

from sktextconv import CharCNNClassifier, load_docstrings, make_tfidf_classifier

N_TRAIN, N_TEST, SEEDS = 1500, 2000, (0, 1, 2)
RATES = (0.0, 0.1, 0.2)

train, test = load_docstrings(subset="train"), load_docstrings(subset="test")
X_train, X_test = ([text[:120] for text in each.data] for each in (train, test))
X_test, y_test = X_test[:N_TEST], test.target[:N_TEST]


def with_typos(text, rate, rng):
    """Replace each letter by another with the probability `rate`."""
    letters = np.array(list(text))
    hit = (rng.random(len(letters)) < rate) & np.char.isalpha(letters)
    letters[hit] = rng.choice(list(string.ascii_lowercase), hit.sum())
    return "".join(letters)


rng = np.random.default_rng(0)
noisy = [[with_typos(text, rate, rng) for text in X_test] for rate in RATES]


def make_models(seed):
    """Return a model of words and two of characters."""
    network = CharCNNClassifier(max_length=123, max_epochs=5, batch_size=16)
    return {
        "TF-IDF of words": make_tfidf_classifier(),
        "TF-IDF of characters": make_tfidf_classifier(analyzer="char"),
        "CharCNN": network.set_params(precision="auto", random_state=seed),
    }


# %%
# Each seed draws other texts to train on. All models are tested on the same texts, and
# typing errors are in the test texts only.

wrong = {name: np.zeros((len(SEEDS), len(RATES), N_TEST)) for name in make_models(0)}
for seed in SEEDS:
    rows = np.random.default_rng(seed).choice(len(X_train), N_TRAIN, replace=False)
    for name, model in make_models(seed).items():
        model.fit([X_train[row] for row in rows], train.target[rows])
        for index, texts in enumerate(noisy):
            wrong[name][seed, index] = model.predict(texts) != y_test

# %%
# The error rises with the typing errors. The rise is a difference on the same texts.
# Intervals are two standard errors wide to each side. Texts of the same source file are
# alike, so their deviations are added up before they are squared.

_, files = np.unique(test.filenames[:N_TEST], return_inverse=True)


def mean_and_margin(values):
    """Return the mean in % and its margin; values are of seeds and texts."""
    by_text = 100 * values.mean(axis=0)
    by_file = np.bincount(files, weights=by_text - by_text.mean())
    return by_text.mean(), 2 * np.sqrt(np.sum(by_file**2)) / N_TEST


figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
percent = [100 * rate for rate in RATES]
for name, found in wrong.items():
    errors, margins = np.transpose([mean_and_margin(found[:, i]) for i in range(3)])
    ax.errorbar(percent, errors, margins, fmt="o-", capsize=3, label=name)
    rise, margin = mean_and_margin(found[:, -1] - found[:, 0])
    print(f"{name:20} error {errors[0]:.1f} %, rise {rise:.1f} ± {margin:.1f} points")
ax.set(xlabel="letters replaced, %", ylabel="error on test texts, %", ylim=(0, None))
_ = ax.legend()

# %%
# The difference of two rises is one on the same texts, too. A model of characters
# suffers less if zero is outside of its interval. The three seeds are in brackets.

rises = {name: found[:, -1] - found[:, 0] for name, found in wrong.items()}
for name in list(rises)[1:]:
    saved = rises["TF-IDF of words"] - rises[name]
    mean, margin = mean_and_margin(saved)
    seeds = ", ".join(f"{100 * each.mean():.1f}" for each in saved)
    print(f"{name:20} rises less, by {mean:.1f} ± {margin:.1f} points ({seeds})")

# %%
# A smaller rise is not a smaller error: the figure shows both.
