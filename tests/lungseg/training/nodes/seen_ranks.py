"""`lungseg.fit` whose ranks note their steps beside the run's folder, and wait at steps `held`.

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


if __name__ == "__main__":
    import lungseg.fit as command
    from lungseg.training.nodes import supervise
    from shards.console.command import run as run_command
    from tests.lungseg.training.nodes import seen_ranks  # as the nodes import it

    supervise.train = seen_ranks.train
    parts = {"prog": "fit", "description": "", "show": command.show}
    run_command(command.FitOptions, command.main, **parts)
