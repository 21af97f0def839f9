"""`python -m lungseg.evaluate`: score a checkpoint on scans with labels."""

from typing import Any

import shards.console.early  # isort: skip  # noqa: F401 (first, for a Ctrl-C meanwhile)
from lungseg.evaluation.options import EvaluateOptions
from shards.console.command import run
from shards.console.out import refuse_out

DESCRIPTION = """Score a checkpoint on scans with labels, per case and on each scan's own grid.

Dice, surfaces in mm, volumes, and lesions one by one. Leaves metrics.json, cases.csv, lesions.csv
and a report.html to open in a browser. With --predictions it scores masks that exist, of any
program, instead of a checkpoint."""


def main(options: EvaluateOptions) -> dict[str, Any]:
    """Evaluate, with the heavy libraries imported only now."""
    read = (options.source, options.predictions or options.source)
    refuse_out(options.out, "evaluation", sources=read)
    from lungseg.evaluation.score_all import evaluate

    return evaluate(options)


if __name__ == "__main__":
    run(EvaluateOptions, main, prog="python -m lungseg.evaluate", description=DESCRIPTION)
