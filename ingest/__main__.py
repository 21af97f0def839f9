"""`python -m ingest`: scans -> shards, and what helps on the way."""

from pathlib import Path
from typing import Any

import shards.console.early  # isort: skip  # noqa: F401 (first, for a Ctrl-C meanwhile)
from ingest.job import processes as engine
from ingest.options import BuildShards, Check, Preview
from ingest.phantom.data_set import PhantomSet
from shards.console.command import run
from shards.console.out import refuse_foreign, refuse_out, refuse_out_file
from shards.console.words import on_one_line

DESCRIPTION = """Chest CT scans and tumor masks -> preprocessed slices in shards.

phantom makes a data set of synthetic chests; check says what is wrong with a data set, and writes
nothing; build-shards turns it into a shard set; preview draws a contact sheet of that.
"""

COMMANDS = {
    "phantom": PhantomSet,
    "check": Check,
    "build-shards": BuildShards,
    "preview": Preview,
}


def main(options: Any) -> dict[str, Any]:
    """Do what one of the commands says."""
    match options:
        case PhantomSet():
            refuse_out(options.out, None)
            from ingest.phantom.data_set import make_phantoms

            return make_phantoms(options)
        case BuildShards():
            _refuse_target(options)
            engine.warm_up("ingest.job.one_case")  # beside our own imports
            from ingest.job.build import build_shards

            return build_shards(options)
        case Check():
            engine.warm_up("ingest.findings.of_case")
            from ingest.job.check import check

            return check(options)
        case Preview():
            refuse_out_file(options.out, starts_with=b"\x89PNG", sources=[options.shards])
            from ingest.preview import preview

            return preview(options)
    raise AssertionError(options)


def _refuse_target(options: BuildShards) -> None:
    """Refuse a target that holds something else, or that cannot be written to."""
    if "://" in options.out and not options.out.startswith("file://"):
        from shards.storage.target import open_target

        refuse_foreign(options.out, open_target(options.out).sizes(""), "shards")
    else:
        out = Path(options.out.removeprefix("file://"))
        refuse_out(out, "shards", sources=[options.source])


def show(result: dict[str, Any]) -> str:
    """Render a result for people."""
    if "regions" in result:
        from ingest.dicom.listing import show_regions

        return show_regions(result)
    if "findings" in result:
        from ingest.job.check import show_findings

        return show_findings(result)
    lines = [f"{name}: {_plain(value)}" for name, value in result.items()]
    if "built_now" in result:
        shards = result["shards"]
        lines.append(
            f"next: look with `python -m ingest preview --shards {shards} --out SLICES.png`, train "
            f"with `python -m lungseg.fit --shards {shards} --out RUN`"
        )
    return "\n".join(lines)


def _plain(value: Any) -> str:
    """A list as `a, b`, a table as one line for each of its rows."""
    match value:
        case dict():
            lines = [f"\n  {on_one_line(str(name))}: {what}" for name, what in value.items()]
            return "".join(lines) or "none"
        case list():
            return ", ".join(map(str, value)) or "none"
        case int():
            return f"{value:,}"
    return str(value)


if __name__ == "__main__":
    run(
        COMMANDS,
        main,
        prog="python -m ingest",
        description=DESCRIPTION,
        show=show,
    )
