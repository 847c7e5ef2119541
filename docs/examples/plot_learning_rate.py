"""
A learning-rate range test
==========================

Train for some minibatches while the rate grows from very low to very high, and look
where the loss falls fastest and where it breaks out. A rate between the two is a good
one to begin with.
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
# Then train with rates from it, and lay the curves over each other.
# ``validation_fraction`` keeps some texts out of training to measure the error on.

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
