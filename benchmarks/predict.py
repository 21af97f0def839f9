"""What a prediction costs from file to file: memory, and processor seconds, against MONAI's route.

    python -m benchmarks.predict [--slices 280 1000 --width 8]

Each line is measured in a process of its own, with one thread: processor seconds without imports,
and the process's peak memory with torch imported. The scan is noise on 512 x 512 pixels; both
routes run the same small net on 256 x 256 pixels and write a mask on the scan's own grid.
"""

import dataclasses
import resource
import subprocess
import sys
import time
from pathlib import Path

import nibabel
import numpy as np
import torch
import tyro

from ingest.recipe import Recipe
from lungseg.inference.model_file import load_model
from lungseg.inference.options import PredictOptions
from lungseg.inference.predict_all import predict
from lungseg.models.build import build_net

ROUTES = ("ours", "monai")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What to measure."""

    folder: Path = Path("/dev/shm/predict")
    """Where scans and masks lie; they are kept."""
    slices: tuple[int, ...] = (280, 1000)
    width: int = 8
    """Channels of the net's first level."""
    routes: tuple[str, ...] = ROUTES
    only: str = ""
    """One route, measured in this process."""


def main(options: Options) -> None:
    options.folder.mkdir(parents=True, exist_ok=True)
    checkpoint = make_checkpoint(options.folder / f"net{options.width}.ckpt", options.width)
    scans = [make_scan(options.folder / f"scan{n}.nii.gz", n) for n in options.slices]
    if options.only:
        started = time.process_time()
        {"ours": ours, "monai": monai}[options.only](checkpoint, scans[0], options.folder / "out")
        seconds = time.process_time() - started
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(f"| {options.only} | {options.slices[0]} | {seconds:.1f} | {peak_mb:.0f} |")
        return
    print("| route | slices | processor seconds | peak MB |\n|---|---|---|---|", flush=True)
    for slices in options.slices:
        for route in options.routes:
            command = [
                sys.executable,
                "-m",
                "benchmarks.predict",
                "--slices",
                str(slices),
                "--only",
                route,
            ]
            command += ["--folder", str(options.folder), "--width", str(options.width)]
            done = subprocess.run(command, capture_output=True, text=True)
            print(done.stdout.strip().splitlines()[-1] if done.stdout else done.stderr, flush=True)


def ours(checkpoint: Path, scan: Path, out: Path) -> None:
    predict(
        PredictOptions(
            checkpoint=checkpoint,
            input=scan,
            out=out,
            device="cpu",
            overwrite=True,
            all_slices=True,
        )
    )


@torch.inference_mode()
def monai(checkpoint: Path, scan: Path, out: Path) -> None:
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

    net = load_model(checkpoint).net
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
    found = [torch.sigmoid(net(part.as_tensor())) for part in slices.split(16)]
    batch["pred"] = torch.cat(found).permute(1, 3, 2, 0)[None]
    for item in decollate_batch(batch):
        after(item)


def make_scan(path: Path, num_slices: int) -> Path:
    if not path.exists():
        noise = np.random.default_rng(0).normal(-700, 200, (512, 512, 20)).astype(np.int16)
        volume = np.tile(noise, (1, 1, num_slices // 20))
        nibabel.save(nibabel.Nifti1Image(volume, np.diag([-0.7, -0.7, 1.25, 1])), path)
    return path


def make_checkpoint(path: Path, width: int) -> Path:
    if not path.exists():
        torch.manual_seed(0)
        options = {"neighbors": 1, "width": width, "depth": 4, "norm": "instance"}
        ours = {"recipe": Recipe().to_dict(), "threshold": 0.5, "neighbors": 1}
        ours |= {"training_cases": [], "validation_cases": []}
        weights = build_net(options).state_dict()
        state = {f"net.{name}": value for name, value in weights.items()}
        torch.save({"state_dict": state, "hyper_parameters": options | {"lungseg": ours}}, path)
    return path


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(tyro.cli(Options))
