"""A rank that notes its process and the slices and losses of the steps, beside its folder.

Ranks other than 0 are on a node whose storage does not show the checkpoint yet.
"""

import os
from unittest import mock

from lungseg.training import run
from lungseg.training.nodes import rank as ranks
from tests.toy_training import Losses, Seen


def train(options, rank):
    beside, number = options.run.out.parent, rank.place.number
    (beside / f"seen-{number}").write_text(str(os.getpid()))
    real = ranks.fit

    def fit(given, *, callbacks, world):
        noting = [Seen(beside / "seen"), Losses(beside / "losses")]
        return real(given, callbacks=[*callbacks, *noting], world=world)

    sees = (lambda *_: None) if number else run.checkpoint_to_resume
    late = mock.patch.object(run, "checkpoint_to_resume", sees)
    with mock.patch.object(ranks, "fit", fit), late:
        return ranks.train(options, rank)
