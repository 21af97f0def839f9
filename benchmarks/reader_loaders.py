"""One loader, run alone in a process of its own: its speed, first batch and memory as JSON.

python benchmarks/reader_loaders.py NAME FOLDER WORKERS
"""

import functools
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from reader_data import NUM, SIZE, has_tumor, import_without_torchvision
from shard_set import SCALE
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

BATCH = 32


class Naive(Dataset):
    def __init__(self, folder):
        self.folder = folder

    def __len__(self):
        return NUM

    def __getitem__(self, number):
        return tuple(np.load(self.folder / f"{number}.{kind}.npy") for kind in ("ct", "mask"))


def naive(folder: Path, workers: int) -> Iterable:
    tumor = np.array([has_tumor(number) for number in range(NUM)])
    weights = np.where(tumor, (~tumor).sum() / tumor.sum(), 1.0)
    sampler = WeightedRandomSampler(weights, NUM)
    return DataLoader(Naive(folder), BATCH, sampler=sampler, num_workers=workers, drop_last=True)


def webdataset(folder: Path, workers: int) -> Iterable:
    import webdataset as wds

    def kind(name):
        urls = [str(path) for path in sorted(folder.glob(f"{name}-*.tar"))]
        stream = wds.WebDataset(urls, resampled=True, shardshuffle=False).shuffle(500).decode()
        return stream.map(lambda sample: as_floats(sample["ct.npy"], sample["mask.npy"]))

    mix = wds.RandomMix([kind("tumor"), kind("empty")], [0.5, 0.5])
    stream = wds.DataPipeline(mix, wds.batched(BATCH))
    return DataLoader(stream.with_length(NUM // BATCH), batch_size=None, num_workers=workers)


def mds(folder: Path, workers: int) -> Iterable:
    import_without_torchvision()
    import streaming

    streaming.base.util.clean_stale_shared_memory()
    streams = [
        streaming.Stream(local=str(folder / kind), proportion=0.5) for kind in ("tumor", "empty")
    ]
    data = streaming.StreamingDataset(
        streams=streams, epoch_size=NUM, shuffle=True, batch_size=BATCH
    )
    return DataLoader(data, BATCH, num_workers=workers, collate_fn=_collate, drop_last=True)


def litdata(folder: Path, workers: int) -> Iterable:
    import litdata as lit

    parts = [lit.StreamingDataset(str(folder / kind), shuffle=True) for kind in ("tumor", "empty")]
    data = lit.CombinedStreamingDataset(parts, weights=[0.5, 0.5], iterate_over_all=False)
    return lit.StreamingDataLoader(
        data, batch_size=BATCH, num_workers=workers, collate_fn=_collate, drop_last=True
    )


def ours(folder: Path, workers: int, *, scale: float | None) -> Iterable:
    from shards.order.oversample import oversample_ratio
    from shards.order.plan import Plan
    from shards.order.sampler import PlanSampler
    from shards.reading.loader import ThreadedLoader
    from shards.reading.reader import SliceReader
    from shards.storage.store import open_shards

    shards = open_shards(folder)
    tumor = shards.index.tumor
    ratio = oversample_ratio("auto", tumor)
    plan = Plan(rows=np.arange(NUM), tumor=tumor, oversample=ratio, seed=0)
    sampler = PlanSampler(plan, batch_size=BATCH, rank=0, world_size=1)
    reader = SliceReader(shards)

    def read(request):
        return reader.read(request.rows, scale=scale)

    return ThreadedLoader(read, sampler, num_threads=workers) if workers else Each(read, sampler)


class Each:
    """No thread at all."""

    def __init__(self, read, requests):
        self.read, self.requests = read, requests

    def __iter__(self):
        return map(self.read, self.requests)


def floor(_: Path, workers: int, *, scale: bool) -> Iterable:
    """What no loader that fills float batches can beat: integers in memory -> reused floats."""
    from shards.reading.loader import ThreadedLoader

    rng = np.random.default_rng(0)
    images = rng.integers(-1000, 3072, (NUM, SIZE, SIZE), np.int16)
    masks = np.zeros((NUM, SIZE, SIZE), np.uint8)
    slots = [
        (torch.zeros(BATCH, 1, SIZE, SIZE), torch.zeros(BATCH, 1, SIZE, SIZE, dtype=torch.uint8))
        for _ in range(workers + 2 if workers else 1)
    ]

    def read(request):
        place, rows = request
        image, mask = slots[place % len(slots)]
        for b, row in enumerate(rows.tolist()):
            np.copyto(image[b, 0].numpy(), images[row])
            if scale:
                image.numpy()[b] *= np.float32(SCALE)
            np.copyto(mask[b, 0].numpy(), masks[row])
        return image, mask

    order = rng.integers(0, NUM, (NUM // BATCH, BATCH))
    requests = list(enumerate(order))
    return ThreadedLoader(read, requests, num_threads=workers) if workers else Each(read, requests)


LOADERS: dict[str, tuple[str, Callable[[Path, int], Iterable]]] = {
    "naive": ("naive", naive),
    "webdataset": ("webdataset", webdataset),
    "mds": ("mds", mds),
    "litdata": ("litdata", litdata),
    "ours float32": ("ours", functools.partial(ours, scale=SCALE)),
    "ours int16": ("ours", functools.partial(ours, scale=None)),
    "floor": ("ours", functools.partial(floor, scale=False)),
    "floor, scaled": ("ours", functools.partial(floor, scale=True)),
}


def as_floats(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return image.astype(np.float32) * np.float32(SCALE), mask


def _collate(samples: list) -> tuple[torch.Tensor, torch.Tensor]:
    pairs = [s.values() if isinstance(s, dict) else s for s in samples]
    images, masks = zip(*(as_floats(*map(np.asarray, pair)) for pair in pairs), strict=True)
    return torch.from_numpy(np.stack(images)), torch.from_numpy(np.stack(masks))


def measure(name: str, folder: Path, workers: int) -> dict[str, float]:
    """Two passes: the first from a new loader, the second as all later ones."""
    torch.set_num_threads(1)
    layout, make = LOADERS[name]
    if layout == "ours":  # imports are not counted for anybody
        importlib.import_module("shards.order.sampler")
        importlib.import_module("shards.reading.reader")
        importlib.import_module("pyarrow.parquet")
    begin = time.perf_counter()
    loader = make(folder / layout, workers)
    first = _pass(loader, begin)
    again = _pass(loader, time.perf_counter())
    return {
        "first_batch_s": first["first_s"],
        "first_pass": first["wall"],
        "wall": again["wall"],
        "cpu": again["cpu"],
        "mb": again["mb"],
        "mapped_mb": again["mapped_mb"],
        "share": again["share"],
    }


def _pass(loader: Iterable, begin: float) -> dict[str, float]:
    num_slices, with_tumor, first_s, memory = 0, 0, 0.0, {}
    start, cpu = time.perf_counter(), _cpu_s()
    for k, (_, masks) in enumerate(loader):
        first_s = first_s or time.perf_counter() - begin
        num_slices += len(masks)
        if k % 16 == 0:
            with_tumor += int(masks.reshape(len(masks), -1).any(1).sum())
        if k == 60:
            memory = _memory_mb()
        if num_slices > NUM - BATCH:
            break
    wall, cpu = time.perf_counter() - start, _cpu_s() - cpu
    share = with_tumor / (32 * (1 + (num_slices // BATCH - 1) // 16))
    return {
        "first_s": first_s,
        "wall": num_slices / wall,
        "cpu": num_slices / cpu,
        "share": share,
        **(memory or _memory_mb()),
    }


def _cpu_s() -> float:
    """Of this process, its workers that have ended, and those that live."""
    ended = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    living = 0
    for pid in _children():
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        living += int(fields[11]) + int(fields[12])
    return sum(use.ru_utime + use.ru_stime for use in ended) + living / os.sysconf("SC_CLK_TCK")


def _memory_mb() -> dict[str, float]:
    """Memory of this process and its workers, shared pages once; and files mapped, apart."""
    total = mapped = 0
    for pid in ["self", *_children()]:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        kb = {line.split(":")[0]: int(line.split()[1]) for line in lines}
        total += kb["Pss"]
        mapped += kb["Pss_File"] + kb["Pss_Shmem"]
    return {"mb": total / 1024, "mapped_mb": mapped / 1024}


def _children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
