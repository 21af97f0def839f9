"""`python -m lungseg.compare`: say which of two evaluations is better, if that can be said."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import shards.console.early  # isort: skip  # noqa: F401 (first, for a Ctrl-C meanwhile)
from shards.console.command import Options, Positional, run
from shards.console.out import refuse_out_file

DESCRIPTION = """Compare two evaluations over the cases that both have, and say what may be said.

A is better, B is better, or there is no evidence: paired bootstrap and Wilcoxon over cases, for
Dice and for the surface Dice at 2 mm, and by size of the tumor."""


@dataclass(frozen=True, kw_only=True)
class CompareOptions(Options):
    """Compare two evaluations."""

    first: Annotated[Path, Positional]
    """Folder that `python -m lungseg.evaluate` left."""
    second: Annotated[Path, Positional]
    """Folder of the other one."""
    out: Path | None = None
    """Write the comparison as a page too, an .html file."""
    overwrite: bool = False
    """Replace the page of an earlier comparison."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.out is not None and self.out.suffix != ".html":
            raise ValueError(f"--out must be a file that ends in .html, got {self.out}")


def main(options: CompareOptions) -> dict[str, Any]:
    """Compare, with the heavy libraries imported only now."""
    from lungseg.evaluation.comparison import compare
    from lungseg.report.comparison import refuse_to_replace, write_page

    if options.out is None:
        return compare(options.first, options.second)
    refuse_out_file(options.out, starts_with=b"<!doctype html>")
    refuse_to_replace(options.out, overwrite=options.overwrite)
    result = compare(options.first, options.second)
    write_page(result, options.out)
    return result | {"page": str(options.out)}


def show(result: dict[str, Any]) -> str:
    """Render a comparison for people."""
    rows = [("Dice", result["dice"]), ("NSD at 2 mm", result["nsd"])]
    rows += [(f"Dice, {row['size']}", row) for row in result["by_size"]]
    lines = [f"first:  {result['first']}", f"second: {result['second']}"]
    lines += [_line(name, row) for name, row in rows]
    lines.append("missed altogether: first {}, second {}".format(*result["missed"]))
    for which in ("first", "second"):
        if only := result[f"only_{which}"]:
            lines.append(f"only in the {which}, left out: {', '.join(only)}")
    lines += [f"page: {result['page']}"] if "page" in result else []
    return "\n".join(lines)


def _line(name: str, row: dict[str, Any]) -> str:
    interval = "none" if row["ci95"] is None else "{:+.3f} to {:+.3f}".format(*row["ci95"])
    return (
        f"{name} (n = {row['n']}): {row['first']:.3f} and {row['second']:.3f}, difference "
        f"{row['difference']:+.3f}, 95 % interval {interval}, p = {row['p']:.3f}: {row['verdict']}"
    )


if __name__ == "__main__":
    run(CompareOptions, main, prog="python -m lungseg.compare", description=DESCRIPTION, show=show)
