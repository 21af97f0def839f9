"""`python -m lungseg.predict`: find tumor in scans."""

from typing import Any

import shards.console.early  # isort: skip  # noqa: F401 (first, for a Ctrl-C meanwhile)
from lungseg.inference.options import PredictOptions
from shards.console.command import run
from shards.console.out import refuse_out

DESCRIPTION = """Find tumor in scans: one NIfTI mask each, 1 is tumor, on the scan's own grid.

The checkpoint alone says how. predictions.csv has a line per scan, lesions.csv one per tumor.
Not for clinical use."""


def main(options: PredictOptions) -> dict[str, Any]:
    """Predict, with the heavy libraries imported only now."""
    refuse_out(options.out, "predictions", sources=[options.input])
    from lungseg.inference.predict_all import predict

    return predict(options)


def show(result: dict[str, Any]) -> str:
    """Render a result for people: what was said of each scan along the way is not repeated."""
    failed = [f"failed: {case}: {error}" for case, error in result["failed"].items()]
    numbers = {"predicted": len(result["predicted"]), "done before": len(result["skipped"])}
    numbers |= {"failed": len(failed)}
    counts = ", ".join(f"{number} {what}" for what, number in numbers.items() if number)
    return "\n".join([*failed, f"scans: {counts}", f"table: {result['table']}"])


if __name__ == "__main__":
    run(PredictOptions, main, prog="python -m lungseg.predict", description=DESCRIPTION, show=show)
