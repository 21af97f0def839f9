"""A training that was cut off anywhere goes on as if it had not been, also on other ranks."""

import logging
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from pytorch_lightning.callbacks import Callback

from lungseg.training.module import LungSegmenter
from lungseg.training.run import fit
from tests.toy_training import (
    OFTEN,
    TINY,
    Seen,
    equal,
    flags,
    options,
    slices_of_steps,
    table,
    weights,
)
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]


@pytest.fixture
def chance():
    """A random generator; a failure shows the seed with which it can be repeated."""
    seed = int(os.environ.get("KILL_SEED") or random.SystemRandom().randrange(10**6))
    logging.getLogger(__name__).warning("KILL_SEED=%d repeats this", seed)
    return random.Random(seed)


def train(seen, shards, out, *, num_devices, kill_at=None, **given):
    """The slices of the steps of a training, in processes of its own where it needs them."""
    if num_devices == 1 and kill_at is None:
        fit(options(shards, out, **given), callbacks=[Seen(seen)])
        return slices_of_steps(seen)
    words = flags(shards, out, devices=num_devices, **given)
    settings = {"SEEN": str(seen)} | ({} if kill_at is None else {"KILL_AT": str(kill_at)})
    with subprocess.Popen(
        [sys.executable, "-m", "tests.toy_training", *words],
        env=os.environ | settings | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        _, errors = process.communicate(timeout=200)
    assert process.returncode == (0 if kill_at is None else -signal.SIGKILL), errors
    assert "Warning" not in errors
    return slices_of_steps(seen)


LATE = {"augment": "full", "augment_on": "device", "ema": 0.9, "schedule": "one_cycle"}
"""What happens behind the loader, or depends on all steps."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "then", "given"),
    [
        (1, 1, {"num_workers": 2}),
        (1, 1, {"draw": "balanced", "order": "windowed", "window_shards": 2, **LATE}),
        (1, 2, {"augment": "none"}),
        (2, 1, {"batch_size": 7, **LATE}),
    ],
)
def test_a_killed_training_goes_on_at_the_very_next_slice(
    shards, tmp_path, chance, first, then, given
):
    """SIGKILL of all ranks at any moment; on one rank weights and scores are equal too."""
    given = {"epochs": 3, **OFTEN, **given}
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    unbroken = train(tmp_path / "unbroken.txt", shards, whole, num_devices=1, **given)
    assert len({tuple(lines) for lines in unbroken.values()}) == len(unbroken) > 10

    kill_at = chance.randrange(2, len(unbroken) - 3) + chance.uniform(0, 0.02)
    cut = {"num_devices": first, "kill_at": kill_at}
    before = train(tmp_path / "before.txt", shards, killed, **cut, **given)
    go_on = {"num_devices": then, "resume": True}
    after = train(tmp_path / "after.txt", shards, killed, **go_on, **given)
    assert max(before) + 1 >= min(after) > 0
    assert before | after == unbroken
    if first == then == 1:
        assert equal(weights(whole / "last.ckpt"), weights(killed / "last.ckpt"))
        assert table(whole) == table(killed)


class CutOffError(Exception):
    """What stands for a kill inside this process: no checkpoint is written on it."""


class CutOff(Callback):
    """Ends a training at the start of a step, or of the validation after it."""

    def __init__(self, step, *, validating=False):
        self._step, self._validating = step, validating

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if trainer.global_step == self._step and not self._validating:
            raise CutOffError

    def on_validation_start(self, trainer, pl_module):
        if trainer.global_step == self._step and self._validating:
            raise CutOffError


def cut_off_and_resume(given, cut, *, callbacks=()):
    with pytest.raises(CutOffError):
        fit(given(), callbacks=[*callbacks, cut])
    return fit(given(resume=True), callbacks=callbacks)


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_kill_during_validation_loses_no_score(shards, tmp_path, epochs):
    """In the first epoch, whose last step is also the last of the training where there is one."""

    def given(name="cut", **further):
        return options(shards, tmp_path / name, epochs=epochs, **OFTEN, **further)

    unbroken = fit(given("whole"))
    num_steps = int(table(tmp_path / "whole")[0]["step"])
    result = cut_off_and_resume(given, CutOff(num_steps, validating=True))
    assert result == unbroken | {"checkpoint": str(tmp_path / "cut" / "best.ckpt")}
    assert table(tmp_path / "cut") == table(tmp_path / "whole")
    assert len(table(tmp_path / "cut")) == epochs


class OneCycle(LungSegmenter):
    """Asks the trainer by name for the number of steps, as torch's OneCycleLR needs it."""

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)
        num_steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=num_steps)
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]


def test_a_schedule_by_step_goes_on_where_it_was(shards, tmp_path, monkeypatch):
    """Asking for the number of steps makes Lightning build the loaders before a training begins."""
    monkeypatch.setattr("lungseg.training.run.LungSegmenter", OneCycle)

    def given(name="cut", **further):
        return options(shards, tmp_path / name, epochs=3, **OFTEN, **further)

    fit(given("whole"), callbacks=[Seen(tmp_path / "whole.txt")])
    cut_off_and_resume(given, CutOff(9), callbacks=[Seen(tmp_path / "cut.txt")])
    seen = [slices_of_steps(tmp_path / f"{name}.txt") for name in ("whole", "cut")]
    assert seen[0] == {step: sorted(set(lines)) for step, lines in seen[1].items()}
    assert equal(*(weights(tmp_path / name / "last.ckpt") for name in ("whole", "cut")))
    assert table(tmp_path / "whole") == table(tmp_path / "cut")


def signalled(module, shards, out, signum, **given):
    """Exit code and words of a command that got a signal after its first checkpoint."""
    running = subprocess.Popen(
        [sys.executable, "-m", module, *flags(shards, out, epochs=1000, **given)],
        cwd=ROOT,
        env=os.environ | {"SEEN": f"{out}.txt"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until((out / "last.ckpt").exists, "a checkpoint", during=running)
    running.send_signal(signum)
    _, said = running.communicate(timeout=120)
    return running.returncode, said.splitlines()


@pytest.mark.slow
def test_ctrl_c_writes_the_checkpoint_and_ends_with_its_number(shards, tmp_path):
    """In the middle of an epoch: last.ckpt holds the very step, and the training goes on there."""
    out = tmp_path / "out"
    found, said = signalled("lungseg.fit", shards, out, signal.SIGINT, num_workers=2)
    assert found == 130
    assert any(line.startswith("SIGINT: the training ends after this") for line in said)
    going_on = f"the same command with --resume goes on from {out}/last.ckpt"
    assert said[-2] == f"the checkpoint is written; {going_on}"
    assert not [line for line in said if "Traceback" in line]
    step = torch.load(out / "last.ckpt", weights_only=True)["global_step"]
    assert step > 0
    epochs = -(-(step + 1) // 6)
    seen = train(tmp_path / "seen.txt", shards, out, num_devices=1, epochs=epochs, resume="auto")
    assert min(seen) == step


@pytest.mark.slow
def test_a_signal_to_the_first_of_two_processes_ends_both(shards, tmp_path):
    """After the same step, which is the checkpoint's."""
    out = tmp_path / "out"
    found, said = signalled("tests.toy_training", shards, out, signal.SIGTERM, devices=2)
    assert found == 143
    assert not [line for line in said if "Traceback" in line]
    steps = slices_of_steps(tmp_path / "out.txt")
    assert {len(set(lines)) for lines in steps.values()} == {TINY["batch_size"]}
    assert torch.load(out / "last.ckpt", weights_only=True)["global_step"] == max(steps) + 1


class Signals(Callback):
    """Sends this process a signal at the start of a step."""

    def __init__(self, step, *signals):
        self._step, self._signals = step, signals

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self._step:
            for signum in self._signals:
                os.kill(os.getpid(), signum)


@pytest.mark.parametrize(("step", "signum"), [(2, signal.SIGUSR1), (5, signal.SIGTERM)])
def test_a_training_that_a_signal_ended_goes_on_as_if_it_had_not(
    shards, tmp_path, caplog, step, signum
):
    """Also where the step is the last of an epoch, whose validation is not lost."""
    caplog.set_level("INFO")

    def given(name, **further):
        return options(shards, tmp_path / name, epochs=2, ema=0.9, schedule="one_cycle", **further)

    fit(given("whole"))
    with pytest.raises(SystemExit) as left:
        fit(given("cut"), callbacks=[Signals(step, signum)])
    assert left.value.code == 128 + signum
    assert f"{signum.name}: the training ends after this" in caplog.text
    assert caplog.messages[-1].startswith("the checkpoint is written; the same command with --res")
    assert len(table(tmp_path / "cut")) == (step == 5) if step == 5 else True
    fit(given("cut", resume="auto"))
    assert equal(*(weights(tmp_path / name / "last.ckpt") for name in ("whole", "cut")))
    assert table(tmp_path / "whole") == table(tmp_path / "cut")


def test_a_second_ctrl_c_does_not_wait(shards, tmp_path):
    twice = Signals(2, signal.SIGINT, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fit(options(shards, tmp_path, epochs=1), callbacks=[twice])
    assert not (tmp_path / "last.ckpt").exists()


def test_signals_are_given_back_after_a_training(shards, tmp_path):
    before = [signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGINT)]
    fit(options(shards, tmp_path, epochs=1))
    assert [signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGINT)] == before
