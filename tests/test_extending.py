"""docs/extending.md: its package is written from the page itself, installed by pip, and run as a user would.

Nothing of it is in the repository. The numbers that come out are computed here once more, plainly.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from robustbench_seg.corruptions.seeds import seeded
from robustbench_seg.datasets import open_dataset
from robustbench_seg.store.file import read_record

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL))
LINES = dict(re.findall(r"^\| \[[^]]+\]\([^)]+\) \| `([^`]+)` \| (\d+) \|", PAGE, flags=re.MULTILINE))


@dataclass(frozen=True)
class Lab:
    """The package as it is installed, and what a run of its suite has stored."""

    folder: Path
    site: Path

    def program(self, *arguments: str) -> str:
        """Run a command where the suite lies; site-packages are found as those of any Python."""
        done = subprocess.run(
            [sys.executable, "-m", "robustbench_seg", *arguments],
            cwd=self.folder, env={**os.environ, "PYTHONPATH": f"{self.site}:{ROOT}"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def cells(self) -> pd.DataFrame:
        """A row per image of every cell."""
        return pd.read_parquet(self.folder / "results/cells")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    source, folder, site = (tmp_path_factory.mktemp(name) for name in ("source", "elsewhere", "environment"))
    for name, text in FILES.items():
        path = (folder if name.endswith(".yaml") else source) / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (source / "street_lab/__init__.py").touch()
    site = site / "site-packages"
    pip = ("pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(site))
    subprocess.run([sys.executable, "-m", *pip, str(source)], check=True)
    lab = Lab(folder, site)
    lab.program("run", "lab.yaml", "--out", "results", "--workers", "1")
    return lab


def test_each_example_has_the_lines_that_the_page_states() -> None:
    assert LINES.keys() == FILES.keys() - {"pyproject.toml"}
    for name, lines in LINES.items():
        assert len([line for line in FILES[name].splitlines() if line.strip()]) == int(lines), name


def test_the_corruption_is_listed_and_makes_the_pixels_of_its_function(lab: Lab) -> None:
    assert re.search(r"weather +rain", lab.program("list", "corruptions"))
    dataset = open_dataset("streets", split="test", size=[64, 128], count=4)
    for severity in (1, 3):
        differences = []
        for image_id in dataset.ids:
            clean = dataset.load(image_id).image.astype(int)
            wet = np.array([[[value * (10 - severity) // 10 for value in pixel] for pixel in row] for row in clean])
            columns = seeded(0, "rain", severity, image_id).randint(0, 128, 8 * severity)
            for column in columns:
                wet[:, column, :] = wet[:, column, :] + 50
            differences.append(np.abs(np.minimum(wet, 255) - clean).mean())
        (path,) = (lab.folder / "results/cells").glob(f"*rain-{severity}*")
        assert read_record(path).difference == pytest.approx(np.mean(differences), abs=1e-9)


def test_the_suite_measures_its_cells(lab: Lab) -> None:
    measured = lab.cells.groupby(["corruption", "severity"], observed=True).size().to_dict()
    assert measured == {("clean", 0): 4, ("rain", 1): 4, ("rain", 3): 4, ("fog", 2): 4}
    assert "rain" in (lab.folder / "results/report/report.md").read_text(encoding="utf-8")
