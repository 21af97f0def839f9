"""The notebook's training beside the default one, on phantoms: equal slices, and equal seconds.

    OMP_NUM_THREADS=1 python benchmarks/tutorial.py [--folder runs/tutorial --epochs 10]

Both presets of `lungseg.fit` train on the same phantoms, each with the same share of its preset's
channels, everything else as the preset has it. Equal slices: both for --epochs. Equal seconds (of
a processor, not of the clock, less those of starting): whichever took fewer trains once more, for
as many epochs as fit into the other's. At one learning rate thin nets learn more slowly than wide
ones (Yang 2022, arXiv 2203.03466), and the notebook's rate is low: as a control its preset trains
at a rate --share times as high too. Each chooses its checkpoint by a fifth of the training phantoms
and is scored on phantoms that nobody trained on. What is done is not done again: the same command
goes on.
"""

import argparse
import json
import shutil
from pathlib import Path

from quality import processor_seconds
from quality_data import make_phantoms, run

from lungseg.evaluation.comparison import compare
from lungseg.explanation.definitions import DEFINITIONS
from lungseg.models.unet import channels_of
from lungseg.options.net import NetOptions
from lungseg.options.presets import PRESETS

PAIR = ("tutorial", "default")


def main():
    given = arguments(__doc__).parse_args()
    prepare(given)
    for seed in range(given.seeds):
        report(arms(given, seed), seed)


def arguments(description):
    """A parser of what decides the data and the trainings."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path("runs/tutorial"))
    parser.add_argument("--phantoms", type=int, default=32)
    parser.add_argument("--unseen", type=int, default=26, help="phantoms that nobody trains on")
    parser.add_argument("--slices", type=int, default=30, help="slices of a phantom, about")
    parser.add_argument("--size", type=int, default=128, help="pixels of a slice's side")
    parser.add_argument("--share", type=int, default=8, help="1 in so many channels of the presets")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=1)
    return parser


def arms(given, seed):
    """The two presets for equal slices, the faster one for equal seconds, and the control."""
    pair = [arm(given, preset, given.epochs, seed) for preset in PAIR]
    slow, fast = sorted(pair, key=lambda each: -each["seconds"])
    epochs = round(given.epochs * slow["seconds"] / fast["seconds"])
    longer = [arm(given, fast["preset"], epochs, seed)] if epochs > given.epochs else []
    lr = given.share * PRESETS["tutorial"]["lr"]
    return [*pair, *longer, arm(given, "tutorial", given.epochs, seed, lr=lr)]


def prepare(given):
    """Phantoms, and shards of those that train and choose the checkpoint."""
    make_phantoms(given)
    out = given.folder / "shards"
    if not (out / "manifest.json").exists():
        where = ("--source", given.folder / "phantoms", "--out", out, "--workers", 1)
        run("-m", "ingest", "build-shards", *where, "--size", given.size, "--drop-slices", 0)


def arm(given, preset, epochs, seed, *, lr=None):
    """Train a preset and score it on the unseen phantoms."""
    name = f"{preset}, {epochs} epochs" + (f", lr {lr:g}" if lr else "")
    out = given.folder / f"{preset}-{epochs}-{seed}{f'-{lr:g}' if lr else ''}"
    done = out / "done.json"
    if not done.exists():
        start = processor_seconds("-c", "import lungseg.training.run")
        fit = ("--epochs", epochs, *(("--lr", lr) if lr else ()))
        seconds = train_and_score(given, out, preset, seed, fit, "--explain") - start
        done.write_text(json.dumps({"seconds": seconds}))
    return json.loads(done.read_text()) | {"name": name, "preset": preset, "folder": out}


def train_and_score(given, out, preset, seed, fit, *evaluate):
    """Processor seconds of a training of the thinned net, whose scores lie in `out/scores` then."""
    shutil.rmtree(out, ignore_errors=True)
    fit = ("--shards", given.folder / "shards", "--preset", preset, *fit, "--seed", seed)
    fit = (*fit, "--channels", *channels(preset, given.share), "--validate-every", 2)
    fit = (*fit, "--num-workers", 0, "--devices", 1, "--out", out / "run")
    seconds = processor_seconds("-m", "lungseg.fit", *fit)
    scored = ("--source", given.folder / "phantoms", "--subset", "test", *evaluate)
    model = ("--checkpoint", out / "run" / "best.ckpt", "--out", out / "scores")
    run("-m", "lungseg.evaluate", *model, *scored)
    return seconds


def channels(preset, share):
    """Those of the preset's net, thinned."""
    options = PRESETS[preset]
    doubled = channels_of(options.get("width", NetOptions.width), NetOptions.depth)
    return [each // share for each in options.get("channels", doubled)]


def report(arms, seed):
    """Print the scores of the arms of a seed, and how far the default is ahead of the others."""
    tables = [json.loads((each["folder"] / "scores/metrics.json").read_text()) for each in arms]
    heads = [each["name"] for each in arms]
    print(f"\nseed {seed}, n = {len(tables[0]['cases'])} phantoms\n")
    print("| | " + " | ".join(heads) + " |\n|" + "---|" * (len(arms) + 1))
    for name in DEFINITIONS:
        print(
            f"| {name} | " + " | ".join(scored(table["explain"], name) for table in tables) + " |"
        )
    for name, value in {
        "tumors missed altogether": lambda table: str(table["missed"]),
        "false mL a scan": lambda table: f"{false_ml(table):.1f}",
    }.items():
        print(f"| {name} | " + " | ".join(map(value, tables)) + " |")
    print("| processor seconds | " + " | ".join(f"{each['seconds']:.0f}" for each in arms) + " |")
    for theirs in (each for each in arms if each["preset"] == "tutorial"):
        for ours in (each for each in arms if each["preset"] == "default"):
            dice = compare(theirs["folder"] / "scores", ours["folder"] / "scores")["dice"]
            low, high = dice["ci95"]
            print(
                f"\n{ours['name']} - {theirs['name']}, Dice per case, n = {dice['n']}: "
                f"{dice['difference']:+.3f} [{low:.3f}, {high:.3f}], p = {dice['p']:.3f}"
            )


def scored(explained, name):
    low, high = explained["ci95"][name]
    return f"{explained['scores'][name]['model']:.3f} [{low:.3f}, {high:.3f}]"


def false_ml(table):
    return sum(case["false_positive_ml"] for case in table["cases"]) / len(table["cases"])


if __name__ == "__main__":
    main()
