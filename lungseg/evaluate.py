"""`python -m lungseg.evaluate`: score a checkpoint on scans with labels."""

from typing import Any

import shards.console.early  # isort: skip  # noqa: F401 (first, for a Ctrl-C meanwhile)
from lungseg.evaluation.options import EvaluateOptions
from shards.console.command import as_lines, run
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


def show(result: dict[str, Any]) -> str:
    """Render a result for people; what `--explain` found is a table."""
    rest = dict(result)
    explained = rest.pop("explain", None)
    return "\n".join([as_lines(rest), *(_table(explained) if explained else [])])


def _table(explained: dict[str, Any]) -> list[str]:
    """Definitions of Dice by row, the model with its interval and the controls by column."""
    columns = list(explained["columns"])
    rows = [["Dice by definition", "95 % interval", *columns]]
    for name, scores in explained["scores"].items():
        values = ["-" if scores[c] is None else f"{scores[c]:.4f}" for c in columns]
        interval = explained["ci95"][name]
        between = "-" if interval is None else "{:.3f} to {:.3f}".format(*interval)
        rows.append([name, between, *values])
    first, second = (max(len(row[k]) for row in rows) for k in (0, 1))
    lines = [
        row[0].ljust(first + 2) + row[1].ljust(second) + "".join(f"{cell:>12}" for cell in row[2:])
        for row in rows
    ]
    parts = {**explained["definitions"], **explained["columns"]}
    return ["", *lines, "", *(f"{name}: {meaning}" for name, meaning in parts.items())]


if __name__ == "__main__":
    run(
        EvaluateOptions, main, prog="python -m lungseg.evaluate", description=DESCRIPTION, show=show
    )
