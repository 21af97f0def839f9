"""The same trials bare and through the search: the whole, and the seconds to each first step."""

import csv
import json
import statistics
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from watched import Watched, watched

VARIED = ("loss", "lr", "oversample")
TINY = (
    *("--width", "4", "--depth", "3", "--neighbors", "1", "--num-workers", "0"),
    *("--augment", "none", "--norm", "instance", "--transplant", "0", "--accelerator", "cpu"),
)


@dataclass(frozen=True)
class Span:
    """When a trial trained, in seconds since 1970.

    Attributes:
        asked: When it was handed out.
        stepped: At the latest, when its first step began: the report of the first epoch comes
            after it and after what is written then.
        ended: When its end was noted.
    """

    asked: float
    stepped: float
    ended: float


def side_by_side(given: Namespace) -> None:
    given.folder.mkdir(parents=True)
    run = watched(search_words(given, trials=given.runs, epochs=given.epochs))
    spans = spans_of(given.folder / "search")
    first = min(span.stepped for span in spans)
    print(f"search of {given.runs} trials, {given.concurrent} at a time, ranks of each: "
          f"{given.ranks}: {run.wall_s:.1f} s, {run.processor_s:.1f} of processors")  # fmt: skip
    print(f" the first step comes {first - run.began:.1f} s after the command, with "
          f"{run.processor_s_until(first):.1f} processor seconds")  # fmt: skip
    print(f" later trials: their first step comes {span_of(gaps_of(spans))} s after the end "
          "that made room")  # fmt: skip
    print(f" from the last trial's end to the command's: "
          f"{run.ended - max(span.ended for span in spans):.1f} s")  # fmt: skip
    bare = bare_runs(given)
    wall_s = max(one.ended for one in bare) - min(one.began for one in bare)
    processor_s = sum(one.processor_s for one in bare)
    firsts = [first_step(one) - one.began for one in bare]
    print(f"bare, as many at a time: {wall_s:.1f} s, {processor_s:.1f} processor seconds; "
          f"the first step comes {span_of(firsts)} s after the command")  # fmt: skip
    print(f"the search took {run.wall_s / wall_s:.2f} times as long, and "
          f"{run.processor_s / processor_s:.2f} times as many processor seconds")  # fmt: skip


def search_words(given: Namespace, *, trials: int, epochs: int) -> list[str]:
    words = ["-m", "tune.search", "--shards", str(given.shards), *TINY]
    words += ["--batch-size", str(given.batch_size)]
    words += ["--out", str(given.folder / "search"), "--trials", str(trials)]
    words += ["--concurrent", str(given.concurrent), "--cpus-per-trial", str(given.ranks)]
    words += ["--devices-per-trial", str(given.ranks), "--gpus-per-trial", "0"]
    words += ["--losses", "bce", "dice", "--epochs", str(epochs)]
    return words + (["--address", given.address] if given.address else [])


def bare_runs(given: Namespace) -> list[Watched]:
    """The trials of the search again, each as a command of its own, to where it trained them."""
    words = ["-m", "lungseg.fit", "--shards", str(given.shards), *TINY]
    words += ["--devices", str(given.ranks), "--epochs", str(given.epochs)]
    words += ["--batch-size", str(given.batch_size)]

    def run(trial: dict[str, str]) -> Watched:
        values = [f"--{name}={trial[name]}" for name in VARIED if trial[name]]
        out = given.folder / f"bare-{trial['trial']}"
        return watched([*words, "--out", str(out), *values])

    trials = trials_of(given.folder / "search")
    assert {int(trial["epochs"]) for trial in trials} == {given.epochs}, "one was ended early"
    with ThreadPoolExecutor(given.concurrent) as pool:
        return list(pool.map(run, trials))


def first_step(run: Watched) -> float:
    """When a training said what it was going to do, which it does just before its first step."""
    return next(when for when, line in run.lines if line.startswith("training on"))


def spans_of(search: Path) -> list[Span]:
    """Of the trials of a search, by its journal and their tables."""
    times: dict[tuple[str, int], float] = {}
    for line in (search / "journal.jsonl").read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        times.setdefault((event["event"], event["trial"]), event["time"])
    numbers = [number for event, number in times if event == "ended"]
    return [
        Span(
            asked=times["suggested", number],
            stepped=times["reported", number] - first_epoch_s(search, number),
            ended=times["ended", number],
        )
        for number in numbers
    ]


def first_epoch_s(search: Path, number: int) -> float:
    (table,) = (search / "trials" / f"{number:03d}").glob("*/metrics.csv")
    with table.open(newline="", encoding="utf-8") as file:
        return float(next(csv.DictReader(file))["train/epoch_seconds"])


def gaps_of(spans: list[Span]) -> list[float]:
    """Of each trial that took another one's room: seconds from that one's end to its first step."""
    ends = sorted(span.ended for span in spans)
    before = [[end for end in ends if end <= span.asked] for span in spans]
    return [span.stepped - e[-1] for span, e in zip(spans, before, strict=True) if e]


def trials_of(search: Path) -> list[dict[str, str]]:
    with (search / "trials.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def span_of(values: list[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"
