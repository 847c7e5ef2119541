"""Learning rates and momenta in each minibatch, compared with formulas."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn

from sktextconv.encoding import CharEncoder
from sktextconv.networks.convnet import VelocitySGD
from sktextconv.schedules import (
    SCHEDULES,
    constant,
    cyclical,
    decay,
    halving,
    one_cycle,
    ramp,
    resolve_schedule,
)
from sktextconv.training import Recipe
from sktextconv.training._data import EncodedDataset
from sktextconv.training._loop import train
from sktextconv.training._net import make_net

CPU = torch.device("cpu")
SGD = partial(torch.optim.SGD, momentum=0.9)
OPTIMIZERS = [SGD, VelocitySGD, torch.optim.Adam, torch.optim.AdamW]


def settings_of(group):
    """Return the rate, and the momentum or first beta (None without either)."""
    betas = group.get("betas")
    return group["lr"], betas[0] if betas else group.get("momentum")


def follow(schedule, *, steps_per_epoch, n_epochs, optimizer=SGD, lr=0.01):
    """Return the rates and momenta of each minibatch."""
    optimizer = optimizer([nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = schedule(optimizer, steps_per_epoch=steps_per_epoch, n_epochs=n_epochs)
    pairs = []
    for _ in range(steps_per_epoch * n_epochs):
        pairs.append(settings_of(optimizer.param_groups[0]))
        optimizer.step()
        scheduler.step()
    return tuple(map(list, zip(*pairs, strict=True)))


def rates_of(schedule, **kwargs):
    """Return the rate of each minibatch."""
    return follow(schedule, **kwargs)[0]


# -- cyclical -----------------------------------------------------------------


def height(t, half, mode, gamma=1):
    """Return the height of the cycle after `t` minibatches (Smith 2017, section 3)."""
    cycle = math.floor(1 + t / (2 * half))
    x = abs(t / half - 2 * cycle + 1)
    scale = {
        "triangular": 1,
        "triangular2": 2 ** -(cycle - 1),
        "exp_range": gamma**t,
    }
    return max(0, 1 - x) * scale[mode]


def test_cyclical_single_cycle():
    rates = rates_of(cyclical, steps_per_epoch=2, n_epochs=5, lr=0.06)
    heights = [(rate - 0.01) / 0.05 for rate in rates]
    expected = [0, 0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25, 0, 0.25]
    assert heights == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("mode", ["triangular", "triangular2", "exp_range"])
@pytest.mark.parametrize(("steps_per_epoch", "half_cycle"), [(7, 3), (3, 0.5), (1, 2)])
def test_cyclical_follows_formulas(mode, steps_per_epoch, half_cycle):
    schedule = partial(
        cyclical, mode=mode, half_cycle=half_cycle, ratio=4, gamma=0.99, momentum=(0, 1)
    )
    rates, momenta = follow(
        schedule, steps_per_epoch=steps_per_epoch, n_epochs=math.ceil(10 * half_cycle)
    )
    half = half_cycle * steps_per_epoch
    heights = [height(t, half, mode, 0.99) for t in range(len(rates))]
    assert rates == pytest.approx([0.0025 + 0.0075 * h for h in heights], rel=1e-9)
    assert momenta == pytest.approx([1 - h for h in heights], abs=1e-9)


@pytest.mark.parametrize("name", ["triangular", "triangular2", "exp_range"])
def test_cyclical_modes_by_name(name):
    rates = rates_of(SCHEDULES[name], steps_per_epoch=1000, n_epochs=6, lr=6)
    expected = [1 + 5 * height(t, 2000, name, 0.99994) for t in range(6000)]
    assert rates == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_cyclical_momentum_opposes_rate(optimizer):
    rates, momenta = follow(
        cyclical, steps_per_epoch=5, n_epochs=8, optimizer=optimizer
    )
    for t, (rate, momentum) in enumerate(zip(rates, momenta, strict=True)):
        h = height(t, 10, "triangular")
        assert rate == pytest.approx(0.01 / 6 + (0.01 - 0.01 / 6) * h, rel=1e-9)
        assert momentum == pytest.approx(0.95 - 0.1 * h, rel=1e-9)
    assert (momenta[0], momenta[10]) == pytest.approx((0.95, 0.85))


@pytest.mark.parametrize(
    "optimizer", [torch.optim.SGD, torch.optim.RMSprop, torch.optim.Adagrad]
)
def test_cyclical_without_momentum(optimizer):
    """An optimizer without momentum gets none."""
    rates, momenta = follow(
        cyclical, steps_per_epoch=5, n_epochs=4, optimizer=optimizer
    )
    assert max(rates) == pytest.approx(6 * min(rates))
    assert set(momenta) <= {0, None}


def test_cyclical_momentum_none():
    schedule = partial(cyclical, momentum=None)
    assert set(follow(schedule, steps_per_epoch=5, n_epochs=4)[1]) == {0.9}


def test_cyclical_half_cycle_longer_than_training():
    """The rate only rises."""
    schedule = partial(cyclical, half_cycle=100)
    rates = rates_of(schedule, steps_per_epoch=5, n_epochs=4)
    assert (np.diff(rates) > 0).all()


def test_cyclical_with_parameter_groups():
    weights = [nn.Parameter(torch.zeros(1)) for _ in range(2)]
    groups = [{"params": [weights[0]], "lr": 0.6}, {"params": [weights[1]], "lr": 6}]
    optimizer = SGD(groups, lr=1)
    cyclical(optimizer, steps_per_epoch=5, n_epochs=4)
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([0.1, 1])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mode": "round"}, r"mode to be one of \('triangular', .*, got 'round'"),
        ({"half_cycle": 0}, r"half_cycle > 0 \(in epochs\), got 0"),
        ({"ratio": 0.5}, r"ratio >= 1, .*, got 0.5"),
    ],
)
def test_cyclical_invalid_arguments(wrong, message):
    with pytest.raises(ValueError, match=message):
        rates_of(partial(cyclical, **wrong), steps_per_epoch=5, n_epochs=4)


# -- other schedules ----------------------------------------------------------


def test_halving_every_3_epochs_10_times():
    rates = rates_of(halving, steps_per_epoch=5, n_epochs=40)
    by_epoch = [rates[5 * epoch : 5 * epoch + 5] for epoch in range(40)]
    expected = [0.01 * 0.5 ** min(epoch // 3, 10) for epoch in range(40)]
    np.testing.assert_allclose(by_epoch, np.repeat(expected, 5).reshape(40, 5))
    assert min(rates) == pytest.approx(0.000009765625)


def test_decay_per_epoch():
    rates = rates_of(decay, steps_per_epoch=3, n_epochs=10)
    expected = [0.01 * 0.94**epoch for epoch in range(10) for _ in range(3)]
    assert rates == pytest.approx(expected, rel=1e-12)
    rates = rates_of(partial(decay, gamma=0.5), steps_per_epoch=1, n_epochs=3)
    assert rates == pytest.approx([0.01, 0.005, 0.0025])


def test_one_cycle_rises_then_falls_to_zero():
    rates = rates_of(one_cycle, steps_per_epoch=10, n_epochs=10)
    top = int(np.argmax(rates))
    assert top == 9
    assert max(rates) == pytest.approx(0.01)
    assert (np.diff(rates[: top + 1]) > 0).all()
    assert (np.diff(rates[top + 1 :]) < 0).all()
    assert rates[-1] < 1e-5


@pytest.mark.parametrize("n_steps", range(1, 31))
def test_one_cycle_any_number_of_steps(n_steps):
    """The rate reaches its maximum and stays positive, also in very short training."""
    rates = rates_of(one_cycle, steps_per_epoch=n_steps, n_epochs=1)
    assert max(rates) == pytest.approx(0.01)
    assert min(rates) > 0


def test_constant():
    assert set(rates_of(constant, steps_per_epoch=5, n_epochs=4)) == {0.01}


@pytest.mark.parametrize(
    ("spacing", "spaced"), [("log", np.geomspace), ("linear", np.linspace)]
)
def test_ramp_spacing(spacing, spaced):
    schedule = partial(ramp, ratio=1000, spacing=spacing)
    rates = rates_of(schedule, steps_per_epoch=7, n_epochs=3)
    np.testing.assert_allclose(rates, spaced(1e-5, 1e-2, 21), rtol=1e-9)
    assert rates_of(schedule, steps_per_epoch=1, n_epochs=1) == pytest.approx([1e-5])


# -- names --------------------------------------------------------------------


def test_resolve_schedule():
    mine = partial(cyclical, half_cycle=4)
    assert resolve_schedule(mine) is mine
    assert resolve_schedule("halving") is halving


@pytest.mark.parametrize("wrong", ["cosine", "", 3, None])
def test_resolve_schedule_unknown(wrong):
    with pytest.raises(ValueError, match="must be a str among") as caught:
        resolve_schedule(wrong)
    assert str(caught.value).endswith(f"Got {wrong!r} instead.")
    for name in SCHEDULES:
        assert repr(name) in str(caught.value)


# -- training -----------------------------------------------------------------


class Bag(nn.Module):
    """Mean of two-dimensional embeddings."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(71, 2)

    def forward(self, ids):
        return self.embedding(ids).mean(1)


class Recorder(Callback):
    """Callback that records rate and momentum of each minibatch."""

    def __init__(self, record):
        self.record = record  # a function, since copies of the callback share it

    def on_batch_begin(self, net, batch=None, training=None, **kwargs):
        self.record(settings_of(net.optimizer_.param_groups[0]))


def make_bag(optimizer, **options):
    recipe = Recipe(optimizer, 0.01, options)
    return make_net(Bag(), recipe, device=CPU, precision="float32")


def train_bag(net, schedule, *, n_epochs=3):
    """Train on five texts, two in a minibatch; return rates and momenta."""
    ragged = CharEncoder(reverse=False).encode(["ab", "c", "abba", "cc", "ca"])
    targets = np.array([0, 1, 0, 1, 1])
    dataset = EncodedDataset(ragged, CPU, targets=targets, weights=np.ones(5))
    pairs = []
    train(
        net,
        dataset,
        n_epochs=n_epochs,
        batch_size=2,
        schedule=schedule,
        callbacks=[Recorder(lambda pair: pairs.append(pair))],
    )
    return tuple(map(list, zip(*pairs, strict=True)))


def groups_of(net):
    """Return the parameter groups of the optimizer without the parameters."""
    return [
        {name: value for name, value in group.items() if name != "params"}
        for group in net.optimizer_.param_groups
    ]


@pytest.mark.parametrize("name", SCHEDULES)
def test_train_steps_schedule_per_minibatch(name):
    net = make_bag(torch.optim.SGD, momentum=0.9)
    expected = follow(SCHEDULES[name], steps_per_epoch=3, n_epochs=3)
    assert train_bag(net, SCHEDULES[name]) == expected


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        (torch.optim.SGD, {"momentum": 0.9}),
        (VelocitySGD, {}),
        (torch.optim.AdamW, {"betas": (0.9, 0.98)}),
    ],
)
@pytest.mark.parametrize("name", SCHEDULES)
def test_train_resets_schedule_afterwards(name, optimizer, options):
    """Rate and momentum are as before, so that a second training repeats the first."""
    net = make_bag(optimizer, **options)
    before = groups_of(net)
    first = train_bag(net, SCHEDULES[name])
    assert groups_of(net) == before
    assert train_bag(net, SCHEDULES[name]) == first
    rates, momenta = train_bag(net, None, n_epochs=1)
    assert (set(rates), set(momenta)) == ({0.01}, {0.9})


def test_train_resets_schedule_on_error():
    """Rate and momentum are restored if the schedule or the training fails."""

    def failing(optimizer, **lengths):
        cyclical(optimizer, **lengths)
        raise RuntimeError("no schedule")

    net = make_bag(torch.optim.SGD, momentum=0.9)
    before = groups_of(net)
    with pytest.raises(RuntimeError, match="no schedule"):
        train_bag(net, failing)
    assert groups_of(net) == before
    with torch.no_grad():
        net.module_.embedding.weight.fill_(math.nan)
    with pytest.raises(ValueError, match="train loss became nan"):
        train_bag(net, cyclical)
    assert groups_of(net) == before
