"""Gradients of embeddings, of which a minibatch touches few rows."""

from skorch.callbacks import Callback

from ..encoding._ragged import PAD

__all__ = ["RowGradients", "find_row_gradients"]


class RowGradients:
    """Dense gradients of embeddings, in memory that is filled with zeros only once.

    For each minibatch, torch makes a gradient of the size of the embedding, most of it
    zeros, in new memory. Here the backward pass returns the gradients of the tokens,
    and `collect` adds them, in their order, to a tensor whose other rows are zeros; the
    sums have the same bits. `clear` sets the same rows to zero again.

    The optimizer still updates all rows. Adam's moments of a row move it in later steps
    too, and its update has no closed form over k steps without gradient: it is the sum
    of ``rate[t] * a[t] * m / (b[t] * sqrt(v) + eps)``, where a and b decay as
    ``beta1**t`` and ``beta2**(t / 2)``. With ``eps > 0`` no factor that depends on t
    alone can be taken out, so that each weight needs the sum of its k terms, of which
    about 150 exceed the rounding error. Most rows would save little, and each reader of
    the weights would have to wait for the sums.

    Parameters
    ----------
    embeddings : sequence of nn.Module, default=()
        Each has a parameter `weight` and an attribute `sparse_grad`, which is set to
        True until `close` is called.
    """

    def __init__(self, embeddings=()):
        self._embeddings = embeddings
        self._buffers = [None] * len(embeddings)
        self._touched = []
        for embedding in embeddings:
            embedding.sparse_grad = True

    def collect(self):
        """Replace the sparse gradients of the embeddings by dense ones."""
        for index, embedding in enumerate(self._embeddings):
            weight, gradient = embedding.weight, embedding.weight.grad
            if gradient is None or not gradient.is_sparse:
                continue
            if self._buffers[index] is None:
                self._buffers[index] = weight.new_zeros(weight.shape)
            buffer, rows = self._buffers[index], gradient._indices()[0]
            buffer.index_add_(0, rows, gradient._values())
            buffer[PAD] = 0.0
            weight.grad = buffer
            self._touched.append((buffer, rows))

    def clear(self):
        """Set the rows that `collect` has filled to zero."""
        for buffer, rows in self._touched:
            buffer.index_fill_(0, rows.unique(), 0.0)
        self._touched.clear()

    def close(self):
        """Return to gradients of torch and release the memory."""
        for embedding in self._embeddings:
            embedding.sparse_grad = False
            embedding.weight.grad = None
        self._embeddings, self._buffers, self._touched = (), [], []


def find_row_gradients(net):
    """Return the `RowGradients` of a net; of no embedding if its gradients are read.

    On other devices, in a compiled network, if several processes train it, and if a
    callback or a hook could change gradients, they stay those of torch.
    """
    compiled = net.module_._compiled_call_impl is not None
    changed = any(
        type(callback).on_grad_computed is not Callback.on_grad_computed
        for _, callback in net.callbacks_
    )
    if net.device.type != "cpu" or compiled or changed or net.ranks.size > 1:
        return RowGradients()
    return RowGradients(
        [
            module
            for module in net.module_.modules()
            if hasattr(module, "sparse_grad") and module.weight.requires_grad
        ]
    )
