"""What a search holds while it ends trial after trial early, and what it leaves behind."""

import tempfile
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

from search_wall import search_words, trials_of
from watched import family, resident_mb, watched

EPOCHS = 4  # all trials train three, then the worse two thirds end
SETTLED = 10  # trials until everything is loaded


@dataclass(frozen=True)
class Held:
    """What a search holds at one time, in all of its processes or in the driver alone."""

    processes: int
    all_mb: float
    driver_mb: float
    driver_files: int
    driver_threads: int


def left_behind(given: Namespace) -> None:
    given.folder.mkdir(parents=True)
    held: list[Held] = []

    def said(pid: int, line: str) -> None:
        if ": Dice per case" in line:
            held.append(held_by(pid))

    with tempfile.TemporaryDirectory(prefix="left-") as temporary:
        words = search_words(given, trials=given.stopped, epochs=EPOCHS)
        own = {"RAY_TMPDIR": temporary, "TMPDIR": temporary}
        run = watched(words, said=said, environment=own)
        left = sorted(path.name for path in Path(temporary).iterdir())
    search = given.folder / "search"
    early = sum(int(trial["epochs"]) < EPOCHS for trial in trials_of(search))
    print(f"{given.stopped} trials, {early} of them ended early: {run.wall_s:.0f} s")
    print(f" after trial {SETTLED}: {held[SETTLED]}\n at the end: {held[-1]}")
    checkpoints = [str(path.relative_to(search)) for path in search.rglob("*.ckpt")]
    sizes = [sum(f.stat().st_size for f in t.rglob("*")) for t in (search / "trials").iterdir()]
    print(f" left: processes {run.left}, temporary files {left}, checkpoints {checkpoints}, "
          f"in the search {sorted(path.name for path in search.iterdir())}; at most "
          f"{max(sizes) / 1e6:.2f} MB a trial")  # fmt: skip


def held_by(pid: int) -> Held:
    processes = family(pid)
    proc = Path(f"/proc/{pid}")
    return Held(
        processes=len(processes),
        all_mb=round(sum(resident_mb(status) for _, status in processes)),
        driver_mb=round(resident_mb(processes[0][1])),
        driver_files=len(list((proc / "fd").iterdir())),
        driver_threads=len(list((proc / "task").iterdir())),
    )
