"""`python -m tune.search`: find good settings by many short trainings."""

from typing import Any

import shards.console.early  # isort: skip  # noqa: F401 (first, for a Ctrl-C meanwhile)
from shards.console.command import run
from shards.console.out import refuse_out, url_of
from tune.options.config import SearchOptions

DESCRIPTION = """Search settings of the training for the best validation Dice per case: loss,
learning rate and oversampling, or what --space names.

Without --address Ray is started on this machine. With it the search joins a running cluster; then
both --shards and --out must lie on storage that every node reaches under the same name.

All trials are compared after the same epochs, and the worse two thirds ended; the learning rate of
each follows its schedule over all of --epochs, as in a training of its own.

The same command again goes on where the search was cut off, with other resources or more --trials
if you like. Leaves in --out, after every trial: trials.csv, best.yaml, best.ckpt and report.html,
at the end result.json. best.yaml holds what was searched with, its epochs and net too; to train in
full: python -m lungseg.fit --config best.yaml --epochs 30 --width 32 --out DIR."""


def main(options: SearchOptions) -> dict[str, Any]:
    """Search, with the heavy libraries imported only now."""
    if url_of(options.out) is None:
        refuse_out(options.out, "search", sources=[options.data.shards])
    from tune.driver import search

    return search(options)


if __name__ == "__main__":
    run(SearchOptions, main, prog="python -m tune.search", description=DESCRIPTION)
