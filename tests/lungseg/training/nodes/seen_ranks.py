"""A rank that notes its process and its steps beside its folder, and waits there at steps `held`.

Ranks other than 0 are on a node whose storage does not show the checkpoint yet.
"""

import os
import socket
from unittest import mock

from lungseg.training import run
from lungseg.training.nodes import rank as ranks
from tests.toy_training import Held, Losses, Seen


def train(options, rank):
    beside, number = options.run.out.parent, rank.place.number
    (beside / f"rank-{number}").write_text(f"{os.getpid()} {socket.gethostname()}")
    held = beside / "held"
    steps = [int(step) for step in held.read_text().split()] if held.exists() else []
    real = ranks.fit

    def fit(given, *, callbacks, world):
        noting = [Held(beside, steps), Seen(beside / "seen"), Losses(beside / "losses")]
        return real(given, callbacks=[*callbacks, *noting], world=world)

    sees = (lambda *_: None) if number else run.checkpoint_to_resume
    late = mock.patch.object(run, "checkpoint_to_resume", sees)
    with mock.patch.object(ranks, "fit", fit), late:
        return ranks.train(options, rank)


COMMAND = """
import sys
from lungseg.training.nodes import supervise
from tests.lungseg.training.nodes.seen_ranks import train
supervise.train = train
sys.argv[0] = "fit"
import lungseg.fit as command
from shards.console.command import run
run(command.FitOptions, command.main, prog="fit", description="", show=command.show)
"""
