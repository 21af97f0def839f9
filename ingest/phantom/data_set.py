"""Write a data set of synthetic chests in the layout of MSD Task06_Lung.

The folder appears under its final name only when it is whole. Its bytes depend on the options
alone, not on the number of workers or the clock.
"""

import json
import multiprocessing
import os
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from shards.console.command import Options
from shards.console.errors import KnownError
from shards.console.limits import SEED, Limits
from shards.console.progress import progress
from shards.console.whole import whole_or_nothing

MAX_CASES = 500
_DRAWN_BY = ("size", "slices", "slice_mm", "min_tumor_mm", "max_tumor_mm")
IGZIP_LEVEL = 3
GZIP_FORMAT = 16 + zlib.MAX_WBITS


class PhantomError(KnownError):
    """A data set of synthetic chests cannot be written."""


@dataclass(frozen=True, kw_only=True)
class PhantomSet(Options):
    """Make an MSD-layout data set of synthetic chest CT scans with tumors of known volume."""

    out: Path
    """Folder to make; it must be absent or empty."""
    cases: Annotated[int, Limits(least=1, most=MAX_CASES)] = 12
    """Scans for training, with masks: lung_001, lung_002, ... One in each dozen has no tumor."""
    test_cases: Annotated[int, Limits(least=0, most=MAX_CASES - 1)] = 2
    """Scans to hold out: lung_501, lung_502, ... Their masks lie in labelsTs."""
    size: Annotated[int, Limits(least=32, most=1024)] = 256
    """Rows and columns of each slice; 512 is what scanners make."""
    slices: Annotated[int, Limits(least=16, most=1000)] = 48
    """Slices per scan, on average; the number varies by a fifth either way."""
    min_tumor_mm: Annotated[float, Limits(least=4, most=45)] = 4.0
    """Tumors are drawn with at least this diameter; small ones are hard to find on thick slices."""
    max_tumor_mm: Annotated[float, Limits(least=4, most=60)] = 60.0
    """Tumors are drawn with at most this diameter."""
    slice_mm: Annotated[float | None, Limits(least=0.5, most=10)] = None
    """Thickness of the slices, or more where so few would cover less than 60 mm; by default it
    varies from scan to scan, 1.25 to 5 mm."""
    seed: Annotated[int, SEED] = 0
    """Seed; the same seed gives the same bytes, and a case is the same in a larger set."""
    workers: Annotated[int, Limits(least=0, most=1024)] = 0
    """Processes that make scans; 0 takes one per core."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_tumor_mm > self.max_tumor_mm:
            raise ValueError(
                f"--min-tumor-mm is {self.min_tumor_mm:g} and --max-tumor-mm "
                f"{self.max_tumor_mm:g}: no tumor has a diameter between them"
            )


@dataclass(frozen=True)
class _Job:
    """One scan to make."""

    number: int
    subset: str

    @property
    def file(self) -> str:
        return f"lung_{self.number:03d}.nii.gz"


def make_phantoms(options: PhantomSet) -> dict[str, Any]:
    """Write the data set.

    Args:
        options: What to write, and where.

    Returns:
        Summary: folder, cases, test_cases, tumors, tumor_free, slices, tumor_slices and bytes.

    Raises:
        PhantomError: If the folder holds something already or cannot be written.
    """
    out = options.out.absolute()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise PhantomError(
            f"the data set needs an absent or empty folder, {options.out} holds something already: "
            "name another folder, or delete this one first"
        )
    try:
        with whole_or_nothing(out) as building:
            summary = _write(options, building)
    except OSError as error:
        raise PhantomError(f"cannot write {options.out}: {error.strerror}") from error
    return {"folder": str(options.out)} | summary


def _write(options: PhantomSet, folder: Path) -> dict[str, Any]:
    jobs = [_Job(number, "Tr") for number in range(1, options.cases + 1)]
    first_test = MAX_CASES + 1
    jobs += [_Job(number, "Ts") for number in range(first_test, first_test + options.test_cases)]
    for name in ("imagesTr", "labelsTr", "imagesTs", "labelsTs"):
        (folder / name).mkdir(parents=True)
    records = {}
    with progress(len(jobs), unit="scan") as bar:
        for job, record in _run(jobs, options, folder):
            records[job.file.removesuffix(".nii.gz")] = record
            bar.step()
    _write_json(folder / "dataset.json", _dataset(jobs))
    about = {name: getattr(options, name) for name in ("seed", *_DRAWN_BY)}
    _write_json(folder / "phantom.json", about | {"cases": records})
    return {
        "cases": options.cases,
        "test_cases": options.test_cases,
        "tumors": sum(len(record["tumors"]) for record in records.values()),
        "tumor_free": sum(not record["tumors"] for record in records.values()),
        "slices": sum(record["num_slices"] for record in records.values()),
        "tumor_slices": sum(record["tumor_slices"] for record in records.values()),
        "bytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
    }


def _run(
    jobs: list[_Job], options: PhantomSet, folder: Path
) -> Iterator[tuple[_Job, dict[str, Any]]]:
    """Make all scans, here or in processes; the records come in the order of the jobs."""
    work = partial(_make, options=options, folder=folder)
    workers = min(options.workers or len(os.sched_getaffinity(0)), len(jobs))
    if workers == 1:
        yield from zip(jobs, map(work, jobs), strict=True)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from zip(jobs, pool.map(work, jobs), strict=True)


def _make(job: _Job, options: PhantomSet, folder: Path) -> dict[str, Any]:
    """Make and write one scan with its mask; return what is known of it."""
    import cv2

    from ingest.phantom.case import make_phantom

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # the processes share the cores already
    try:
        scan = make_phantom(
            seed=options.seed,
            case=job.number,
            **{name: getattr(options, name) for name in _DRAWN_BY},
        )
    finally:
        cv2.setNumThreads(threads)
    for kind, voxels in (("images", scan.image), ("labels", scan.label)):
        path = folder / f"{kind}{job.subset}" / job.file
        _write_nifti(path, voxels, scan.affine, scan.orientation)
    return {
        "subset": "training" if job.subset == "Tr" else "test",
        "num_slices": scan.image.shape[2],
        "tumor_slices": int(scan.label.any(axis=(0, 1)).sum()),
        "spacing_mm": [round(pitch, 6) for pitch in scan.spacing_mm],
        "orientation": scan.orientation,
        "oblique": scan.oblique,
        "padding_hu": scan.padding_hu,
        "kernel": scan.kernel,
        "tumors": scan.tumors,
    }


def _write_nifti(path: Path, voxels: Any, affine: Any, orientation: str) -> None:
    """Write (x, y, z) RAS voxels as gzipped NIfTI in another orientation; no clock in the bytes."""
    import nibabel
    from isal import isal_zlib

    image = nibabel.Nifti1Image(voxels, affine)
    turn = nibabel.orientations.ornt_transform(
        nibabel.orientations.axcodes2ornt("RAS"), nibabel.orientations.axcodes2ornt(orientation)
    )
    image = image.as_reoriented(turn)
    image.header.set_xyzt_units("mm")
    image.set_sform(image.affine, code="scanner")
    image.set_qform(image.affine, code="scanner")
    deflate = isal_zlib.compressobj(IGZIP_LEVEL, isal_zlib.DEFLATED, GZIP_FORMAT)
    path.write_bytes(deflate.compress(image.to_bytes()) + deflate.flush())


def _dataset(jobs: Iterable[_Job]) -> dict[str, Any]:
    """Contents of dataset.json, as in the Medical Segmentation Decathlon."""
    training = [job.file for job in jobs if job.subset == "Tr"]
    test = [job.file for job in jobs if job.subset == "Ts"]
    return {
        "name": "Lung",
        "description": "Synthetic chest CT with tumors of known volume; no patient was scanned",
        "reference": "phantom.json holds the truth about each tumor",
        "licence": "CC0-1.0",
        "release": "1.0",
        "tensorImageSize": "3D",
        "modality": {"0": "CT"},
        "labels": {"0": "background", "1": "cancer"},
        "numTraining": len(training),
        "numTest": len(test),
        "training": [
            {"image": f"./imagesTr/{file}", "label": f"./labelsTr/{file}"} for file in training
        ],
        "test": [f"./imagesTs/{file}" for file in test],
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
