"""`python -m lungseg.calibrate`: choose a checkpoint's threshold and rules for lesions."""

from typing import Any

import shards.console.early  # isort: skip  # noqa: F401 (first, for a Ctrl-C meanwhile)
from lungseg.calibration.options import CalibrateOptions
from shards.console.command import run
from shards.console.out import refuse_out_file

DESCRIPTION = """Choose a checkpoint's threshold and rules for lesions on scans it did not train on.

The threshold, whether lesions must touch the lungs, the smallest lesion and the number of lesions
are chosen one after the other, by Dice per case, and written into a new checkpoint with what each
gained. predict and evaluate follow it; --no-post-processing or the single options switch it off.
For an average of checkpoints choose with the same --average-with and --flips, and give the new one
to predict and evaluate as their --checkpoint."""


def main(options: CalibrateOptions) -> dict[str, Any]:
    """Calibrate, with the heavy libraries imported only now."""
    checkpoints = [options.checkpoint, *options.average_with]
    refuse_out_file(options.out, starts_with=b"PK", sources=checkpoints)
    from lungseg.calibration.calibrate_model import calibrate

    return calibrate(options)


def show(result: dict[str, Any]) -> str:
    """Render a result for people."""
    lines = [f"failed: {case}: {error}" for case, error in result["failed"].items()]
    lines += [_line(step) for step in result["steps"]]
    lines.append(
        f"on the {result['n']} scans that chose: guarded Dice {result['score_before']:.3f} before, "
        f"{result['score_after']:.3f} after"
    )
    lines.append(f"on scans that did not choose: {_gain(result['gain'])}: {result['verdict']}")
    return "\n".join([*lines, f"checkpoint: {result['out']}"])


def _line(step: dict[str, Any]) -> str:
    values = f"{_value(step['before'])} -> {_value(step['best'])}"
    verdict = "taken" if step["taken"] else "left as it was"
    missed = "missed {}, then {}".format(*step["missed"])
    return f"{step['name']}: {values}, {_gain(step['gain'])}, {missed}: {verdict}"


def _value(value: float) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else f"{value:g}"


def _gain(gain: dict[str, Any]) -> str:
    interval = "none" if gain["ci95"] is None else "{:+.3f} to {:+.3f}".format(*gain["ci95"])
    return f"gain {gain['mean']:+.3f} (95 % interval {interval})"


if __name__ == "__main__":
    run(
        CalibrateOptions,
        main,
        prog="python -m lungseg.calibrate",
        description=DESCRIPTION,
        show=show,
    )
