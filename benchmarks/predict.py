"""What a prediction costs from file to file: memory, and processor seconds, against MONAI's route.

    python -m benchmarks.predict [--slices 280 1000 --width 8 --threads 2]

Each line is measured in a process of its own, one after the other: seconds and processor seconds
without imports, and the process's peak memory with torch imported. The scan is noise on 512 x 512
pixels; all routes run the same net on 256 x 256 pixels and write a mask on the scan's own grid.
`parts` does what ours does one after the other: reading and preparing, the net, and from
probabilities to the file.
"""

import dataclasses
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
import tyro

from ingest.find_scans import find_scans
from ingest.recipe import Recipe
from ingest.slices.field import Field
from ingest.slices.prepare import prepare_image
from lungseg.inference.ensemble import load_ensemble
from lungseg.inference.infer import Image, Plane, probabilities
from lungseg.inference.model_file import load_model
from lungseg.inference.options import PredictOptions
from lungseg.inference.outputs.mask import mask_of
from lungseg.inference.predict_all import predict
from lungseg.inference.read_scan import open_scan
from lungseg.models.build import build_net
from lungseg.postprocessing.finder import Finder
from lungseg.postprocessing.rules import Rules

ROUTES = ("ours", "ours 32 bits", "monai by 16", "monai by 2", "parts")
CPU = torch.device("cpu")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure."""

    folder: Path = Path("/dev/shm/predict")
    """Where scans and masks lie; they are kept."""
    slices: tuple[int, ...] = (280, 1000)
    width: int = 8
    """Channels of the net's first level."""
    depth: int = 4
    """Levels of the net."""
    threads: int = 2
    """Of torch."""
    routes: tuple[str, ...] = ROUTES
    only: str = ""
    """One route, measured in this process."""


def main(options: Options) -> None:
    options.folder.mkdir(parents=True, exist_ok=True)
    checkpoint = make_checkpoint(options.folder, options.width, options.depth)
    scans = {count: make_scan(options.folder, count) for count in options.slices}
    if options.only:
        measure(options.only, checkpoint, scans[options.slices[0]], options)
        return
    print("| route | slices | seconds | processor seconds | peak MB |\n|---|---|---|---|---|")
    for count in scans:
        for route in options.routes:
            command = [sys.executable, "-m", "benchmarks.predict", "--only", route]
            command += ["--slices", str(count), "--folder", str(options.folder)]
            command += ["--width", str(options.width), "--depth", str(options.depth)]
            command += ["--threads", str(options.threads)]
            done = subprocess.run(command, capture_output=True, text=True)
            shown = [line for line in done.stdout.splitlines() if line.startswith("|")]
            print("\n".join(shown) or done.stderr, flush=True)


def measure(route: str, checkpoint: Path, scan: Path, options: Options) -> None:
    """Run a route in this process, and print its line."""
    torch.set_num_threads(options.threads)
    out = options.folder / "out"
    wall, processor = time.perf_counter(), time.process_time()
    if route == "parts":
        parts(checkpoint, scan, options.slices[0])
        return
    name, _, how = route.partition(" ")
    if name == "ours":
        ours(checkpoint, scan, out, precision="32" if how else "auto")
    else:
        monai(checkpoint, scan, out, at_once=int(how.removeprefix("by ")))
    seconds = time.perf_counter() - wall, time.process_time() - processor
    (peak,) = re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    peak_mb = int(peak) / 1000  # getrusage would count the process that started this one
    print(
        f"| {route} | {options.slices[0]} | {seconds[0]:.1f} | {seconds[1]:.1f} | {peak_mb:.0f} |"
    )


def ours(checkpoint: Path, scan: Path, out: Path, *, precision: str) -> None:
    predict(
        PredictOptions(
            checkpoint=checkpoint,
            input=scan,
            out=out,
            device="cpu",
            overwrite=True,
            all_slices=True,
            precision=precision,
        )
    )


def parts(checkpoint: Path, scan: Path, count: int) -> None:
    """The processor seconds of each part of our route, for so many slices."""
    model = load_ensemble([checkpoint], device=CPU)
    recipe = model.recipe.keeping_all()
    (case,) = find_scans(scan)
    opened, _ = open_scan(case, recipe)
    field = Field.of(opened.grid, recipe)
    finder = Finder(opened.grid, recipe, threshold=0.5, rules=Rules())

    def back(numbered: tuple[int, tuple[Image, Plane]]) -> None:
        z, (image, members) = numbered
        put(finder.see(z, image, members)[0])

    read = (prepare_image(plane, recipe, field) for _, plane in opened.planes())
    images = timed("reading, preparing", count, read)
    found = timed("the net", count, probabilities(model, images, device=CPU, batch_size=2))
    judged = enumerate(zip(images, found, strict=True))
    with mask_of(opened, scan.parent / "parts.nii.gz", {}) as put:
        timed("to the file", count, map(back, judged))


def timed(what: str, count: int, steps: Iterable[Any]) -> list[Any]:
    """Run steps, print their seconds, and return what they made."""
    wall, processor = time.perf_counter(), time.process_time()
    made = list(steps)
    seconds = time.perf_counter() - wall, time.process_time() - processor
    print(f"| ours: {what} | {count} | {seconds[0]:.1f} | {seconds[1]:.1f} | |")
    return made


@torch.inference_mode()
def monai(checkpoint: Path, scan: Path, out: Path, *, at_once: int) -> None:
    """Load, orient, scale, resize, run slice by slice, invert, threshold, save."""
    from monai.data import decollate_batch, list_data_collate
    from monai.transforms import (
        AsDiscreted,
        Compose,
        EnsureChannelFirstd,
        Invertd,
        LoadImaged,
        Orientationd,
        Resized,
        SaveImaged,
        ScaleIntensityRanged,
    )

    net = load_model(checkpoint).net.to(memory_format=torch.contiguous_format)  # as its users do
    size = (256, 256, -1)
    before = Compose([
        LoadImaged("image"),
        EnsureChannelFirstd("image"),
        Orientationd("image", axcodes="RAS"),
        ScaleIntensityRanged("image", -1000, 3071, -1000 / 3071, 1.0, clip=True),
        Resized("image", size, mode="trilinear"),
    ])  # fmt: skip
    after = Compose([
        Invertd("pred", before, orig_keys="image", nearest_interp=False),
        AsDiscreted("pred", threshold=0.5),
        SaveImaged("pred", output_dir=str(out), output_dtype=np.uint8, print_log=False),
    ])  # fmt: skip
    batch = list_data_collate([before({"image": str(scan)})])
    slices = batch["image"][0].permute(3, 0, 2, 1)
    found = [torch.sigmoid(net(part.as_tensor())) for part in slices.split(at_once)]
    batch["pred"] = torch.cat(found).permute(1, 3, 2, 0)[None]
    for item in decollate_batch(batch):
        after(item)


def make_scan(folder: Path, num_slices: int) -> Path:
    path = folder / f"scan{num_slices}.nii.gz"
    if not path.exists():
        noise = np.random.default_rng(0).normal(-700, 200, (512, 512, 20)).astype(np.int16)
        volume = np.tile(noise, (1, 1, num_slices // 20))
        nibabel.save(nibabel.Nifti1Image(volume, np.diag([-0.7, -0.7, 1.25, 1])), path)
    return path


def make_checkpoint(folder: Path, width: int, depth: int) -> Path:
    path = folder / f"net{width}-{depth}.ckpt"
    if not path.exists():
        torch.manual_seed(0)
        options = {"neighbors": 1, "width": width, "depth": depth, "norm": "batch"}
        ours = {"recipe": Recipe().to_dict(), "threshold": 0.5, "neighbors": 1}
        ours |= {"training_cases": [], "validation_cases": []}
        weights = build_net(options).state_dict()
        state = {f"net.{name}": value for name, value in weights.items()}
        torch.save({"state_dict": state, "hyper_parameters": options | {"lungseg": ours}}, path)
    return path


if __name__ == "__main__":
    main(tyro.cli(Options))
