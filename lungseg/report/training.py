"""A training as one self-contained HTML page, for people."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from lungseg.report.curves import Points, epoch_plot, spark
from lungseg.report.page import as_ml, as_score, page_template
from lungseg.scores.case_counts import CaseCounts
from lungseg.scores.intervals import bootstrap_interval
from shards.console.words import counted

Facts = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Example:
    """One slice at some epochs.

    Attributes:
        title: What it shows.
        pictures: WebP bytes by epoch.
        where: Case and slice, by epoch.
    """

    title: str
    pictures: Mapping[int, bytes]
    where: Mapping[int, str]

    def as_data(self) -> list[dict[str, object]]:
        """The pictures as plain data, by epoch."""
        return [
            {
                "epoch": epoch,
                "image": base64.b64encode(picture).decode("ascii"),
                "where": self.where[epoch],
            }
            for epoch, picture in sorted(self.pictures.items())
        ]


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a training went.

    Attributes:
        epochs: Rows of metrics.csv.
        num_epochs: How many epochs it was to have.
        cases: The validation cases of each validated epoch.
        best: Scores of the best epoch, with their definition, grid, threshold and n; None without
            validation.
    """

    epochs: Sequence[Mapping[str, str]]
    num_epochs: int
    cases: Mapping[int, Sequence[CaseCounts]]
    best: Mapping[str, Any] | None

    def curve(self, column: str) -> Points:
        """The values of a column of metrics.csv that there are."""
        return [(int(row["epoch"]), float(row[column])) for row in self.epochs if row.get(column)]

    def of_case(self, name: str) -> Points:
        """Dice of a case at each epoch in which it is a number."""
        return [
            (epoch, case.dice)
            for epoch, cases in sorted(self.cases.items())
            for case in cases
            if case.case == name and case.dice is not None
        ]


def render(
    course: Course, *, name: str, examples: Sequence[Example], facts: Mapping[str, Facts]
) -> str:
    """Write the page.

    Args:
        course: How the training went until now.
        name: What it is called.
        examples: Slices of the validation cases.
        facts: Tables by title: name -> value.

    Returns:
        HTML that refers to nothing outside itself.
    """
    at_best = course.cases.get(course.best["epoch"], []) if course.best else []
    filters: dict[str, Any] = {"score": as_score, "ml": as_ml, "counted": counted}
    template = page_template("lungseg.report", "training.html.j2", **filters)
    return template.render(
        name=name,
        epoch=len(course.epochs),
        num_epochs=course.num_epochs,
        best=course.best,
        interval=bootstrap_interval([case.dice for case in at_best if case.has_tumor]),
        last=course.epochs[-1] if course.epochs else {},
        cases=sorted(at_best, key=_worst_first),
        spark=lambda case: spark(course.of_case(case), epochs=len(course.epochs), name=case),
        plots=_plots(course),
        examples=examples,
        facts=facts,
    )


def _worst_first(case: CaseCounts) -> tuple[float, str]:
    return 2.0 if case.dice is None else case.dice, case.case


def _plots(course: Course) -> dict[str, tuple[Markup, list[str]]]:
    """By title: the plot, and the names of its curves in the order of their colors."""
    best = course.best["epoch"] if course.best else None
    curves = {
        "Loss": {"training": "train/loss", "validation": "val/loss"},
        "Validation Dice": {
            "per case, mean": "val/dice_case_mean",
            "pooled, soft": "val/dice_pooled_soft",
        },
        "Cases missed altogether": {"missed": "val/dice_missed"},
        "False volume per case, mL": {"false volume": "val/false_volume_ml"},
        "Learning rate": {"learning rate": "lr"},
        "Slices per second": {"slices/s": "train/slices_per_s"},
    }
    plots = {}
    for title, columns in curves.items():
        points = {label: course.curve(column) for label, column in columns.items()}
        points = {label: known for label, known in points.items() if known}
        if points:
            least = {"Validation Dice": 1.0, "Cases missed altogether": 4.0}.get(title, 0.0)
            plots[title] = epoch_plot(points, title, least=least, best=best), list(points)
    return plots
