"""`python -m lungseg.fit`: train a model on the slices of a shard set."""

from typing import Any

import shards.console.early  # isort: skip  # noqa: F401 (first, for a Ctrl-C meanwhile)
from lungseg.options.fit import FitOptions
from shards.console.command import run
from shards.console.out import Kind, refuse_out, url_of

DESCRIPTION = """Train a U-Net on shards and keep the checkpoint with the best validation Dice.

Leaves in --out: best.ckpt, last.ckpt, config.yaml (for --config), metrics.csv, curves.png,
report.html, result.json, cases.csv (each validation case by epoch), pictures/ and tensorboard/.
The score is Dice per case over the slices of the validation cases. With --folds all: a folder for
each fold, and the scores of all together in result.json, cases.csv and report.html.

The options that most trainings need; all of them follow in groups:

  --shards DIR        the shards to train on (required)
  --out DIR           where the run lies (required)
  --preset NAME       default, small (for processors) or tutorial
  --fold N            the fold that validates; --folds all: each in turn
  --epochs N          how long; --patience N ends it earlier
  --batch-size N      slices of a step, over all devices
  --lr X              learning rate
  --loss NAME         bce_dice, focal_tversky and others
  --augment NAME      none, light or full
  --hu-window A B     the HU, from A to B, that the net sees
  --neighbors N       channels: the slice alone (1), or 3 or 5 slices around it
  --width N           size of the U-Net
  --devices N         how many GPUs or processes train, of each of --nodes
  --validate-every N  epochs from one validation to the next
  --resume auto       begin, or go on where it was cut off"""


def main(options: FitOptions) -> dict[str, Any] | None:
    """Train, with the heavy libraries imported only now."""
    kind: Kind = "cross-validation" if options.run.folds else "training"
    if options.run.address is not None:
        return _train(options, kind)  # whose ranks keep it
    from lungseg.training.process.kept_run import kept_run

    with kept_run(options, kind) as (own, said):
        result = _train(own, kind)
        return result and said(result)


def _train(options: FitOptions, kind: Kind) -> dict[str, Any] | None:
    if url_of(options.run.out) is None:
        refuse_out(options.run.out, kind, sources=[options.data.shards])
    if options.run.folds:
        from lungseg.crossval.run import cross_validate

        return cross_validate(options)
    if options.run.address is not None:
        from lungseg.training.nodes.supervise import fit_over_nodes

        return fit_over_nodes(options)
    from lungseg.training.run import fit, validate

    return validate(options, options.run.validate) if options.run.validate else fit(options)


def show(result: dict[str, Any]) -> str:
    """Render a result for people: scores of an epoch, which need not be the last, say of which."""
    best = [f"scores of the best epoch, {result['epoch']}:"] if "epoch" in result else []
    values = [f"{name}: {value}" for name, value in result.items()]
    return "\n".join([*best, *values, *_next(result)])


def _next(result: dict[str, Any]) -> list[str]:
    """What to do with the best checkpoint of a training that has ended."""
    if not {"epoch", "epochs", "checkpoint"} <= result.keys():
        return []
    checkpoint = result["checkpoint"]
    return [
        f"next: open {checkpoint.removesuffix('best.ckpt')}report.html, and score whole scans with "
        f"`python -m lungseg.evaluate --checkpoint {checkpoint} --source SCANS --out SCORES`"
    ]


if __name__ == "__main__":
    run(FitOptions, main, prog="python -m lungseg.fit", description=DESCRIPTION, show=show)
