"""The same synthetic slices in the layout that each loader wants."""

import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import webdataset as wds
from shard_set import SCALE, write_set

SIZE, NUM_CASES, SLICES, TUMOR_SLICES = 256, 13, 231, 14
NUM = NUM_CASES * SLICES
SAMPLES_PER_SHARD = 500

ROWS, COLUMNS = np.indices((SIZE, SIZE))
BODY = ((ROWS - 128) / 90) ** 2 + ((COLUMNS - 128) / 120) ** 2 <= 1


def has_tumor(number: int) -> bool:
    return 100 <= number % SLICES < 100 + TUMOR_SLICES


def make_slice(number: int) -> tuple[np.ndarray, np.ndarray]:
    """A body in air with noise, int16 HU, and a round tumor, uint8."""
    rng = np.random.default_rng(number)
    noise = rng.normal(size=(SIZE, SIZE))
    image = np.where(BODY, 40 + 20 * noise, -1000 + 9 * noise).astype(np.int16)
    row, column = rng.integers(80, 176, 2)
    mask = ((ROWS - row) ** 2 + (COLUMNS - column) ** 2 <= 150) & has_tumor(number)
    return image, mask.astype(np.uint8)


def write_naive(folder: Path) -> None:
    folder.mkdir(parents=True)
    for number in range(NUM):
        image, mask = make_slice(number)
        np.save(folder / f"{number}.ct.npy", image.astype(np.float32) * np.float32(SCALE))
        np.save(folder / f"{number}.mask.npy", mask)


def write_ours(folder: Path) -> None:
    cases = {
        f"case_{place:02d}": map(make_slice, range(place * SLICES, (place + 1) * SLICES))
        for place in range(NUM_CASES)
    }
    write_set(folder, cases, size=SIZE)


def write_webdataset(folder: Path) -> None:
    folder.mkdir(parents=True)
    for kind in ("tumor", "empty"):
        pattern = str(folder / f"{kind}-%03d.tar")
        with wds.ShardWriter(pattern, maxcount=SAMPLES_PER_SHARD, verbose=0) as sink:
            for number in shuffled(kind):
                image, mask = make_slice(number)
                sink.write({"__key__": f"{number:05d}", "ct.npy": image, "mask.npy": mask})


def write_mds(folder: Path) -> None:
    import_without_torchvision()
    from streaming import MDSWriter

    shape = f"{SIZE},{SIZE}"
    columns = {"image": f"ndarray:int16:{shape}", "mask": f"ndarray:uint8:{shape}"}
    for kind in ("tumor", "empty"):
        with MDSWriter(out=str(folder / kind), columns=columns) as sink:
            for number in shuffled(kind):
                sink.write(dict(zip(("image", "mask"), make_slice(number), strict=True)))


def write_litdata(folder: Path) -> None:
    import litdata

    for kind in ("tumor", "empty"):
        litdata.optimize(
            make_slice,
            shuffled(kind),
            output_dir=str(folder / kind),
            chunk_bytes="64MB",
            num_workers=1,
            verbose=False,
        )


WRITERS = {
    "naive": write_naive,
    "ours": write_ours,
    "webdataset": write_webdataset,
    "mds": write_mds,
    "litdata": write_litdata,
}


def shuffled(kind: str) -> list[int]:
    numbers = [number for number in range(NUM) if has_tumor(number) == (kind == "tumor")]
    return np.random.default_rng(0).permutation(numbers).tolist()


def import_without_torchvision() -> None:
    """Let mosaicml-streaming import: it wants torchvision, for data sets that are not used here."""
    parts = {"": (), ".datasets": ("VisionDataset",), ".transforms": ()}
    parts[".transforms.functional"] = ("to_tensor",)
    for name, attributes in parts.items():
        module = types.ModuleType(f"torchvision{name}")
        module.__spec__, module.__path__ = ModuleSpec(module.__name__, None), []
        for attribute in attributes:
            setattr(module, attribute, object)
        sys.modules.setdefault(module.__name__, module)
