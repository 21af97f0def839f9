"""What a trained model is worth on patients that it never saw: named recipes, equal seconds.

    python benchmarks/quality.py --real DIR [DIR ...] [--patches DIR] [--recipes tutorial,whole]

The real scans (folders in the layout of the Medical Segmentation Decathlon) are dealt into groups
of patients; for each group and seed, every recipe trains on phantoms and on the real scans of the
other groups, for as many epochs as --seconds of one processor allow (the recipe's first epochs are
timed; seconds of the processor, not of the clock, so that a shared machine is fair), chooses its
checkpoint by phantoms, and is scored on the group, per case on the scan's own grid, on phantoms
that nobody trained on, and, unless it trained on them, on --patches, slices cut around tumors of
more patients. Seeds of a case are averaged before an interval is taken, over cases. What is done is
not done again: the same command goes on.
"""

import argparse
import hashlib
import itertools
import json
import resource
import shutil
from pathlib import Path

from quality_data import (
    build,
    make_phantoms,
    patch_pairs,
    phantom_pairs,
    real_cases,
    run,
    source,
    training_source,
)
from quality_recipes import RECIPES
from quality_report import report

PEERS = {"monai": Path(__file__).parent / "quality_monai.py"}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--real", type=Path, nargs="+", required=True)
    parser.add_argument("--patches", type=Path, help="folder with *.npz of slices of more patients")
    parser.add_argument("--recipes", default=",".join(RECIPES))
    parser.add_argument("--folder", type=Path, default=Path("runs/quality"))
    parser.add_argument("--phantoms", type=int, default=32)
    parser.add_argument("--unseen", type=int, default=6, help="phantoms that nobody trains on")
    parser.add_argument("--slices", type=int, default=30, help="slices of a phantom, about")
    parser.add_argument("--groups", type=int, default=3, help="0: leave one patient out")
    parser.add_argument("--only", type=int, nargs="+", help="these groups of them, from 0")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=150.0, help="of a processor, a training")
    parser.add_argument("--only-report", action="store_true", help="print what is done already")
    given = parser.parse_args()
    names = given.recipes.split(",")
    if unknown := set(names) - set(RECIPES):
        parser.error(
            f"no such recipe: {', '.join(sorted(unknown))}; there are {', '.join(RECIPES)}"
        )
    if given.patches is None and any(RECIPES[name].patches for name in names):
        parser.error("--patches is needed by recipes that train on them")
    real = real_cases(given.real)
    count = given.groups or len(real)
    numbers = given.only or range(count)
    if beyond := set(numbers) - set(range(count)):
        parser.error(
            f"--only takes groups from 0 to {count - 1}, got {', '.join(map(str, beyond))}"
        )
    make_phantoms(given)
    if not given.only_report:
        for seed, name, number in itertools.product(range(given.seeds), names, numbers):
            group = real[number::count]
            rest = [case for case in real if case not in group]
            score(given, name, seed, number, rest, group)
    report(given.folder, names, numbers)


def score(given, name, seed, number, rest, group):
    """Train a recipe and score it on the real cases left out and on unseen phantoms."""
    recipe = RECIPES[name]
    place = given.folder / f"group_{number}"
    out = place / f"{name}-{seed}"
    unseen = {"real": group, "phantoms": phantom_pairs(given, "Ts")}
    if given.patches and not recipe.patches:
        unseen["patches"] = patch_pairs(given)
    to_do = [kind for kind in unseen if not (out / f"scores-{kind}" / "metrics.json").exists()]
    if not to_do and (out / "done.json").exists():
        return
    test = [pair for pairs in unseen.values() for pair in pairs]
    model, seconds = train(given, recipe, seed, place, rest, test)
    out.mkdir(parents=True, exist_ok=True)
    for kind in to_do:
        made = (
            ("--predictions", model / "masks")
            if recipe.peer
            else ("--checkpoint", model / recipe.checkpoint, *recipe.evaluate.split())
        )
        where = ("--source", source(out / kind, unseen[kind]), "--out", out / f"scores-{kind}")
        run("-m", "lungseg.evaluate", *made, *where, "--subset", "training")
    checkpoint = str((model / recipe.checkpoint).relative_to(place))
    done = {"seconds": seconds, "seed": seed, "model": checkpoint}
    (out / "done.json").write_text(json.dumps(done))


def train(given, recipe, seed, place, rest, test):
    """The folder of a recipe's training, made if it is not there, and its processor seconds."""
    mark = hashlib.sha256(repr((recipe.training, given.seconds)).encode()).hexdigest()[:8]
    out = place / f"model-{mark}-{seed}"
    if (out / "seconds.json").exists():
        return out, json.loads((out / "seconds.json").read_text())
    shutil.rmtree(out, ignore_errors=True)
    kind = "with_patches" if recipe.patches else "plain"
    folder = training_source(given, place / f"source-{mark}-{seed}", rest, patches=recipe.patches)
    if recipe.peer:
        asked = source(place / f"unseen-{mark}", test)
        words = ("--source", folder, "--test", asked, "--out", out, "--seconds", given.seconds)
        seconds = processor_seconds(PEERS[recipe.peer], *words, "--seed", seed)
    else:
        built = hashlib.sha256(recipe.build.encode()).hexdigest()[:6]
        shards = place / f"shards-{kind}-{built}"
        build(shards, folder, recipe.build.split())
        fit = fit_words(recipe, shards, seed)
        epochs = affordable_epochs(given, mark, fit)
        seconds = processor_seconds(*fit, "--epochs", epochs, "--out", out)
    (out / "seconds.json").write_text(json.dumps(seconds))
    return out, seconds


def fit_words(recipe, shards, seed):
    """The command of a recipe's training, but for its epochs and its folder."""
    words = ("-m", "lungseg.fit", "--shards", shards, "--fold", 0, *recipe.fit.split())
    return (*words, "--num-workers", 0, "--devices", 1, "--seed", seed)


def affordable_epochs(given, mark, fit):
    """Epochs of a training within the seconds: one and two are timed, for all groups and seeds."""
    file = given.folder / f"epoch-{mark}.json"
    if not file.exists():
        trial = given.folder / f"trial-{mark}"
        taken = []
        for epochs in (1, 2):
            shutil.rmtree(trial, ignore_errors=True)
            taken.append(processor_seconds(*fit, "--epochs", epochs, "--out", trial))
        epoch = taken[1] - taken[0]
        file.write_text(json.dumps({"start": taken[0] - epoch, "epoch": epoch}))
    timed = json.loads(file.read_text())
    return max(1, round((given.seconds - timed["start"]) / timed["epoch"]))


def processor_seconds(*words):
    """Run a command; seconds of the processor that it took, with all its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(*words)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
