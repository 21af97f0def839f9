"""`python -m lungseg.fit`: train a model on the slices of a shard set."""

from typing import Any

import shards.console.early  # isort: skip  # noqa: F401 (first, for a Ctrl-C meanwhile)
from lungseg.options.fit import FitOptions
from shards.console.command import run
from shards.console.out import refuse_out

DESCRIPTION = """Train a U-Net on shards and keep the checkpoint with the best validation Dice.

Leaves in --out: best.ckpt, last.ckpt, config.yaml (for --config), metrics.csv, curves.png,
result.json, pictures/ and tensorboard/. The score is Dice per case over the slices of the
validation cases."""


def main(options: FitOptions) -> dict[str, Any] | None:
    """Train, with the heavy libraries imported only now."""
    refuse_out(options.run.out, "training", sources=[options.data.shards])
    from lungseg.training.run import fit, validate

    return validate(options, options.run.validate) if options.run.validate else fit(options)


def show(result: dict[str, Any]) -> str:
    """Render a result for people: scores of an epoch, which need not be the last, say of which."""
    best = [f"scores of the best epoch, {result['epoch']}:"] if "epoch" in result else []
    return "\n".join([*best, *(f"{name}: {value}" for name, value in result.items())])


if __name__ == "__main__":
    run(FitOptions, main, prog="python -m lungseg.fit", description=DESCRIPTION, show=show)
