"""What a trained model is worth on patients that it never saw: named recipes, equal slices.

    python benchmarks/quality.py --real DIR [DIR ...] [--recipes small,one_slice]

The real scans (folders in the layout of the Medical Segmentation Decathlon) are dealt into groups
of patients; for each group and seed, every recipe trains on phantoms and on the real scans of the
other groups, chooses its checkpoint by phantoms, and is scored on the group, per case on the
scan's own grid, and on phantoms that nobody trained on. Seeds of a case are averaged before the
interval is taken, over cases. What is done is not done again: the same command goes on.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from lungseg.scores.intervals import bootstrap_interval

RECIPES = {
    "small": "--width 8 --depth 4 --neighbors 5 --norm group --lr 0.003 --augment light",
    "one_slice": "--width 8 --depth 4 --neighbors 1 --norm group --lr 0.003 --augment light",
    "full_augment": "--width 8 --depth 4 --neighbors 5 --norm group --lr 0.003 --augment full",
    "bce": "--width 8 --depth 4 --neighbors 5 --norm group --lr 0.003 --augment light --loss bce",
}

CHOOSING = 8  # phantoms that choose the checkpoint


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--real", type=Path, nargs="+", required=True)
    parser.add_argument("--recipes", default=",".join(RECIPES))
    parser.add_argument("--folder", type=Path, default=Path("runs/quality"))
    parser.add_argument("--phantoms", type=int, default=60)
    parser.add_argument("--unseen", type=int, default=12, help="phantoms that nobody trains on")
    parser.add_argument("--groups", type=int, default=0, help="0: leave one patient out")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--size", type=int, default=128)
    given = parser.parse_args()
    make_phantoms(given)
    real = real_cases(given.real)
    groups = [
        real[start :: given.groups or len(real)] for start in range(given.groups or len(real))
    ]
    for number, group in enumerate(groups):
        training = [case for case in real if case not in group]
        shards = build(given, number, training)
        for seed in range(given.seeds):
            for name in given.recipes.split(","):
                score(given, name, seed, number, shards, group)
    report(given)


def run(*words):
    """Run a command of ours as a user does."""
    done = subprocess.run(
        [sys.executable, "-m", *map(str, words)], check=False, stderr=subprocess.PIPE
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stderr.decode()[-2000:]}")


def make_phantoms(given):
    out = given.folder / "phantoms"
    if not out.exists():
        counts = ("--cases", given.phantoms, "--test-cases", given.unseen)
        run("ingest", "phantom", "--out", out, *counts)


def real_cases(folders):
    """(image, label) of each real case, by name."""
    images = sorted(image for folder in folders for image in folder.glob("imagesTr/*.nii.gz"))
    if len(images) < 2:
        sys.exit(f"--real needs at least two cases with labels, found {len(images)} in {folders}")
    return [(image, image.parents[1] / "labelsTr" / image.name) for image in images]


def source(folder, pairs, names=("imagesTr", "labelsTr")):
    """A data set of links to images and labels."""
    shutil.rmtree(folder, ignore_errors=True)
    for place, files in zip(names, zip(*pairs, strict=True), strict=True):
        (folder / place).mkdir(parents=True, exist_ok=True)
        for file in files:
            (folder / place / file.name).symlink_to(file.absolute())
    return folder


def phantom_pairs(given, kind):
    root = given.folder / "phantoms"
    images = sorted((root / f"images{kind}").glob("*.nii.gz"))
    return [(image, root / f"labels{kind}" / image.name) for image in images]


def build(given, number, real):
    """Shards of the phantoms and of the real cases that the group leaves."""
    out = given.folder / f"group_{number}" / "shards"
    if not (out / "manifest.json").exists():
        made = phantom_pairs(given, "Tr")
        folder = source(given.folder / f"group_{number}" / "source", [*made, *real])
        folds = given.folder / f"group_{number}" / "folds.csv"
        rows = [
            f"{image.name.removesuffix('.nii.gz')},{int((image, label) not in made[:CHOOSING])}"
            for image, label in (*made, *real)
        ]
        folds.write_text("\n".join(["case,fold", *rows]) + "\n")
        rule = ("--size", given.size, "--drop-slices", 0, "--folds-file", folds)
        run("ingest", "build-shards", "--source", folder, "--out", out, *rule)
    return out


def score(given, name, seed, number, shards, group):
    """Train a recipe and score it on the real cases left out and on unseen phantoms."""
    out = given.folder / f"group_{number}" / f"{name}-{seed}"
    if (out / "done.json").exists():
        return
    shutil.rmtree(out, ignore_errors=True)
    begin = time.perf_counter()
    fixed = f"--epochs {given.epochs} --batch-size 8 --num-workers 0 --seed {seed} --devices 1"
    recipe = RECIPES[name].split()
    run("lungseg.fit", "--shards", shards, "--out", out, "--fold", 0, *recipe, *fixed.split())
    seconds = time.perf_counter() - begin
    sources = {
        "real": source(out / "real", group),
        "phantoms": source(out / "phantoms", phantom_pairs(given, "Ts")),
    }
    for kind, folder in sources.items():
        where = ("--source", folder, "--out", out / f"scores-{kind}", "--subset", "training")
        run("lungseg.evaluate", "--checkpoint", out / "best.ckpt", *where)
    (out / "done.json").write_text(json.dumps({"seconds": seconds}))


def results(given, name, kind):
    """Dice, false volume in mL and whether it was missed, by case; means over the seeds."""
    rows = {}
    for file in sorted(given.folder.glob(f"group_*/{name}-*/scores-{kind}/metrics.json")):
        for row in json.loads(file.read_text())["cases"]:
            found = (row["dice"] or 0.0, row["false_positive_ml"], float(row["tp"] == 0))
            rows.setdefault(row["case"], []).append(found)
    return {case: np.mean(values, axis=0) for case, values in sorted(rows.items())}


def report(given):
    names = given.recipes.split(",")
    for kind in ("real", "phantoms"):
        tables = {name: results(given, name, kind) for name in names}
        print(f"\n{kind}, left out: per case, on its own grid\n")
        print(
            "| recipe | Dice (95 % interval), n | missed | false mL a scan | seconds a training |"
        )
        print("|---|---|---|---|---|")
        for name, rows in tables.items():
            dice, false_ml, missed = np.array(list(rows.values())).T
            print(
                f"| {name} | {dice.mean():.3f} {interval(dice)}, {len(dice)} | {missed.mean():.0%} "
                f"| {false_ml.mean():.1f} | {seconds(given, name):.0f} |"
            )
        for other in names[1:]:
            pairs = [tables[other][case][0] - tables[names[0]][case][0] for case in tables[other]]
            print(f"\n{other} - {names[0]}: {np.mean(pairs):+.3f} {interval(pairs)}")
        print("\n| case | " + " | ".join(names) + " |\n|" + "---|" * (len(names) + 1))
        for case in tables[names[0]] if kind == "real" else ():
            dice = " | ".join(f"{tables[name][case][0]:.3f}" for name in names)
            print(f"| {case} | {dice} |")


def interval(values):
    bounds = bootstrap_interval(list(values))
    return f"[{bounds[0]:.3f}, {bounds[1]:.3f}]" if bounds else "[n < 3]"


def seconds(given, name):
    files = given.folder.glob(f"group_*/{name}-*/done.json")
    return np.mean([json.loads(file.read_text())["seconds"] for file in files])


if __name__ == "__main__":
    main()
