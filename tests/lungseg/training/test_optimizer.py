"""Weights decay by their closed form; a training clips and schedules as it is told."""

import math

import pytest
import torch
from pytorch_lightning.callbacks import Callback

from lungseg.options.step import StepOptions
from lungseg.training.optimizer import build_optimizer, build_schedule, keep_order
from lungseg.training.run import fit
from tests.toy_training import options

LR, DECAY = 0.1, 0.01


def step_of(name, gradient, **given):
    """A weight of 1 after one step."""
    weight = torch.nn.Parameter(torch.ones(1))
    given = {"lr": LR, "weight_decay": DECAY, "optimizer": name} | given
    optimizer = build_optimizer([weight], StepOptions(**given))
    weight.grad = torch.full((1,), gradient)
    optimizer.step()
    return weight.item()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("adamw", 1 - LR * DECAY),  # decoupled
        ("adam", 1 - LR),  # the decay is the gradient, of which Adam takes the sign
        ("sgd", 1 - LR * DECAY * (1 + 0.99)),  # Nesterov looks one step ahead
    ],
)
def test_a_weight_without_gradient_decays(name, expected):
    assert step_of(name, 0.0) == pytest.approx(expected, rel=1e-5)
    assert step_of(name, 0.0, weight_decay=0) == 1


@pytest.mark.parametrize("gradient", [0.001, 5.0])
def test_adam_steps_by_the_learning_rate_and_sgd_by_the_gradient(gradient):
    for name in ("adam", "adamw"):
        assert step_of(name, gradient, weight_decay=0) == pytest.approx(1 - LR, rel=1e-4)
    found = step_of("sgd", gradient, weight_decay=0, momentum=0.9)
    assert found == pytest.approx(1 - LR * gradient * 1.9)


def walked(name, *, fused, order=torch.channels_last):
    """A weight after some steps, half of them after a move to channels last."""
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randn(4, 3, 3, 3, generator=generator) for _ in range(6)]
    weight = torch.nn.Parameter(drawn.pop())
    optimizer = build_optimizer([weight], StepOptions(optimizer=name, momentum=0.9), fused=fused)
    for step, gradient in enumerate(drawn):
        if step == 2:
            weight.data = weight.data.contiguous(memory_format=order)
            keep_order(optimizer)
        weight.grad = torch.empty_like(weight).copy_(gradient)
        optimizer.step()
    return weight.detach()


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
def test_a_fused_optimizer_steps_as_a_plain_one_also_after_weights_changed_their_order(name):
    plain = walked(name, fused=False, order=torch.contiguous_format)
    torch.testing.assert_close(walked(name, fused=True), plain, rtol=1e-5, atol=1e-7)


def test_the_schedule_sets_the_rate_of_every_step():
    options = StepOptions(lr=LR, schedule="poly", warm_up=0.5)
    optimizer = build_optimizer([torch.nn.Parameter(torch.ones(1))], options)
    schedule = build_schedule(optimizer, options, num_steps=4)
    found = []
    for _ in range(4):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert found == pytest.approx([LR / 2, LR, LR, LR * 0.5**0.9])


class Watch(Callback):
    """Notes the norm of the gradient with which each step was taken, its rate and its decay."""

    def __init__(self):
        self.norms, self.rates, self.decay = [], [], set()

    def on_before_zero_grad(self, trainer, pl_module, optimizer):
        parts = [p.grad.norm() for p in pl_module.parameters() if p.grad is not None]
        if parts:
            self.norms.append(torch.stack(parts).norm().item())

    def on_train_batch_start(self, trainer, *_):
        (group,) = trainer.optimizers[0].param_groups
        self.rates.append(group["lr"])
        self.decay.add(group["weight_decay"])


@pytest.mark.parametrize("clip", [0.02, None])
def test_a_training_clips_decays_and_schedules_as_it_is_told(shards, tmp_path, clip):
    watch = Watch()
    fit(options(shards, tmp_path, epochs=2, clip=clip, weight_decay=0.3), callbacks=[watch])
    if clip is None:
        assert max(watch.norms) > 0.1
    else:
        assert watch.norms == pytest.approx([clip] * len(watch.norms), rel=1e-3)
    assert watch.decay == {0.3}
    num_steps = len(watch.rates)
    assert num_steps == 12
    assert watch.rates[0] == max(watch.rates) == 1e-3  # a twentieth of 12 steps is the first one
    assert watch.rates[-1] == pytest.approx(1e-3 * math.cos(math.pi * 10 / 22) ** 2)


def test_gradients_are_clipped_to_1_unless_told_otherwise():
    assert StepOptions().clip == 1
