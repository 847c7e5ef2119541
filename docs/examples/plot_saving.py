"""
Saving, loading and serving
===========================

A fitted network is saved to one file. Loading it runs no code from the file, so models
can be shared.
"""

import tempfile
from pathlib import Path

from sktextconv import KimCNNClassifier, load, load_docstrings, save

docs = load_docstrings()
y = [docs.target_names[target] for target in docs.target]
network = KimCNNClassifier(
    max_tokens=3000, max_length=100, max_epochs=2, random_state=0
)
network.fit(docs.data[:600], y[:600])

folder = tempfile.TemporaryDirectory()
path = Path(folder.name, "docstrings.safetensors")
save(network, path)
print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")

# %%
# The loaded network gives the same predictions, also in another process.

loaded = load(path, device="cpu")
texts = docs.data[1000:1010]
print(loaded.predict(texts))
print("the same:", (loaded.predict_proba(texts) == network.predict_proba(texts)).all())

# %%
# The command line uses the same file. In a terminal::
#
#     sktextconv predict docstrings.safetensors texts.csv
#     sktextconv serve docstrings.safetensors
#
# The second command serves a web page and an API at http://127.0.0.1:8000; see
# :doc:`/how-to/serving`.

folder.cleanup()
