"""
Architecture selection with GridSearchCV
========================================

A classifier is a parameter of the pipeline around it, so one search compares
architectures and their parameters. The best one is fitted again on all texts.
"""

import pandas as pd
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from sktextconv import KimCNNClassifier, RNNClassifier, load_docstrings

docs = load_docstrings()
X, y = docs.data[:600], docs.target[:600]

settings = {
    "max_tokens": 3000,
    "max_length": 100,
    "max_epochs": 4,
    "batch_size": 16,
    "random_state": 0,
}
search = GridSearchCV(
    Pipeline([("clf", KimCNNClassifier())]),
    [
        {"clf": [KimCNNClassifier(**settings)], "clf__dropout": [0.2, 0.5]},
        {
            "clf": [RNNClassifier(hidden_dim=64, embedding_dim=64, **settings)],
            "clf__cell": ["gru", "lstm"],
        },
    ],
    cv=2,
)
search.fit(X, y)

# %%
# All candidates, the best first:

tried = pd.DataFrame(search.cv_results_)
tried["classifier"] = [type(each).__name__ for each in tried["param_clf"]]
columns = ["classifier", "param_clf__dropout", "param_clf__cell", "mean_test_score"]
print(tried.sort_values("rank_test_score")[columns].to_string(index=False))

# %%
# Two folds of 300 texts are too few for a conclusion. On a GPU, set the device,
# ``KimCNNClassifier(device="cuda")``, and run one fit at a time. On a CPU, use
# ``GridSearchCV(n_jobs=...)`` with ``n_jobs=1`` in the network.
