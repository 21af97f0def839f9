"""Random damage and random options for every command: `python -m tests.fuzz SECONDS`.

Commands run in this process, on files of a few kilobytes. Whatever they are given, they end with
exit code 0, 1 or 2 and say why: an exception that leaves a command is what this looks for.
"""

import contextlib
import io
import random
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path
from unittest import mock

import nibabel
import numpy as np

import ingest.__main__
import lungseg.evaluate
import lungseg.fit
import lungseg.predict
import shards.__main__
import tune.search
from ingest.job import processes
from shards.console.command import UsageError, parse, run
from tests.commands import ALL, numbers_and_names
from tests.ingest.conftest import AFFINE, _write_rtstruct
from tests.toy_dicom import write_series
from tests.toy_shards import make_shards
from tests.toy_training import options as training_options

WORDS = (
    *("nan", "inf", "-1", "0", "1", "3", "1e9", "9" * 30, "0.5", "x", "", " ", "None", "auto"),
    *("True", "--", "-", "--out", "a b", "ü", "\udcff", "/dev/null", "/dev/null/x", "nowhere"),
    *("s3://", "file://x", "://", "cpu", "cuda:99", "*", "[1]", "{}", "1,2", "-600", "1500"),
)


def make_corpus(folder):
    """Small files of every kind that a command reads."""
    from lungseg.training.run import fit

    rng = np.random.default_rng(0)
    hu = rng.integers(-1000, 400, (12, 12, 6)).astype(np.int16)
    tumor = np.zeros_like(hu, np.uint8)
    tumor[4:7, 4:7, 2:4] = 1
    for name in ("a", "b"):
        for kind, voxels in (("images", hu), ("labels", tumor)):
            path = folder / "scans" / f"{kind}Tr" / f"{name}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(voxels, np.diag([1.5, 1.5, 3, 1])), path)
    (folder / "scans/dataset.json").write_text(
        '{"name": "x", "labels": {"0": "background", "1": "cancer"}, "training": '
        '[{"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii.gz"}], "test": []}'
    )
    (folder / "plain").mkdir()
    nibabel.save(nibabel.Nifti1Image(hu, np.diag([1.5, 1.5, 3, 1])), folder / "plain/a.nii")
    datasets = write_series(folder / "dicom/series", hu[:, :, :4], AFFINE)
    square = np.array([[3.0, 3.0], [8.0, 3.0], [8.0, 8.0], [3.0, 8.0]])
    _write_rtstruct(folder / "dicom/mask.dcm", datasets, [(0, 1, square)])
    make_shards(folder / "set", num_cases=2, num_slices=3, size=24)
    fit(training_options(folder / "set", folder / "run", epochs=1, batch_size=2))
    (folder / "fit.yaml").write_text("epochs: 1\nwidth: 4\n")
    return folder


def targets(folder):
    """What may be damaged, with the words of a command that reads it."""
    scans, plain, dicom = (folder / name for name in ("scans", "plain", "dicom"))
    check = ["ingest", "check", "--workers", "1", "--drop-slices", "0", "--source"]
    build = ["ingest", "build-shards", "--workers", "1", "--drop-slices", "0", "--size", "8"]
    shown = ["--shards", str(folder / "set")]
    model = ["--checkpoint", str(folder / "run/best.ckpt"), "--device", "cpu"]
    for path in sorted(scans.rglob("*.*")):
        yield path, [*check, str(scans)]
        yield path, [*build, "--source", str(scans), "--out", str(folder / "out")]
    for path in sorted(dicom.rglob("*.dcm")):
        yield path, [*check, str(dicom)]
    yield plain / "a.nii", ["predict", *model, "--input", str(plain), "--out", str(folder / "out")]
    yield (
        folder / "run/best.ckpt",
        [
            *("predict", *model, "--input", str(plain), "--out", str(folder / "out")),
        ],
    )
    yield (
        folder / "run/best.ckpt",
        [
            *("evaluate", *model, "--source", str(scans), "--out", str(folder / "out")),
        ],
    )
    for path in (*sorted((folder / "set").rglob("*.*")),):
        yield path, ["shards", "verify", *shown]
        yield path, ["shards", "info", *shown]
        yield path, ["ingest", "preview", *shown, "--out", str(folder / "out.png")]
        yield (
            path,
            [
                *("fit", *shown, "--out", str(folder / "out"), "--epochs", "1", "--width", "2"),
                *("--depth", "2", "--num-workers", "0", "--accelerator", "cpu", "--devices", "1"),
            ],
        )
    yield folder / "fit.yaml", ["fit", *shown, "--out", "/dev/null/x", "--config",
                                str(folder / "fit.yaml")]  # fmt: skip


def damaged(data, rng):
    """The bytes with some of them changed, lost, repeated or put in."""
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 8])):
        at, length = rng.randrange(len(changed) + 1), rng.choice([1, 2, 4, 64, 512])
        match rng.randrange(6):
            case 0 if changed:
                changed[min(at, len(changed) - 1)] ^= 1 << rng.randrange(8)
            case 1:
                changed[at : at + length] = rng.randbytes(length)
            case 2:
                del changed[at:]
            case 3:
                del changed[at : at + length]
            case 4:
                changed[at:at] = rng.randbytes(length)
            case _:
                changed[at : at + length] = bytes([rng.choice([0, 255])]) * length
    return bytes(changed)


def ended(words):
    """The exit code of a command and what it said; other exceptions leave."""
    command, *rest = words
    with (
        mock.patch.object(processes, "run", _in_this_process),
        mock.patch.object(sys, "argv", [command, *rest]),
        contextlib.redirect_stdout(io.StringIO()) as shown,
        contextlib.redirect_stderr(io.StringIO()) as said,
    ):
        module, commands = _ENTRIES[command]
        try:
            show = getattr(module, "show", None)
            run(commands, module.main, prog=command, description="", show=show)
        except SystemExit as leaving:
            return int(leaving.code or 0), said.getvalue() + shown.getvalue()
    raise AssertionError(words)


def damage_once(folder, rng):
    """Damage one file, run a command that reads it, and make all whole again."""
    path, words = rng.choice(list(targets(folder)))
    data = path.read_bytes()
    path.write_bytes(damaged(data, rng))
    try:
        code, said = ended(words)
        assert code in (0, 1, 2), (code, said)
        assert code == 0 or said.strip(), words
    except Exception as error:
        error.add_note(f"{path.relative_to(folder)} damaged, words: {words}")
        raise
    finally:
        path.write_bytes(data)
        for left in (folder / "out", folder / "out.png"):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)


def options_once(rng):
    """Give a command random flags with random words."""
    command = rng.choice(ALL)
    names = numbers_and_names(command.options)[1]
    words = list(command.words)
    for _ in range(rng.randrange(1, 5)):
        name = rng.choice(names)
        words.append(rng.choice(["--", "--no-", "-"]) + name.replace("_", rng.choice("-_")))
        words += rng.choices(WORDS, k=rng.choice([0, 1, 1, 1, 2, 3]))
    if rng.random() < 0.2:
        del words[rng.randrange(len(words))]
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            parse(command.commands, words, prog="it", description="")
    except UsageError as error:
        said, code = str(error), 2
    except SystemExit as leaving:
        said, code = "asked for help", leaving.code or 0
    except Exception as error:
        error.add_note(f"words: {words}")
        raise
    else:
        said, code = "taken", 0
    assert code in (0, 2), words
    assert said.strip(), words
    assert "\n" not in said, words


def _in_this_process(function, tasks, **_):
    for place, task in enumerate(tasks):
        yield place, function(task)


_ENTRIES = {
    "ingest": (ingest.__main__, ingest.__main__.COMMANDS),
    "shards": (shards.__main__, shards.__main__.COMMANDS),
    "fit": (lungseg.fit, lungseg.fit.FitOptions),
    "evaluate": (lungseg.evaluate, lungseg.evaluate.EvaluateOptions),
    "predict": (lungseg.predict, lungseg.predict.PredictOptions),
    "search": (tune.search, tune.search.SearchOptions),
}


def main(seconds, seed):
    """Try for some time; print each new kind of trace, and leave with 1 if there was one."""
    rng, found, tries = random.Random(seed), set(), 0
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="lungseg-") as folder:
        corpus = make_corpus(Path(folder))
        while time.monotonic() < end:
            tries += 1
            try:
                damage_once(corpus, rng) if tries % 2 else options_once(rng)
            except Exception as error:  # noqa: BLE001 (which ones there are is the question)
                last = traceback.extract_tb(error.__traceback__)[-1]
                kind = (type(error).__name__, last.filename, last.lineno)
                if kind not in found:
                    found.add(kind)
                    traceback.print_exc()
    sys.stdout.write(f"seed {seed}: {tries} tries, {len(found)} kinds of traces\n")
    return 1 if found else 0


if __name__ == "__main__":
    given = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    sys.exit(main(given, int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32)))
