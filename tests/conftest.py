"""What tests of several rooms share: the real scans, where they are present, and servers."""

import contextlib
import logging
import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

from tests.servers import FaultyS3, FaultyServer, s3_server
from tests.toy_dicom import write_series

# The nets of tests are tiny: threads that wait for each other cost more than they compute, most of
# all where tests run beside each other. Child processes inherit this.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell starts what runs in its background deaf to Ctrl-C, which tests of it would wait for
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# On a busy machine a slow example is no failure
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

TESTS = Path(__file__).parent
REAL_DATA = Path(__file__).parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items):
    """The whole road first, then searches: they take longest, and the rest runs beside them."""
    items.sort(key=lambda item: (item.path.parent != TESTS, item.path.parent.name != "tune"))
    for_gpus = [item for item in items if item.get_closest_marker("gpu")]
    if for_gpus and not _has_gpu():
        for item in for_gpus:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


def _has_gpu():
    import torch  # only where a test needs it: it takes seconds

    return torch.cuda.is_available()


@pytest.fixture(autouse=True)
def logs_heard():
    """A command that failed in this process has silenced all logs for its own end."""
    yield
    logging.disable(logging.NOTSET)


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


@pytest.fixture
def serve_s3(monkeypatch):
    """Function: folder -> the URL of a copy of it on a server that speaks S3."""
    s3fs = pytest.importorskip("s3fs")
    with contextlib.ExitStack() as stack:

        def start(folder):
            url, environment = stack.enter_context(s3_server(folder))
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            s3fs.S3FileSystem.clear_instance_cache()  # which would know the last test's server
            return url

        yield start


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
