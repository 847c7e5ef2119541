"""Tests of VDCNN and k-max pooling against Conneau et al. (2017)."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn

from sktextconv.networks.vdcnn import (
    VDCNN,
    VDCNNClassifier,
    _kmax_positions,
    check_max_length,
    kmax_pool,
)
from sktextconv.training._torch_defaults import torch_defaults

DEPTHS = (9, 17, 29, 49)
POOLINGS = ("max", "kmax", "conv")
N_TOKENS = 69


def on_meta(**settings):
    with torch.device("meta"):
        return VDCNN(N_TOKENS, 4, **settings)


def small(**settings):
    """Return a network in double precision with estimated batch statistics."""
    torch.manual_seed(0)
    network = VDCNN(N_TOKENS, 3, dense_dim=16, **settings).double()
    with torch.no_grad():
        network(torch.randint(N_TOKENS, (4, network.max_length)))
    return network.eval()


def size(parameters):
    return sum(parameter.numel() for parameter in parameters)


# -- counts and shapes ------------------------------------------------------------

# By depth: convolution weights, their biases, batch normalization, all parameters.
PARAMETERS = {
    9: (1_575_936, 1_984, 3_840, 14_178_068),
    17: (3_664_896, 3_904, 7_680, 16_272_788),
    29: (4_033_536, 5_056, 9_984, 16_644_884),
    49: (7_154_688, 8_768, 17_408, 19_777_172),
}
TOTAL_WITH_SHORTCUTS = {9: 14_351_892, 17: 16_446_612, 29: 16_818_708, 49: 19_950_996}
TOTAL_WITHOUT_BIAS = {9: 14_176_084, 17: 16_268_884, 29: 16_639_828, 49: 19_768_404}


@pytest.mark.parametrize("depth", DEPTHS)
def test_parameter_count_matches_derivation(depth):
    """Each depth has the derived number of parameters by kind of layer."""
    network = on_meta(depth=depth)
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(convolutions) == depth
    n_biases = size(c.bias for c in convolutions)
    total = size(network.parameters())
    assert PARAMETERS[depth] == (
        size(c.weight for c in convolutions),
        n_biases,
        sum(size(norm.parameters()) for norm in norms),
        total,
    )
    assert total - n_biases == TOTAL_WITHOUT_BIAS[depth]
    assert size(network.embedding.parameters()) == 1_104
    assert size(network.dense.parameters()) == 12_595_204


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("depth", DEPTHS)
def test_parameter_count_with_shortcuts(depth, pooling):
    """Shortcuts add the parameters of their projections."""
    network = on_meta(depth=depth, pooling=pooling, shortcut=True)
    assert size(network.parameters()) == TOTAL_WITH_SHORTCUTS[depth]
    projections = [
        m for m in network.modules() if isinstance(m, nn.Conv2d) and m.bias is None
    ]
    assert size(p.weight for p in projections) == 172_032


def test_parameter_count_by_number_of_classes():
    """Each additional class adds 2,049 parameters."""
    with torch.device("meta"):
        assert size(VDCNN(N_TOKENS, 14).parameters()) == 14_178_068 + 10 * 2049


# By length, downsampling and shortcuts, for the four depths.
MACS = {
    (1014, "max", False): (302_729_216, 677_120_000, 901_400_576, 1_625_065_472),
    (1014, "kmax", False): (301_254_656, 673_679_360, 897_959_936, 1_618_872_320),
    (1024, "any", False): (305_143_808, 682_631_168, 909_123_584, 1_638_932_480),
    (1014, "max", True): (331_851_776, 706_242_560, 930_523_136, 1_654_188_032),
    (1014, "kmax", True): (330_213_376, 702_638_080, 926_918_656, 1_647_831_040),
    (1024, "any", True): (334_503_936, 711_991_296, 938_483_712, 1_668_292_608),
}


def output_shapes(network):
    """Return the layers with weights, in order, with their output shapes."""
    shapes = []

    def record(module, inputs, output):
        shapes.append((module, tuple(output.shape[1:])))

    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(record)
    network(torch.zeros(1, network.max_length, dtype=torch.long, device="meta"))
    return shapes


@pytest.mark.parametrize("shortcut", [False, True])
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("max_length", [1014, 1024])
def test_multiply_accumulates_match_derivation(max_length, pooling, shortcut):
    """All depths take the derived number of multiply-accumulates."""
    kind = "max" if pooling == "conv" else pooling
    kind = "any" if max_length == 1024 else kind
    for depth, expected in zip(DEPTHS, MACS[max_length, kind, shortcut], strict=True):
        network = on_meta(
            depth=depth, pooling=pooling, shortcut=shortcut, max_length=max_length
        )
        macs = 0
        for layer, shape in output_shapes(network):
            positions = shape[-1] if isinstance(layer, nn.Conv2d) else 1
            macs += positions * layer.weight.numel()
        assert macs == expected


@pytest.mark.parametrize("pooling", ["max", "conv"])
def test_layer_shapes_of_depth_9(pooling):
    """The layers have the derived output shapes."""
    convolutions = [(64, 1014)] * 3 + [(128, 507)] * 2 + [(256, 254)] * 2
    convolutions += [(512, 127)] * 2
    shapes = [shape for _, shape in output_shapes(on_meta(pooling=pooling))]
    assert [(shape[0], shape[-1]) for shape in shapes[:-3]] == convolutions
    assert shapes[-3:] == [(2048,), (2048,), (4,)]


@pytest.mark.parametrize(
    ("pooling", "lengths"),
    [
        ("max", (1014, 507, 254, 127)),
        ("conv", (1014, 507, 254, 127)),
        ("kmax", (1014, 507, 253, 126)),
        ("max", (1024, 512, 256, 128)),
        ("conv", (1024, 512, 256, 128)),
        ("kmax", (1024, 512, 256, 128)),
    ],
)
def test_downsampling_lengths(pooling, lengths):
    """Each level has the derived length."""
    network = on_meta(pooling=pooling, max_length=lengths[0])
    seen = dict.fromkeys(shape[-1] for _, shape in output_shapes(network)[:-3])
    assert tuple(seen) == lengths


def test_block_matches_figure_2():
    """A block is twice convolution, normalization and ReLU, plus a shortcut."""
    for shortcut in (False, True):
        block = small(max_length=64, shortcut=shortcut).levels[1][0]
        x = torch.randn(2, 64, 1, 20, dtype=torch.double)
        y = block.norm1(block.convolution1(x)).relu()
        y = block.norm2(block.convolution2(y))
        if shortcut:
            projection, norm = block.shortcut
            y = y + norm(projection(x))
        assert torch.equal(block(x), y.relu())


@pytest.mark.parametrize("pooling", POOLINGS)
def test_max_length_is_at_least_64(pooling):
    """A length of 64 works and 63 raises an error."""
    assert check_max_length(64) == 64
    assert small(pooling=pooling, max_length=64)(torch.ones(1, 1).long()).shape == (
        1,
        3,
    )
    message = r"must be an int in the range \[64, inf\).* Got 63 instead"
    with pytest.raises(ValueError, match=message):
        VDCNNClassifier(pooling=pooling, max_length=63).fit(["a", "b"], [0, 1])


# -- k-max pooling ----------------------------------------------------------------


def reference_positions(row, k):
    """Return the sorted positions of the largest values, earlier ones if equal."""
    order = sorted(range(len(row)), key=lambda position: (-row[position], position))
    return sorted(order[:k])


def test_kmax_keeps_order():
    """The largest values are returned in their original order."""
    x = torch.tensor([1.0, 2.0, 4.0, 10.0, 5.0, 3.0])
    assert kmax_pool(x, 3).tolist() == [4.0, 10.0, 5.0]


FEW_VALUES = st.sampled_from([-torch.inf, -1.5, -1.0, -0.0, 0.0, 0.5, 2.0, torch.inf])


@st.composite
def matrices(draw):
    n_rows, length = draw(st.integers(1, 4)), draw(st.integers(1, 40))
    row = st.lists(FEW_VALUES, min_size=length, max_size=length)
    rows = draw(st.lists(row, min_size=n_rows, max_size=n_rows))
    return rows, draw(st.integers(1, length))


@given(
    rows_and_k=matrices(),
    dtype=st.sampled_from([torch.float64, torch.float32, torch.bfloat16]),
)
def test_kmax_matches_reference_with_ties(rows_and_k, dtype):
    """The earlier of equal values are selected, and only these get a gradient."""
    rows, k = rows_and_k
    expected = [reference_positions(row, k) for row in rows]
    x = torch.tensor(rows, dtype=dtype).requires_grad_()
    assert _kmax_positions(x.detach(), k).tolist() == expected
    pooled = kmax_pool(x[:, None], k)
    assert pooled.dtype == dtype
    assert pooled[:, 0].tolist() == [
        [row[position] for position in positions]
        for row, positions in zip(rows, expected, strict=True)
    ]
    pooled.sum().backward()  # the gradient is 1 at selected positions
    selected = [row.nonzero().flatten().tolist() for row in x.grad]
    assert selected == expected
    assert set(x.grad.flatten().tolist()) <= {0.0, 1.0}


def test_kmax_matches_stable_sort():
    """On long rows the result equals that of torch's stable sort."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(8, 16, 1014, generator=generator).relu().bfloat16().float()
    for k in (8, 507, 1014):
        order = x.sort(dim=-1, descending=True, stable=True).indices[..., :k]
        expected = x.gather(-1, order.sort(dim=-1).values)
        assert torch.equal(kmax_pool(x, k), expected)
        assert torch.equal(_kmax_positions(x, k), order.sort(dim=-1).values)


def test_kmax_gradient():
    """The gradient agrees with finite differences."""
    x = torch.randperm(60).double().view(2, 3, 10).transpose(0, 1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: kmax_pool(x, 4), x)


def test_kmax_selects_nan():
    """NaN counts as the largest value."""
    x = torch.tensor([[1.0, torch.nan, 5.0, 3.0], [torch.nan] * 4])
    pooled = kmax_pool(x, 2)
    assert pooled[0].isnan().tolist() == [True, False]
    assert pooled[0, 1] == 5
    assert pooled[1].isnan().all()


@pytest.mark.parametrize("k", [0, 5])
def test_kmax_rejects_invalid_k(k):
    """A `k` below 1 or above the number of values raises an error."""
    with pytest.raises(ValueError, match=f"between 1 and the 4 values.*got k={k}"):
        kmax_pool(torch.ones(2, 4), k)


# -- padding ----------------------------------------------------------------------


def padded_ids(lengths, width):
    generator = torch.Generator().manual_seed(1)
    ids = torch.zeros(len(lengths), width, dtype=torch.long)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(1, N_TOKENS, (length,), generator=generator)
    return ids


def record_widths(network):
    widths, convolve = [], network._convolve
    network._convolve = lambda ids, width: widths.append(width) or convolve(ids, width)
    return widths


@pytest.mark.parametrize("pooling", ["max", "conv"])
@pytest.mark.parametrize(
    ("depth", "max_length", "lengths"),
    [
        (9, 200, [1, 0, 3, 7, 16, 17, 40, 33]),
        (9, 203, [1, 2, 41]),
        (9, 257, [64] * 8),
        (49, 645, [5, 1, 6]),
    ],
)
def test_skipping_padding_preserves_predictions(depth, pooling, max_length, lengths):
    """Features without repeated padding equal those of fully padded texts."""
    network = small(depth=depth, pooling=pooling, max_length=max_length, shortcut=True)
    ids = padded_ids(lengths, max(lengths))
    widths = record_widths(network)
    with torch.inference_mode():
        features = network._features(ids)
        expected = network._convolve(ids, max_length)
    assert len(widths) == 3  # padding was computed separately
    assert widths[0] < widths[1] == max_length
    torch.testing.assert_close(features, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_logits_are_independent_of_batch(pooling):
    """A text has the same logits alone and in any batch."""
    network = small(pooling=pooling, max_length=150)
    lengths = [0, 1, 30, 149, 150, 90, 7]
    ids = padded_ids(lengths, 150)
    with torch.inference_mode():
        together = network(ids)
        for row, length in enumerate(lengths):
            alone = network(ids[row : row + 1, : max(length, 1)])
            torch.testing.assert_close(alone[0], together[row], rtol=0, atol=1e-10)
        pair = network(ids[1:3, :30])
    torch.testing.assert_close(pair, together[1:3], rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("length", "trimmed", "plain"),
    [(1, 64, 150), (64, 64, 150), (65, 128, 150), (129, 150, 150), (150, 150, 150)],
)
def test_trim_pads_to_multiple_of_64(length, trimmed, plain):
    """With `trim`, training pads to a multiple of 64, at most to `max_length`."""
    for trim, expected in ((True, trimmed), (False, plain)):
        network = small(max_length=150, trim=trim).train()
        widths = record_widths(network)
        network(torch.ones(2, length, dtype=torch.long))
        assert widths == [expected]


def test_trim_preserves_predictions():
    """`trim` has no effect in evaluation."""
    trimming, plain = small(max_length=150, trim=True), small(max_length=150)
    plain.load_state_dict(trimming.state_dict())
    ids = padded_ids([3, 20], 20)
    assert torch.equal(trimming(ids), plain(ids))


def test_padding_vector_is_trained():
    """The vector of padding has a gradient."""
    network = small(max_length=64).train()
    network(torch.tensor([[5, 6], [7, 0]])).sum().backward()
    assert network.embedding.weight.grad[0].any()


# -- training and export ----------------------------------------------------------


@pytest.mark.parametrize("shortcut", [False, True])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_all_weights_get_gradients(pooling, shortcut):
    """Every parameter has a gradient, except biases before batch normalization."""
    network = small(pooling=pooling, shortcut=shortcut, max_length=64).train()
    logits = network(torch.randint(N_TOKENS, (6, 64)))
    nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2] * 2)).backward()
    for name, parameter in network.named_parameters():
        # Batch normalization cancels the bias of the convolution before it.
        if "levels" not in name or not name.endswith("bias") or "norm" in name:
            assert parameter.grad.abs().max() > 1e-9, name


@pytest.mark.parametrize("pooling", POOLINGS)
def test_network_exports(pooling):
    """The exported graph returns the network's logits for any batch size."""
    network = small(pooling=pooling, max_length=160).float()
    ids = padded_ids([6, 3, 0, 4], 6)
    exported = torch.export.export(
        network, (ids,), dynamic_shapes=({0: torch.export.Dim("batch", max=64)},)
    ).module()
    for batch in (ids, ids.repeat(4, 1)):
        logits = exported(batch)
        torch.testing.assert_close(logits, network(batch), rtol=1e-4, atol=1e-5)


def test_init_is_kaiming():
    """Convolutions start with the deviation of He et al. and biases of 0."""
    torch.manual_seed(0)
    network = VDCNN(N_TOKENS, 4, dense_dim=8)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            fan_in = layer.weight[0].numel()
            expected = pytest.approx((2 / fan_in) ** 0.5, rel=0.05)
            assert layer.weight.std().item() == expected
            assert not layer.bias.any()


TINY = {"max_length": 64, "dense_dim": 16, "batch_size": 8, "random_state": 0}


def test_paper_recipe_settings(corpus):
    """`recipe="paper"` is SGD with momentum 0.9 and a halving schedule."""
    network = VDCNNClassifier(recipe="paper", **TINY, epoch_size=1, max_epochs=7).fit(
        *corpus
    )
    optimizer = network.net_.optimizer_
    assert type(optimizer) is torch.optim.SGD
    group = optimizer.param_groups[0]
    assert (group["momentum"], group["weight_decay"]) == (0.9, 0)
    rates = [row["learning_rate"] for row in network.history_]
    assert rates == pytest.approx([0.01] * 3 + [0.005] * 3 + [0.0025])
    assert network._recipes["paper"].epoch_size == 5_000
    sizes = {name: recipe.batch_size for name, recipe in network._recipes.items()}
    assert sizes == {"paper": 128, "modern": 32}


def test_encoder_truncates_and_lowercases():
    """Texts are lower-cased, read from the start and truncated to `max_length`."""
    encoder = VDCNNClassifier(alphabet="vdcnn", max_length=64)._make_encoder()
    assert encoder.n_tokens == N_TOKENS
    ids = encoder.encode(["Ab é@" + "z" * 100])[0]
    assert len(ids) == 64
    assert ids[:6].tolist() == [3, 4, 2, 1, 1, 28]


def test_batch_of_one_text_trains(corpus):
    """Batch normalization also works in a minibatch of one text."""
    texts, labels = corpus[0][:9], corpus[1][:9]
    network = VDCNNClassifier(**TINY, max_epochs=1).fit(texts, labels)
    assert np.isfinite(network.history_[0]["train_loss"])


def test_two_threads_are_deterministic():
    """Gradients with two threads are bitwise equal in each run."""
    network = small(pooling="kmax", max_length=80).float().train()
    ids = padded_ids([80, 3, 50, 7], 80)

    def gradients():
        network.zero_grad()
        network(ids).square().sum().backward()
        return [parameter.grad.clone() for parameter in network.parameters()]

    with torch_defaults(2):
        first, *others = (gradients() for _ in range(3))
    for other in others:
        assert all(map(torch.equal, first, other))


def test_invalid_depth_raises(corpus):
    """Another depth raises an error that lists the valid ones."""
    with pytest.raises(ValueError, match=r"an int among \{9, 17, 29, 49\}. Got 10"):
        VDCNNClassifier(depth=10).fit(*corpus)
