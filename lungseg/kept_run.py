"""A training whose run is kept at a URL, while it writes in a folder of this machine."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from lungseg.errors import TrainingError
from lungseg.options.fit import FitOptions
from shards.console.groups import replaced
from shards.console.out import Kind
from shards.storage.working_copy import kept_meanwhile, working_copy

Result = dict[str, Any]

_NOT_RESUMED = ("tensorboard", "pictures")  # a run that goes on writes new ones
_LAST = "last.ckpt"


@contextlib.contextmanager
def kept_run(
    options: FitOptions, url: str, kind: Kind
) -> Iterator[tuple[FitOptions, Callable[[Result], Result]]]:
    """Have a training keep its run at a URL: after every last.ckpt, and at the end.

    Of several processes that train together each has a copy, and the first one keeps its own.

    Args:
        options: Of the training.
        url: Its `--out`.
        kind: What is made there.

    Yields:
        The options with a folder of this machine, and what makes a result name the URL.

    Raises:
        TrainingError: If ranks on other nodes would have to find the folder.
        shards.errors.StoreError: If the store cannot be read or written.
    """
    if options.run.address is not None:
        raise TrainingError(
            f"--out {url} cannot be shared by the ranks of --address: start the training by "
            "torchrun or srun, or give a folder that every node reaches"
        )
    from lungseg.training.process.first_rank import is_first_rank

    first = is_first_rank()
    with (
        working_copy(url, kind, leave_out=_NOT_RESUMED, writes=first) as copy,
        kept_meanwhile(copy, _LAST) if first else contextlib.nullcontext(),
    ):
        yield replaced(options, out=copy.folder), copy.said_of
