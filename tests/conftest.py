"""What several folders of tests share: real data where it is, and small data sets in the real formats."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Tiny networks and products of small matrices gain nothing from threads, and threads that wait for each other on a busy
# machine lose everything. NumPy reads this when it is imported first.
os.environ["OMP_NUM_THREADS"] = "1"
# An export simplifies the same sizes again and again, more of them than SymPy keeps unless told, when it is imported.
os.environ["SYMPY_CACHE_SIZE"] = "50000"

import numpy as np
import pytest
import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # without a GPU, Triton's kernels are run by an interpreter, on CPU tensors
from chromium import started
from filelock import FileLock
from graphs import small_segformer

from robustbench_seg.datasets.cityscapes import write_cityscapes
from robustbench_seg.datasets.streets import Streets
from segformer import export_onnx

torch.set_num_threads(1)

# What a test writes need not outlive a power failure, so no test waits for the disk: each file would take milliseconds.
os.fsync = lambda descriptor: None

CAMVID = Path(__file__).parents[2] / "shared" / "camvid"

gc.disable()  # while tests are collected: nearly all that they and their imports make stays to the end


def pytest_collection_finish() -> None:
    """Let the garbage collector look through what tests make, not each time through all that was there before."""
    gc.freeze()
    gc.set_threshold(20000)
    gc.enable()


def pytest_sessionfinish() -> None:
    """Undo that: Hypothesis, if it is imported only now, asks the garbage collector who holds trio's generator."""
    gc.unfreeze()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser for the tests of a file; they are skipped where there is none."""
    with started() as browser:
        yield browser


@pytest.fixture(scope="session")
def camvid_root() -> Path:
    """The real CamVid; tests of it are skipped where it is not."""
    if not (CAMVID / "test").is_dir():
        pytest.skip(f"CamVid is not at {CAMVID}")
    return CAMVID


@pytest.fixture(scope="session")
def cityscapes_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six drawn scenes, 96x160, written in Cityscapes' own layout as the split `test`."""
    root = tmp_path_factory.mktemp("cityscapes")
    write_cityscapes(Streets("test", size=(96, 160), count=6), root)
    return root


@pytest.fixture
def camvid_folder(tmp_path: Path) -> Path:
    """Three tiny frames in CamVid's layout."""
    import cv2

    rng = np.random.default_rng(0)
    root = tmp_path / "camvid"
    for folder in ("test", "testannot", "train", "trainannot"):
        (root / folder).mkdir(parents=True)
    for split in ("test", "train"):
        for k in range(3):
            cv2.imwrite(str(root / split / f"frame_{k}.png"), rng.integers(0, 256, (40, 48, 3), np.uint8))
            cv2.imwrite(str(root / f"{split}annot" / f"frame_{k}.png"), rng.integers(0, 12, (40, 48), np.uint8))
    return root


@pytest.fixture(scope="session")
def exported_segformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The graph that `export_onnx` writes of `small_segformer`: one export for all processes of the tests."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "exported"
    path = folder / "network.onnx"
    with FileLock(f"{folder}.lock"):
        if not path.exists():
            folder.mkdir()
            network = small_segformer().train()
            export_onnx(network, path)
            assert network.training, "a network is left in the mode it was in"
            assert [file.name for file in folder.iterdir()] == [path.name]
    return path
