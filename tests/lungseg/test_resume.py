"""A killed training goes on with exactly the slices that it had not seen, also on other ranks."""

import os
import random
import signal
import subprocess
import sys
from collections import defaultdict

import pytest

from tests.toy_shards import make_shards

RECORDED = """
import os, signal, sys, zlib
from pathlib import Path
from pytorch_lightning.callbacks import Callback
from lungseg.config import FitOptions
from lungseg.training import fit
from shards.command import parse

class Seen(Callback):
    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if str(trainer.global_step) == os.environ.get("KILL_AT"):
            os.kill(os.getpid(), signal.SIGKILL)
        with Path(os.environ["SEEN"]).open("a") as file:
            file.write("".join(
                f"{trainer.global_step} {zlib.crc32(image.numpy().tobytes())}\\n"
                for image in batch["image"]
            ))

fit(parse(FitOptions, sys.argv[1:], prog="", description=""), callbacks=[Seen()])
"""

TRAINING = {
    "--width": 4,
    "--depth": 2,
    "--batch-size": 8,
    "--num-workers": 0,
    "--augment": "none",
    "--epochs": 3,
    "--checkpoint-minutes": 0.0001,
    "--accelerator": "cpu",
}


def slices_of_steps(folder, name, *further, kill_at=None):
    """Train, and give back which slices all ranks together used at each step."""
    seen = folder / f"{name}.txt"
    words = [str(word) for pair in TRAINING.items() for word in pair]
    environment = os.environ | {"SEEN": str(seen), "KILL_AT": str(kill_at)}
    done = subprocess.run(
        [sys.executable, folder / "recorded.py", *words, *map(str, further)],
        env=environment | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stderr=subprocess.PIPE,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == (0 if kill_at is None else -signal.SIGKILL), done.stderr
    steps = defaultdict(list)
    for line in seen.read_text().splitlines():
        steps[int(line.split()[0])].append(line)
    return {step: sorted(lines) for step, lines in steps.items()}


@pytest.mark.slow
def test_a_training_killed_on_one_rank_goes_on_with_the_same_slices_on_two(tmp_path):
    shards = make_shards(tmp_path / "shards")
    (tmp_path / "recorded.py").write_text(RECORDED)
    shared = ("--shards", shards, "--out")
    unbroken = slices_of_steps(tmp_path, "unbroken", *shared, tmp_path / "whole")
    assert len({tuple(lines) for lines in unbroken.values()}) == len(unbroken) > 10

    kill_at = random.Random(os.getpid()).randrange(2, len(unbroken) - 1)
    broken = (*shared, tmp_path / "broken")
    before = slices_of_steps(tmp_path, "before", *broken, kill_at=kill_at)
    after = slices_of_steps(tmp_path, "after", *broken, "--resume", "--devices", 2)
    assert max(before) + 1 >= min(after) > 0
    assert before | after == unbroken
