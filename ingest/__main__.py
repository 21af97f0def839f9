"""`python -m ingest`: scans -> shards, and what helps on the way."""

from typing import Any

from ingest.options import BuildShards
from ingest.phantom_set import PhantomSet
from shards.command import run

DESCRIPTION = """Chest CT scans and tumor masks -> preprocessed slices in shards.

phantom makes a data set of synthetic chests; build-shards turns a data set into a shard set.
"""


def main(options: Any) -> dict[str, Any]:
    """Do what one of the commands says."""
    match options:
        case PhantomSet():
            from ingest.phantom_set import make_phantoms
            from ingest.progress import progress

            with progress(options.cases + options.test_cases) as bar:
                return make_phantoms(options, lambda _done, _total: bar.step())
        case BuildShards():
            from ingest.build import build_shards

            return build_shards(options)
    raise AssertionError(options)


if __name__ == "__main__":
    run(
        {"phantom": PhantomSet, "build-shards": BuildShards},
        main,
        prog="python -m ingest",
        description=DESCRIPTION,
    )
