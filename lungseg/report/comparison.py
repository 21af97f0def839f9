"""The comparison of two models as one self-contained HTML page, for people."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lungseg.report.certainty import difference_plot
from lungseg.report.page import as_score, page_template
from shards.console.errors import KnownError
from shards.console.whole import write_whole
from shards.console.words import counted


class PageError(KnownError):
    """There is no place for a page."""


def refuse_to_replace(out: Path, *, overwrite: bool) -> None:
    """Refuse a place that holds something, before any work.

    Raises:
        PageError: Says what lies there.
    """
    if out.is_dir():
        raise PageError(f"--out must be a file, {out} is a folder: add a name to it")
    if out.exists() and not overwrite:
        raise PageError(f"{out} would be replaced: choose another --out, or add --overwrite")


def write_page(comparison: Mapping[str, Any], out: Path) -> None:
    """Write the page, whole or not at all.

    Args:
        comparison: What `lungseg.evaluation.comparison.compare` returns.
        out: The file.

    Raises:
        PageError: If it cannot be written.
    """
    try:
        write_whole(out, render(comparison))
    except OSError as error:
        raise PageError(
            f"--out {out} cannot be written ({error.strerror}): choose another"
        ) from error


def render(comparison: Mapping[str, Any]) -> str:
    """The page as HTML that refers to nothing outside itself; the argument is as `write_page`'s."""
    rows = [("Dice", comparison["dice"]), ("NSD at 2 mm", comparison["nsd"])]
    rows += [(f"Dice, {row['size']}", row) for row in comparison["by_size"]]
    template = page_template(
        "lungseg.report", "comparison.html.j2", score=as_score, signed=_signed, counted=counted
    )
    return template.render(
        comparison=comparison,
        rows=rows,
        cases=sorted(comparison["cases"], key=lambda case: (case["difference"], case["case"])),
        plot=difference_plot(comparison["cases"]),
    )


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}"
