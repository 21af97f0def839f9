"""A training whose run is kept at a URL, while it writes in a folder of this machine."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from lungseg.options.fit import FitOptions
from shards.console.groups import replaced
from shards.console.out import Kind, url_of

Result = dict[str, Any]

_NOT_RESUMED = ("tensorboard", "pictures")  # a run that goes on writes new ones
_LAST = "last.ckpt"


@contextlib.contextmanager
def kept_run(
    options: FitOptions, kind: Kind
) -> Iterator[tuple[FitOptions, Callable[[Result], Result]]]:
    """Have a training whose `--out` is a URL keep its run there: after every last.ckpt, at the end.

    Of several processes that train together each has a copy, and the first one keeps its own.

    Args:
        options: Of the training.
        kind: What is made there.

    Yields:
        The options, with a folder of this machine, and what makes a result name the URL.

    Raises:
        shards.errors.StoreError: If the store cannot be read or written.
    """
    url = url_of(options.run.out)
    if url is None:
        yield options, lambda result: result
        return
    from lungseg.training.process.first_rank import is_first_rank
    from shards.storage.working_copy import kept_meanwhile, working_copy

    first = is_first_rank()
    with (
        working_copy(url, kind, leave_out=_NOT_RESUMED, writes=first) as copy,
        kept_meanwhile(copy, _LAST) if first else contextlib.nullcontext(),
    ):
        yield replaced(options, out=copy.folder), copy.said_of
