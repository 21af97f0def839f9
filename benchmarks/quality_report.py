"""The tables of `quality.py`: what each recipe reached, and whether one is better."""

import json

import numpy as np

from lungseg.scores.intervals import bootstrap_interval

COLUMNS = ("dice", "missed", "false_ml", "found", "lesions", "false_lesions")
KINDS = {
    "real": "Real patients left out: per case, on its own grid",
    "phantoms": "Phantoms left out: per case, on its own grid",
    "patches": "Slices cut around tumors of the Decathlon: per run of slices, pooled",
}
RUN = 13
"""Slices of the Decathlon that count as one case: their files name no patients, but lie in order of
patients, so that neighbors are alike and runs of slices are nearly independent."""


def report(folder, names, groups):
    """Print the tables of the recipes that are done, of these groups of patients left out."""
    for kind, title in KINDS.items():
        tables = {name: results(folder, name, groups, kind) for name in names}
        tables = {name: table for name, table in tables.items() if table}
        if not tables:
            continue
        print(f"\n## {title}\n")
        print(
            "| recipe | Dice (95 % interval), n | missed | false mL a scan | lesions found | "
            f"false lesions a scan | seconds, seeds |\n|{'---|' * 7}"
        )
        for name, table in tables.items():
            print(row(table, *cost(folder, name, groups)))
        print_pairs(tables)
        if kind == "real":
            print_cases(tables)


def held(folder, name, groups, file):
    """The contents of a file that each training of a recipe has."""
    for group in groups:
        for path in sorted(folder.glob(f"group_{group}/{name}-[0-9]*/{file}")):
            yield json.loads(path.read_text())


def results(folder, name, groups, kind):
    """Numbers of each case by the names of COLUMNS; means over the seeds."""
    rows = {}
    for scores in held(folder, name, groups, f"scores-{kind}/metrics.json"):
        cases = scores["cases"]
        for case in in_runs(cases) if kind == "patches" else cases:
            found = (
                dice_of(case),
                float(case["tp"] == 0 < case["fn"]),
                case["false_positive_ml"],
                case["lesions_found"],
                case["lesions_found"] + case["lesions_missed"],
                case["lesions_false"],
            )
            rows.setdefault(case["case"], []).append(found)
    return {
        case: dict(zip(COLUMNS, np.mean(values, axis=0), strict=True))
        for case, values in sorted(rows.items())
    }


def dice_of(case):
    """Dice of a case with tumor; not a number where there is none."""
    return case["dice"] if case["tp"] + case["fn"] else np.nan


def in_runs(slices):
    """Counts of `RUN` slices after one another, as one case's."""
    runs = {}
    for one in slices:
        file, number = one["case"].rsplit("_", 1)
        runs.setdefault(f"{file}_{int(number) // RUN:02}", []).append(one)
    counts = ("tp", "fp", "fn", "false_positive_ml")
    lesions = ("lesions_found", "lesions_missed", "lesions_false")
    for case, members in runs.items():
        total = {name: sum(one[name] for one in members) for name in (*counts, *lesions)}
        marked = 2 * total["tp"] + total["fp"] + total["fn"]
        yield {"case": case, "dice": 2 * total["tp"] / marked if marked else 1.0, **total}


def cost(folder, name, groups):
    """Name, mean seconds and number of seeds of a recipe."""
    done = list(held(folder, name, groups, "done.json"))
    return name, np.mean([each["seconds"] for each in done]), len({each["seed"] for each in done})


def row(table, name, seconds, seeds):
    dice = [case["dice"] for case in table.values() if not np.isnan(case["dice"])]
    total = {column: sum(case[column] for case in table.values()) for column in COLUMNS}
    return (
        f"| {name} | {np.mean(dice):.3f} {interval(dice)}, {len(dice)} | "
        f"{total['missed'] / len(dice):.0%} | {total['false_ml'] / len(table):.1f} | "
        f"{total['found']:g} of {total['lesions']:g} | {total['false_lesions'] / len(table):.1f} | "
        f"{seconds:.0f}, {seeds} |"
    )


def print_pairs(tables):
    """Differences from the first recipe, case by case: Dice, and mL falsely marked."""
    first, *others = tables
    for other in others:
        both = [case for case in tables[first] if case in tables[other]]
        dice, false_ml = (
            [tables[other][case][column] - tables[first][case][column] for case in both]
            for column in ("dice", "false_ml")
        )
        dice = [pair for pair in dice if not np.isnan(pair)]
        print(
            f"\n{other} - {first}: Dice {np.mean(dice):+.3f} {interval(dice)}, {len(dice)}; "
            f"false mL {np.mean(false_ml):+.1f} {interval(false_ml)}"
        )


def print_cases(tables):
    cases = sorted({case for table in tables.values() for case in table})
    print("\n| Dice | " + " | ".join(cases) + " |\n|" + "---|" * (len(cases) + 1))
    for name, table in tables.items():
        dice = [f"{table[case]['dice']:.3f}" if case in table else "" for case in cases]
        print(f"| {name} | " + " | ".join(dice) + " |")


def interval(values):
    bounds = bootstrap_interval(list(values))
    return f"[{bounds[0]:.3f}, {bounds[1]:.3f}]" if bounds else "[n < 3]"
