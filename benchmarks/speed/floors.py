"""Lower bounds of the time of training on GPUs, from the rates in their data sheets."""

__all__ = ["lower_bound"]

# Bounds in seconds for 120,000 short texts on an H200 in minibatches of 128: for matrix
# products, for activations, and for weights with their optimizer, each computed from
# the rates below. Padding is included if the network computes it.
_FLOORS = {
    "CharCNN small": (0.12, 0.14, 0.10),
    "CharCNN large": (1.55, 0.57, 0.87),
    "VDCNN-9": (0.30, 0.67, 0.12),
    "VDCNN-29": (0.86, 1.98, 0.15),
}
_REFERENCE = "NVIDIA H200"

# Matrix products in bfloat16 without sparsity, in TFLOP/s, and memory bandwidth, in
# TB/s, by the name that torch gives to the GPU. They are from the data sheets "NVIDIA
# H200 Tensor Core GPU", "NVIDIA H100 Tensor Core GPU", "NVIDIA A100 Tensor Core GPU".
# The first two print the rates with sparsity, which are twice as high.
_RATES = {
    "NVIDIA H200": (989.5, 4.8),
    "NVIDIA H100 80GB HBM3": (989.5, 3.35),
    "NVIDIA H100 NVL": (835.5, 3.9),
    "NVIDIA H100 PCIe": (756.5, 2.0),
    "NVIDIA A100-SXM4-80GB": (312.0, 2.039),
    "NVIDIA A100 80GB PCIe": (312.0, 1.935),
    "NVIDIA A100-SXM4-40GB": (312.0, 1.555),
    "NVIDIA A100-PCIE-40GB": (312.0, 1.555),
}


def lower_bound(name, batch_size, gpu):
    """Return the lower bound of seconds per text, or None if it is unknown.

    Parameters
    ----------
    name : str
        Network.
    batch_size : int
    gpu : str
        Name of the GPU, as `torch.cuda.get_device_name` returns it.
    """
    if name not in _FLOORS or gpu not in _RATES:
        return None
    products, activations, weights = _FLOORS[name]
    compute, bandwidth = (
        reference / rate
        for reference, rate in zip(_RATES[_REFERENCE], _RATES[gpu], strict=True)
    )
    memory = activations + weights * 128 / batch_size
    return (products * compute + memory * bandwidth) / 120_000
