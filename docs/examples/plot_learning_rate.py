"""
Learning-rate range test
========================

The test trains for a few minibatches while the learning rate rises from very low to
very high. A good first choice lies between the rate at which the loss falls fastest and
the one at which it diverges.
"""

from sktextconv import (
    KimCNNClassifier,
    LearningRateRangeDisplay,
    TrainingCurveDisplay,
    load_docstrings,
)

docs = load_docstrings()
X, y = docs.data[:800], docs.target[:800]

network = KimCNNClassifier(max_tokens=3000, max_length=100, random_state=0)
LearningRateRangeDisplay.from_estimator(network, X, y)

# %%
# Train with several rates from this range and compare the curves.
# ``validation_fraction`` holds out some texts to measure the error.

networks = [
    KimCNNClassifier(
        max_tokens=3000,
        max_length=100,
        max_epochs=3,
        learning_rate=rate,
        validation_fraction=0.2,
        random_state=0,
    ).fit(X, y)
    for rate in (1e-3, 5e-3)
]
TrainingCurveDisplay.from_estimator(*networks)
