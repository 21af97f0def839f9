"""The processes of a loader are deaf to a signal for all, and end with the training."""

import subprocess
import sys

SCRIPT = """
import torch
from lungseg.training.process.loader_workers import begin_worker, end_workers_at_exit

end_workers_at_exit()
data = torch.utils.data.DataLoader(range(9), num_workers=1, worker_init_fn=begin_worker)
kept = iter(data)  # as an error keeps it, by its traceback
next(kept)
raise SystemExit("an error ends it")
"""


def test_a_training_that_fails_ends_though_its_loader_runs():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (1, "an error ends it\n")
