"""The tables of `quality.py`: what each recipe reached, and whether one is better."""

import json

import numpy as np

from lungseg.scores.intervals import bootstrap_interval

COLUMNS = ("dice", "missed", "false_ml", "found", "lesions", "false_lesions")


def report(folder, names):
    """Print the tables of the recipes that are done."""
    for kind in ("real", "phantoms"):
        tables = {name: results(folder, name, kind) for name in names}
        tables = {name: table for name, table in tables.items() if table}
        if not tables:
            continue
        print(f"\n{kind}, left out: per case, on its own grid\n")
        print(
            "| recipe | Dice (95 % interval), n | missed | false mL a scan | lesions found | "
            f"false lesions a scan | seconds, seeds |\n|{'---|' * 7}"
        )
        for name, table in tables.items():
            print(row(folder, name, table))
        print_pairs(tables)
        if kind == "real":
            print_cases(tables)


def results(folder, name, kind):
    """Numbers of each case by the names of COLUMNS; means over the seeds."""
    rows = {}
    for file in sorted(folder.glob(f"group_*/{name}-[0-9]*/scores-{kind}/metrics.json")):
        for case in json.loads(file.read_text())["cases"]:
            found = (
                case["dice"] if case["tp"] + case["fn"] else np.nan,
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


def row(folder, name, table):
    dice = [case["dice"] for case in table.values() if not np.isnan(case["dice"])]
    total = {column: sum(case[column] for case in table.values()) for column in COLUMNS}
    done = [json.loads(f.read_text()) for f in folder.glob(f"group_*/{name}-[0-9]*/done.json")]
    seconds = np.mean([each["seconds"] for each in done])
    seeds = len({each["seed"] for each in done})
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
