"""What tests of several rooms share: the real scans, where they are present, and servers."""

import contextlib
import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.leftovers import nothing_left
from tests.servers import FaultyS3, FaultyServer, put_folder, s3_server
from tests.toy_dicom import write_series

# The nets of tests are tiny: threads that wait for each other cost more than they compute, most of
# all where tests run beside each other. Child processes inherit this.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# As in this process: two loader workers on a machine with one processor are no fault
os.environ.setdefault("PYTHONWARNINGS", "ignore:This DataLoader will create")

# A shell starts what runs in its background deaf to Ctrl-C, which tests of it would wait for
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# On a busy machine a slow example is no failure, and each run asks the same: scripts/fuzz asks more
settings.register_profile(
    "patient",
    deadline=None,
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("patient")

TESTS = Path(__file__).parent
REAL_DATA = Path(__file__).parents[2] / "shared" / "data"

LONGEST = """
test_readme.py
test_lost_hosts.py
tune/test_search.py
test_main_job.py
test_readme_commands.py
cluster/test_slurm.py
tune/trials/test_together.py
lungseg/training/nodes/test_supervise.py
lungseg/training/test_interruptions.py
lungseg/training/test_shards_by_url.py
tune/test_cluster.py
tune/test_search_at_url.py
cluster/test_gang.py
cluster/test_fanout.py
ingest/job/test_interruptions.py
"""


def pytest_collection_modifyitems(items):
    """What takes longest first, so that the rest runs beside it and no worker ends much later."""
    place = {TESTS / name: number for number, name in enumerate(LONGEST.split())}
    items.sort(key=lambda item: place.get(item.path, len(place)))
    for_gpus = [item for item in items if item.get_closest_marker("gpu")]
    if for_gpus and not _has_gpu():
        for item in for_gpus:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


def _has_gpu():
    import torch  # only where a test needs it: it takes seconds

    return torch.cuda.is_available()


@pytest.fixture(autouse=True)
def _nothing_left():
    with nothing_left():
        yield


@pytest.fixture(scope="session", name="write_series")
def _write_series():
    """The function `tests.toy_dicom.write_series`."""
    return write_series


@pytest.fixture(scope="session")
def real_data():
    """Folder of real CT scans; the test is skipped with a notice where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"the real scans are absent: no folder {REAL_DATA}")
    return REAL_DATA


@pytest.fixture
def serve():
    """Function: folder -> a web server of it with `url`, `requests` and `fail`."""
    with contextlib.ExitStack() as stack:
        yield lambda folder: stack.enter_context(FaultyServer(folder))


@pytest.fixture(scope="session")
def s3():
    """What the environment tells of a server on this machine that speaks S3."""
    pytest.importorskip("s3fs")
    with s3_server() as environment:
        yield environment


@pytest.fixture
def serve_s3(s3, monkeypatch):
    """Function: folder -> the URL of a copy of it on a server that speaks S3."""

    def start(folder):
        for name, value in s3.items():
            monkeypatch.setenv(name, value)
        return put_folder(folder, s3["AWS_ENDPOINT_URL"])

    return start


@pytest.fixture
def serve_faulty_s3(serve_s3, monkeypatch):
    """As `serve`, for a copy of the folder on a server that speaks S3."""
    with contextlib.ExitStack() as stack:

        def start(folder):
            url = serve_s3(folder)
            server = stack.enter_context(FaultyS3(url, os.environ["AWS_ENDPOINT_URL"]))
            monkeypatch.setenv("AWS_ENDPOINT_URL", server.address)
            return server

        yield start
