"""One rank of a trial that several train: rank 0 waits after each epoch for leave to go on."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from cluster.rank import Rank
from cluster.resources import Resources
from lungseg.options.fit import FitOptions
from tune.options.config import SearchOptions

IMPORTS = ("lungseg.training.run", "lungseg.training.nodes.rank", "tune.trials.blame")
"""What `train_rank` imports, and takes long."""

EPOCH_DONE = "an epoch is done"

_KNOCK = "still waiting"  # whom who runs the gang answers with what it asks for by then
_KNOCK_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Work:
    """What all ranks of a trial train.

    Attributes:
        search: The options of the search.
        options: The options of the training.
        resources: What one rank may use.
    """

    search: SearchOptions
    options: FitOptions
    resources: Resources


@dataclass(frozen=True, kw_only=True)
class Word:
    """What the ranks are asked for.

    Attributes:
        epochs: How many have been heard of; after as many the next one may begin.
        end: Whether to end, with a checkpoint.
    """

    epochs: int = 0
    end: bool = False


def train_rank(work: Work, rank: Rank) -> None:
    """Train, and tell of each epoch, until the end or until asked to end.

    Args:
        work: The training.
        rank: Which one.

    Raises:
        FaultError: If the training cannot go on.
    """
    from lungseg.training.callbacks.after_epoch import AfterEpoch
    from lungseg.training.nodes.rank import joined
    from lungseg.training.run import fit
    from tune.trials.blame import FaultError, blame, check_node

    def asked() -> int:
        return signal.SIGTERM if _word(rank).end else 0

    try:
        check_node(work.search, work.resources)
        with joined(rank.place, asked=asked) as world:
            fit(work.options, callbacks=[AfterEpoch(_waiting(rank))], world=world)
    except SystemExit:
        return  # as asked
    except Exception as error:
        raise FaultError(blame(error, work.search, work.resources)) from error


def _waiting(rank: Rank) -> Callable[[], None]:
    """Tells of an epoch, and returns when the next one may begin."""
    told = 0

    def tell() -> None:
        nonlocal told
        told += 1
        rank.tell(EPOCH_DONE)
        while not (_word(rank).end or _word(rank).epochs >= told):
            time.sleep(_KNOCK_S)
            rank.tell(_KNOCK)

    return tell


def _word(rank: Rank) -> Word:
    return rank.asked() or Word()
