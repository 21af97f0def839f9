"""What parts of the default training are worth by themselves, on phantoms, for equal slices.

    OMP_NUM_THREADS=1 python benchmarks/default_parts.py [--folder runs/tutorial --seeds 2]

The data, the thinned net and the scores are those of `tutorial.py`, whose phantoms and shards are
used where they lie. Each row is the default as it was before (instance norm, no transplants) with
some options of another value, trained for the same slices; its difference from what was before is
over cases, a case's Dice being the mean over seeds.
What is done is not done again.
"""

import json

import numpy as np
from quality_report import dice_of, interval
from tutorial import arguments, prepare, train_and_score

BEFORE = "--norm instance --transplant 0"
EIGHTS = "--batch-size 8 --lr 0.003"
ROWS = {
    "before": "",
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
    "eights": EIGHTS,
    "eights_transplant_.6_batch_norm": f"{EIGHTS} --transplant 0.6 --norm batch",
}


def main():
    parser = arguments(__doc__)
    parser.add_argument("--rows", default=",".join(ROWS), help="the first is compared with")
    given = parser.parse_args()
    prepare(given)
    names, seeds = given.rows.split(","), range(given.seeds)
    done = {name: [cases(given, name, seed) for seed in seeds] for name in names}
    report(done)


def cases(given, name, seed):
    """(Dice, mL falsely marked) of each unseen phantom, by a training with a row's options."""
    out = given.folder / f"part-{name}-{seed}"
    metrics = out / "scores" / "metrics.json"
    if not metrics.exists():
        fit = ("--epochs", given.epochs, *f"{BEFORE} {ROWS[name]}".split())
        train_and_score(given, out, "default", seed, fit)
    found = json.loads(metrics.read_text())["cases"]
    return {case["case"]: (dice_of(case), case["false_positive_ml"]) for case in found}


def report(done):
    """A row for each training: Dice, mL falsely marked, and how far they are from the first's."""
    base = next(iter(done))
    print(f"\n| | Dice | false mL a scan | Dice - {base} | false mL - {base} |\n|" + "---|" * 5)
    means = {
        name: np.mean([list(each.values()) for each in seeds], axis=0)
        for name, seeds in done.items()
    }
    for name, values in means.items():
        tumor = ~np.isnan(values[:, 0])
        further = values - means[base]
        dice, false_ml = further[tumor, 0], further[:, 1]
        print(
            f"| {name} | {values[tumor, 0].mean():.3f} | {values[:, 1].mean():.1f} | "
            f"{dice.mean():+.3f} {interval(dice)}, {len(dice)} | "
            f"{false_ml.mean():+.1f} {interval(false_ml)} |"
        )


if __name__ == "__main__":
    main()
