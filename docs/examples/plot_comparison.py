"""
Comparison of models on your own data
=====================================

:func:`~sktextconv.compare` trains models on the same texts, tests them on the same
others, and names the cheapest whose error is as low as the lowest, within noise.
"fast" stands for the four fastest linear models of the package. An estimator of your
own has a name that you give.
"""

import textwrap

import numpy as np

from sktextconv import (
    ComparisonDisplay,
    compare,
    load_docstrings,
    make_tfidf_classifier,
)

docs = load_docstrings()
X, y = docs.data[:1500], np.array(docs.target_names)[docs.target[:1500]]

models = ["fast", ("characters", make_tfidf_classifier(analyzer="char"))]
comparison = compare(X, y, models=models, train_sizes=[0.1, 0.3], random_state=0)
print(textwrap.fill(comparison.summarize(), 80))

# %%
# The figure has the error of each model, with its interval, against the CPU time of
# training. The dashed line is the lowest error for each time; the filled dot is the
# winner. Intervals of single models overlap more than their paired differences, which
# decide: all models are tested on the same texts.

_ = ComparisonDisplay.from_comparison(comparison)

# %%
# Learning curves tell if more labels would help. Here the error of every model falls
# between the last two points, beyond noise, so they would.

_ = ComparisonDisplay.from_comparison(comparison, kind="learning")
for result in comparison.results:
    gain = comparison.learning_gain(result.model)
    print(
        f"{result.model:12} {100 * gain.value:5.2f} points"
        f" ({100 * gain.low:.2f} to {100 * gain.high:.2f}), p = {gain.p_value:.2g}"
    )

# %%
# A notebook shows the summary, the figure and the table. ``comparison.write("report")``
# writes the full report, with likely label errors and the texts on which the models
# disagree; see :doc:`/how-to/comparing`. The winner is fitted to all texts.

comparison

# %%

print(comparison.winner_estimator.predict(["Return the eigenvalues of a matrix."]))
