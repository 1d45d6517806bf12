"""docs/extending.md: its package is written from the page itself, installed by pip, and run as a user would.

Nothing of it is in the repository. The numbers that come out are computed here once more, plainly.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import PIL.Image
import pytest
import sklearn.metrics
from numpy.typing import NDArray

from robustbench_seg.corruptions import corrupt
from robustbench_seg.corruptions.seeds import seeded
from robustbench_seg.store.file import read_record

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL))
LINES = dict(re.findall(r"^\| \[[^]]+\]\([^)]+\) \| `([^`]+)` \| (\d+) \|", PAGE, flags=re.MULTILINE))


HOMES = {
    "MODELS": "robustbench_seg.models",
    "DATASETS": "robustbench_seg.datasets",
    "PARTS": "robustbench_seg.report.parts",
}
IDS = ("one", "other")
CONDITIONS = (("clean", 0), ("rain", 1), ("rain", 3), ("fog", 2))


@dataclass(frozen=True)
class Lab:
    """The package as it is installed, its data, and what a run of its suite has stored."""

    folder: Path
    site: Path
    images: dict[str, NDArray[np.uint8]]
    labels: dict[str, NDArray[np.uint8]]

    def program(self, *arguments: str) -> str:
        """Run a command where the suite lies; the package is found as in any environment."""
        done = subprocess.run(
            [sys.executable, "-m", "robustbench_seg", *arguments],
            cwd=self.folder, env={**os.environ, "COLUMNS": "200", "PYTHONPATH": f"{self.site}:{ROOT}"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def cells(self) -> pd.DataFrame:
        """A row per image of every cell, by condition and image."""
        return pd.read_parquet(self.folder / "results/cells").set_index(["corruption", "severity", "image_id"])

    def corrupted(self, corruption: str, severity: int, image_id: str) -> NDArray[np.uint8]:
        """Make the image under a condition once more: rain as docs/extending.md describes it, fog as shipped."""
        clean = self.images[image_id]
        if corruption != "rain":
            return corrupt(clean, corruption, severity, image_id=image_id) if severity else clean
        wet = [[[value * (10 - severity) // 10 for value in pixel] for pixel in row] for row in clean.tolist()]
        for column in seeded(0, "rain", severity, image_id).randint(0, clean.shape[1], 8 * severity):
            for row in wet:
                row[column] = [value + 50 for value in row[column]]
        return np.array([[[min(value, 255) for value in pixel] for pixel in row] for row in wet], np.uint8)

    def predicted(self, corruption: str, severity: int, image_id: str) -> NDArray[np.bool_]:
        """Where the model of the page sees a lamp: where the sum of the normalised channels is above 0."""
        image = self.corrupted(corruption, severity, image_id) / 255
        return ((image - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]).sum(axis=2) > 0


def draw(folder: Path) -> tuple[dict[str, NDArray[np.uint8]], dict[str, NDArray[np.uint8]]]:
    """Write two images of a lamp at night with their labels, one of whose corners is not labelled."""
    images, labels = {}, {}
    rng = np.random.default_rng(0)
    for name in ("night", "night-labels"):
        (folder / name).mkdir(parents=True)
    for image_id in IDS:
        label = np.zeros((48, 64), np.uint8)
        label[10:30, 20:44] = 255
        label[:8, :8] = 128
        image = rng.integers(0, 120, (48, 64, 3), np.uint8) + np.where(label == 255, 110, 0)[..., None].astype(np.uint8)
        PIL.Image.fromarray(image).save(folder / f"night/{image_id}.png")
        PIL.Image.fromarray(label).save(folder / f"night-labels/{image_id}.png")
        images[image_id], labels[image_id] = image, label
    return images, labels


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
    lab = Lab(folder, site, *draw(folder / "lamps"))
    lab.program("run", "lab.yaml", "--data", "lamps=lamps", "--out", "results", "--workers", "1")
    return lab


def test_each_example_has_the_lines_that_the_page_states() -> None:
    assert LINES.keys() == FILES.keys() - {"pyproject.toml"}
    for name, lines in LINES.items():
        assert len([line for line in FILES[name].splitlines() if line.strip()]) == int(lines), name


def test_all_that_the_package_offers_is_listed(lab: Lab) -> None:
    assert re.search(r"weather +rain", lab.program("list", "corruptions"))
    assert re.search(r"lamps +2 classes; lamps at night +--data lamps=PATH", lab.program("list", "datasets"))
    assert re.search(r"brightness +none needed", lab.program("list", "models"))


def test_the_same_files_are_plugins_with_the_lines_that_the_page_adds(lab: Lab, tmp_path: Path) -> None:
    lines = dict(re.findall(r"imports `(\w+)` too and ends with\s`([^`]+)`", PAGE))
    assert lines.keys() == HOMES.keys()
    for name, line in lines.items():
        (path,) = (path for path, text in FILES.items() if f"\n{line.partition(' = ')[2]} = " in text)
        own = f"from {HOMES[name]} import {name}\n{line}\n"
        (tmp_path / Path(path).name).write_text(FILES[path] + own, encoding="utf-8")
    for name in ("rain.py", "accuracy.py"):
        (tmp_path / name).write_text(FILES[f"street_lab/{name}"], encoding="utf-8")
    plugins = [text for path in tmp_path.iterdir() for text in ("--plugin", str(path))]
    alone = replace(lab, site=tmp_path / "nowhere")
    alone.program("run", "lab.yaml", "--data", "lamps=lamps", "--out", "again", "--workers", "1", *plugins)
    again = pd.read_parquet(lab.folder / "again/cells").set_index(lab.cells.index.names)
    counted = ["intersection", "predicted", "labelled", "boundary_intersection", "right_pixels", "labelled_pixels"]
    pd.testing.assert_frame_equal(again[counted], lab.cells[counted])
    tables = [pd.read_csv(lab.folder / out / "report/lab-strongest-whole.csv") for out in ("again", "results")]
    assert tables[0]["value"].tolist() == tables[1]["value"].tolist()


def test_the_suite_measures_its_cells(lab: Lab) -> None:
    assert set(lab.cells.index) == {(*condition, image_id) for condition in CONDITIONS for image_id in IDS}
    report = (lab.folder / "results/report/report.md").read_text(encoding="utf-8")
    assert "rain" in report
    assert "brightness" in report


@pytest.mark.parametrize("severity", [1, 3])
def test_the_corruption_makes_the_pixels_that_the_page_describes(lab: Lab, severity: int) -> None:
    (path,) = (lab.folder / "results/cells").glob(f"*rain-{severity}*")
    made = [lab.corrupted("rain", severity, image_id).astype(int) - lab.images[image_id] for image_id in IDS]
    assert read_record(path).difference == pytest.approx(np.abs(made).mean(), abs=1e-9)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_model_sees_and_the_data_set_labels_what_the_page_describes(lab: Lab, condition: tuple[str, int]) -> None:
    for image_id in IDS:
        valid = lab.labels[image_id] != 128
        truth = (lab.labels[image_id] == 255)[valid]
        matrix = sklearn.metrics.confusion_matrix(truth, lab.predicted(*condition, image_id)[valid])
        row = lab.cells.loc[(*condition, image_id)]
        assert row["intersection"].tolist() == matrix.diagonal().tolist()
        assert row["predicted"].tolist() == matrix.sum(axis=0).tolist()
        assert row["labelled"].tolist() == matrix.sum(axis=1).tolist()


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_metric_is_counted_for_each_image_and_its_value_is_that_of_scikit_learn(
    lab: Lab, condition: tuple[str, int]
) -> None:
    rows = lab.cells.loc[condition]
    truth, predicted = [], []
    for image_id in IDS:
        valid = lab.labels[image_id] != 128
        truth.append((lab.labels[image_id] == 255)[valid])
        predicted.append(lab.predicted(*condition, image_id)[valid])
        right = sklearn.metrics.accuracy_score(truth[-1], predicted[-1], normalize=False)
        assert rows.loc[image_id, ["right_pixels", "labelled_pixels"]].tolist() == [right, valid.sum()]
    accuracy = sklearn.metrics.accuracy_score(np.concatenate(truth), np.concatenate(predicted))
    assert 0.5 < accuracy < 1, "an accuracy that any model has shows nothing"
    (table,) = (lab.folder / "results/report").glob("*metrics*.csv")
    shown = pd.read_csv(table).select_dtypes("float").to_numpy()
    assert np.isclose(shown, accuracy, rtol=0, atol=1e-12).any()


def test_the_part_of_the_report_has_the_differences_that_scikit_learn_gives(lab: Lab) -> None:
    def miou(corruption: str, severity: int) -> float:
        truth, predicted = [], []
        for image_id in IDS:
            valid = lab.labels[image_id] != 128
            truth.append((lab.labels[image_id] == 255)[valid])
            predicted.append(lab.predicted(corruption, severity, image_id)[valid])
        return float(sklearn.metrics.jaccard_score(np.concatenate(truth), np.concatenate(predicted), average="macro"))

    table = pd.read_csv(lab.folder / "results/report/lab-strongest-whole.csv").set_index("quantity")["value"]
    expected = {name: miou(name, severity) - miou("clean", 0) for name, severity in (("rain", 3), ("fog", 2))}
    assert table.to_dict() == pytest.approx(expected, abs=1e-12)
    assert "Strongest severities" in (lab.folder / "results/report/report.md").read_text(encoding="utf-8")
