"""What `benchmarks/ingest_build.py` runs in a process of its own: one way of preparing scans.

    python benchmarks/ingest_peers.py WAY OUT WORKERS IMAGE...

The mask of an image lies in labelsTr beside its imagesTr. Prints seconds, without start-up and
imports, and the process's peak memory as JSON.
"""

import functools
import importlib
import json
import multiprocessing
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

DROPPED, SIZE = 30, (256, 256)


def label_of(image: Path) -> Path:
    """The mask of a scan."""
    return image.parent.parent / "labelsTr" / image.name


def floor(image: Path, _out: Path) -> None:
    """Inflate scan and mask with igzip, and do nothing else: no reader of gzip is faster."""
    from isal.isal_zlib import _GzipReader

    buffer = memoryview(bytearray(512 * 512 * 2))
    for path in (image, label_of(image)):
        with path.open("rb", buffering=0) as file:
            stream = _GzipReader(file, 1 << 20)
            while stream.readinto(buffer):
                pass


def tutorial(image: Path, out: Path) -> None:
    """What tutorials do: float64 volumes by nibabel, slice by slice resized, two files a slice."""
    import cv2
    import nibabel
    import numpy as np

    voxels = nibabel.load(image).get_fdata() / 3071
    mask = nibabel.load(label_of(image)).get_fdata().astype(np.uint8)
    for z in range(DROPPED, voxels.shape[2]):
        plane = cv2.resize(voxels[:, :, z], SIZE)
        tumor = cv2.resize(mask[:, :, z], SIZE, interpolation=cv2.INTER_NEAREST)
        _save(out / image.name, z, plane, tumor)


def monai(image: Path, out: Path) -> None:
    """The same by MONAI's dictionary transforms, in float32."""
    scan = _monai_transforms()({"image": image, "label": label_of(image)})
    for z in range(DROPPED, scan["image"].shape[3]):
        _save(out / image.name, z, *(scan[key][0, :, :, z].numpy() for key in ("image", "label")))


@functools.lru_cache
def _monai_transforms() -> Any:
    import monai.transforms as t

    keys = ["image", "label"]
    return t.Compose(
        [
            t.LoadImaged(keys, image_only=True, ensure_channel_first=True),
            t.Orientationd(keys, axcodes="RAS"),
            t.ScaleIntensityRanged(["image"], -1000, 3071, -1000 / 3071, 1, clip=True),
            t.Resized(keys, (*SIZE, -1), mode=("trilinear", "nearest")),
        ]
    )


def _save(folder: Path, z: int, plane: Any, mask: Any) -> None:
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f"{z}.npy", plane)
    np.save(folder / f"{z}-mask.npy", mask.astype(np.uint8))


def shard(image: Path, out: Path) -> None:
    """What one worker of `build-shards` does."""
    from ingest.case import Case
    from ingest.job.one_case import Task, build_case
    from ingest.recipe import Recipe

    name = image.name.removesuffix(".nii.gz")
    case = Case(name=name, image=image, label=label_of(image), patient=name)
    task = Task(case=case, recipe=Recipe(), out=str(out), compress=False, fingerprint={})
    assert build_case(task).built


WAYS: dict[str, Callable[[Path, Path], None]] = {
    way.__name__: way for way in (floor, tutorial, monai, shard)
}
MODULES = {
    "floor": ("isal.isal_zlib",),
    "tutorial": ("cv2", "nibabel"),
    "monai": ("monai.transforms", "nibabel"),
    "shard": ("cv2", "ingest.job.one_case"),
}


def run(way: str, out: Path, workers: int, images: list[Path]) -> float:
    """Prepare all scans; the seconds that it took.

    Args:
        way: One of `WAYS`.
        out: Folder for what is written.
        workers: Processes.
        images: The scans.
    """
    for module in MODULES[way]:
        importlib.import_module(module)
    work = functools.partial(_one, way, out)
    began = time.perf_counter()
    if workers == 1:
        list(map(work, images))
    else:
        with multiprocessing.get_context("fork").Pool(workers) as pool:
            pool.map(work, images, chunksize=1)
    return time.perf_counter() - began


def _one(way: str, out: Path, image: Path) -> None:
    WAYS[way](image, out)


def peak_mb() -> float:
    """Peak memory of this process; that of `getrusage` includes the one that started it (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[1])  # else `import ingest` means the benchmark
    name, folder, count, *paths = sys.argv[1:]
    seconds = run(name, Path(folder), int(count), [Path(path) for path in paths])
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}))
