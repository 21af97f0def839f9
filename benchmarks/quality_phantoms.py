"""What phantoms alone teach about real patients: one training on each set of phantoms, scored.

    python -m ingest phantom --out before --cases 32 --test-cases 0 --slices 30   # of one version
    python -m ingest phantom --out after --cases 32 --test-cases 0 --slices 30    # and of another
    python benchmarks/quality_phantoms.py --real DIR [DIR ...] --phantoms before=before after=after

On each set the recipe of `quality.py` is trained for the same epochs (as many as --seconds of one
processor allow on the first set), without any real scan; its last checkpoint is scored on all real
scans (folders in the layout of the Medical Segmentation Decathlon), per case on the scan's own
grid. Seeds of a case are averaged before an interval is taken, over cases. What is done is not done
again: the same command goes on.
"""

import argparse
import json
import shutil
from pathlib import Path

from quality import affordable_epochs, fit_words, processor_seconds
from quality_data import build, labeled_pairs, real_cases, run, source, source_with_folds
from quality_recipes import RECIPES
from quality_report import report


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--real", type=Path, nargs="+", required=True)
    parser.add_argument("--phantoms", nargs="+", required=True, metavar="NAME=DIR")
    parser.add_argument("--recipe", default="crops_batch", choices=list(RECIPES))
    parser.add_argument("--folder", type=Path, default=Path("runs/quality-phantoms"))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=130.0, help="of a processor, a training")
    given = parser.parse_args()
    sets = dict(words.split("=", 1) for words in given.phantoms)
    real = source(given.folder / "real", real_cases(given.real))
    for seed in range(given.seeds):
        for name, phantoms in sets.items():
            score(given, name, Path(phantoms), seed, real)
    report(given.folder, list(sets), ["all"])


def score(given, name, phantoms, seed, real):
    """Train on one set of phantoms and score the model on the real scans."""
    recipe, out = RECIPES[given.recipe], given.folder / "group_all" / f"{name}-{seed}"
    if (out / "done.json").exists():
        return
    shutil.rmtree(out, ignore_errors=True)
    shards = given.folder / f"shards-{name}"
    folder = source_with_folds(given.folder / f"source-{name}", labeled_pairs(phantoms))
    build(shards, folder, recipe.build.split())
    fit = fit_words(recipe, shards, seed)
    epochs = affordable_epochs(given, given.recipe, fit)
    seconds = processor_seconds(*fit, "--epochs", epochs, "--out", out / "model")
    made = ("--checkpoint", out / "model" / "last.ckpt", *recipe.evaluate.split())
    where = ("--source", real, "--subset", "training", "--out", out / "scores-real")
    run("-m", "lungseg.evaluate", *made, *where)
    (out / "done.json").write_text(json.dumps({"seconds": seconds, "seed": seed}))


if __name__ == "__main__":
    main()
