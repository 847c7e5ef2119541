"""Convolution over positions, trained fast on CPUs without AVX-512."""

import torch
from torch import nn
from torch.nn import functional as F

__all__ = ["Convolution"]

# Windows of whole texts that are copied at a time, so that they stay in the cache.
_N_WINDOWS = 1024


class Convolution(nn.Conv2d):
    """`nn.Conv2d` of height 1 and channels-last weights over sequences of vectors.

    torch has channels-last kernels for two dimensions only. On CPUs with AVX2 but
    without AVX-512, those for the gradient of the weights are slower than a matrix
    product over copied windows of the input, which computes it there in training.

    Parameters
    ----------
    n_in, n_out : int
        Channels of the input and of the output.
    kernel : int
        Positions of a window.
    stride : int, default=1
    padding : int, default=0
        Zeros at both ends.
    bias : bool, default=True
    """

    def __init__(self, n_in, n_out, kernel, *, stride=1, padding=0, bias=True):
        super().__init__(
            n_in,
            n_out,
            (1, kernel),
            stride=(1, stride),
            padding=(0, padding),
            bias=bias,
        )
        self.to(memory_format=torch.channels_last)

    def forward(self, x):  # (batch, n_in, 1, length)
        if self._has_slow_gradient(x):
            return _Convolve.apply(x, self.weight, self.bias, self.padding[1])
        return super().forward(x)  # (batch, n_out, 1, n_windows)

    def _has_slow_gradient(self, x):
        """Return whether torch is slow to compute the gradient of the weights."""
        return (
            self.training
            and self.weight.requires_grad
            and self.stride == (1, 1)
            and x.device.type == "cpu"
            and not torch.compiler.is_compiling()
            and not torch.is_autocast_enabled("cpu")
            and torch.backends.cpu.get_cpu_capability() == "AVX2"
        )


class _Convolve(torch.autograd.Function):
    """`conv2d` of height 1 and stride 1 with `_weight_gradient`."""

    generate_vmap_rule = True  # for `torch.func`

    @staticmethod
    def forward(x, weight, bias, padding):
        return F.conv2d(x, weight, bias, padding=(0, padding))

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, weight, _, ctx.padding = inputs
        ctx.save_for_backward(x, weight)

    @staticmethod
    def backward(ctx, gradient):
        x, weight = ctx.saved_tensors
        for_x, for_weight, for_bias, _ = ctx.needs_input_grad
        # Second derivatives need a gradient that torch can differentiate.
        fast = for_weight and not torch.is_grad_enabled()
        # The kernel of the weights computes the gradient of the bias too.
        of_x, of_weight, of_bias = torch.ops.aten.convolution_backward(
            gradient,
            x,
            weight,
            bias_sizes=[len(weight)],
            stride=[1, 1],
            padding=[0, ctx.padding],
            dilation=[1, 1],
            transposed=False,
            output_padding=[0, 0],
            groups=1,
            output_mask=[for_x, for_weight and not fast, for_bias and not fast],
        )
        if fast:
            of_weight = _weight_gradient(x, gradient, weight, ctx.padding)
        if fast and for_bias:
            of_bias = gradient.sum((0, 2, 3))
        return of_x, of_weight, of_bias, None


def _weight_gradient(x, gradient, weight, padding):
    """Return the gradient of the weights: outputs' gradients times windows, summed."""
    n_out, n_in, _, kernel = weight.shape
    gradient = gradient[:, :, 0].transpose(1, 2)  # (batch, n_windows, n_out)
    x = F.pad(x[:, :, 0].transpose(1, 2), (0, 0, padding, padding))
    windows = x.contiguous().unfold(1, kernel, 1).transpose(2, 3)
    n_texts = max(_N_WINDOWS // windows.shape[1], 1)  # at a time
    total = x.new_zeros(n_out, kernel * n_in)
    parts = zip(windows.split(n_texts), gradient.split(n_texts), strict=True)
    for some, of_some in parts:
        columns = some.reshape(-1, kernel * n_in)
        torch.addmm(total, of_some.flatten(0, 1).t(), columns, out=total)
    return total.view(n_out, kernel, n_in).transpose(1, 2).unsqueeze(2)
