"""`python -m lungseg.predict`: find tumor in scans."""

from typing import Any

from lungseg.inference.options import PredictOptions
from shards.console.command import run

DESCRIPTION = """Find tumor in scans: one NIfTI mask each, 1 is tumor, on the scan's own grid.

The checkpoint alone says how. Not for clinical use."""


def main(options: PredictOptions) -> dict[str, Any]:
    """Predict, with the heavy libraries imported only now."""
    from lungseg.inference.predict_all import predict

    return predict(options)


if __name__ == "__main__":
    run(PredictOptions, main, prog="python -m lungseg.predict", description=DESCRIPTION)
