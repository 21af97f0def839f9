"""What each part of the default training is worth by itself, on phantoms, for equal slices.

    OMP_NUM_THREADS=1 python benchmarks/default_parts.py [--folder runs/tutorial --seeds 2]

The data, the thinned net and the scores are those of `tutorial.py`, whose phantoms and shards are
used where they lie. Each row is the default with some options of another value, trained for the
same slices; its difference from the default is over cases, a case's Dice being the mean over seeds.
What is done is not done again.
"""

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
from quality_data import make_phantoms, run
from quality_report import interval
from tutorial import build, channels

ROWS = {
    "default": "",
    "one_slice": "--neighbors 1",
    "five_slices": "--neighbors 5",
    "batch_norm": "--norm batch",
    "one_slice_batch_norm": "--neighbors 1 --norm batch",
    "window": "--hu-window -1000 400",
    "transplant": "--transplant 0.6",
    "window_transplant": "--hu-window -1000 400 --transplant 0.6",
    "window_transplant_.3_batch_norm": "--hu-window -1000 400 --transplant 0.3 --norm batch",
    "transplant_.6_batch_norm": "--transplant 0.6 --norm batch",
    "squares": "--crop-px 96",
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("runs/tutorial"))
    parser.add_argument("--phantoms", type=int, default=32)
    parser.add_argument("--unseen", type=int, default=26, help="phantoms that nobody trains on")
    parser.add_argument("--slices", type=int, default=30, help="slices of a phantom, about")
    parser.add_argument("--size", type=int, default=128, help="pixels of a slice's side")
    parser.add_argument("--share", type=int, default=8, help="1 in so many channels of the preset")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--rows", default=",".join(ROWS))
    given = parser.parse_args()
    make_phantoms(given)
    build(given)
    names, seeds = given.rows.split(","), range(given.seeds)
    done = {name: [cases(given, name, seed) for seed in seeds] for name in names}
    report(done)


def cases(given, name, seed):
    """(Dice, mL falsely marked) of each unseen phantom, by a training with a row's options."""
    out = given.folder / f"part-{name}-{seed}"
    metrics = out / "scores" / "metrics.json"
    if not metrics.exists():
        shutil.rmtree(out, ignore_errors=True)
        fit = ("--shards", given.folder / "shards", "--epochs", given.epochs, *ROWS[name].split())
        fit = (*fit, "--channels", *channels("default", given.share), "--seed", seed)
        fit = (*fit, "--num-workers", 0, "--devices", 1, "--validate-every", 2)
        run("-m", "lungseg.fit", *fit, "--out", out / "run")
        model = ("--checkpoint", out / "run" / "best.ckpt", "--out", out / "scores")
        scored = ("--source", given.folder / "phantoms", "--subset", "test")
        run("-m", "lungseg.evaluate", *model, *scored)
    return {
        case["case"]: (
            case["dice"] if case["tp"] + case["fn"] else np.nan,
            case["false_positive_ml"],
        )
        for case in json.loads(metrics.read_text())["cases"]
    }


def report(done):
    """A row for each training: Dice, mL falsely marked, and how far they are from the default's."""
    print(
        "\n| | Dice | false mL a scan | Dice - default's | false mL - default's |\n|" + "---|" * 5
    )
    means = {
        name: np.mean([list(each.values()) for each in seeds], axis=0)
        for name, seeds in done.items()
    }
    for name, values in means.items():
        tumor = ~np.isnan(values[:, 0])
        further = values - means["default"] if "default" in means else values * np.nan
        dice, false_ml = further[tumor, 0], further[:, 1]
        print(
            f"| {name} | {values[tumor, 0].mean():.3f} | {values[:, 1].mean():.1f} | "
            f"{dice.mean():+.3f} {interval(dice)}, {len(dice)} | "
            f"{false_ml.mean():+.1f} {interval(false_ml)} |"
        )


if __name__ == "__main__":
    main()
