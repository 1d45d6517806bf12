"""What the study of the zoo states of rankings, on a store whose scores are known."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.stats import spearmanr
from synthetic import write_synthetic

from robustbench_seg.errors import UsageError
from robustbench_seg.store.view import View
from robustbench_seg.studies.bootstrap import bootstrap
from robustbench_seg.studies.frame import quality_frame

ROOT = Path(__file__).parents[2]
PAIRS = [f"espnetv2_s{size}_cityscapes" for size in ("0.5", "1.0", "1.5")]
NAMES = [f"{name}_{side}" for name in PAIRS for side in ("512x256", "1024x512")]
NAMES += [f"zh320_{name}_cityscapes_crop1024" for name in ("enet", "cgnet", "edanet", "dabnet")]
CONDITIONS = {"fog": [1, 3], "brightness": [2], "contrast": [2]}
pytestmark = pytest.mark.usefixtures("few_resamples")


@pytest.fixture(scope="module")
def rank() -> ModuleType:
    spec = importlib.util.spec_from_file_location("zoo_rank", ROOT / "examples/zoo/rank.py")
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


@pytest.fixture
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bootstrap.__kwdefaults__, "resamples", 300)


def accuracy(model: str, corruption: str, severity: int, view: View) -> float:
    """Larger training sizes keep more; jitter keeps more under colour; fog separates networks."""
    k = NAMES.index(model)
    loss = {"clean": 0, "fog": 0.05 + 0.02 * k, "brightness": 0.1, "contrast": 0.1}[corruption]
    if model.startswith("zh320_") and corruption in ("brightness", "contrast"):
        loss = 0.02
    return 0.5 + 0.03 * k - loss - 0.04 * (corruption == "fog" and model.endswith("512x256"))


def test_each_sentence_has_the_number_of_the_store(rank: ModuleType, tmp_path: Path) -> None:
    write_synthetic(tmp_path, accuracy, models=NAMES, conditions=CONDITIONS)
    study, lacking = rank.read_study(tmp_path)
    assert (sorted(study.names), lacking) == (sorted(NAMES), [])
    cells = quality_frame(tmp_path).set_index(["model", "corruption", "severity"])["miou"]
    clean = np.array([cells[name, "clean", 0] for name in NAMES])
    fog = np.array([(cells[name, "fog", 1] + cells[name, "fog", 3]) / 2 for name in NAMES])
    colour = [np.array([cells[name, each, 2] for name in NAMES]) for each in ("brightness", "contrast")]
    kept = (fog + sum(colour)) / 3 / clean
    lines = rank.sentences(study)
    order = np.argsort(-kept)
    assert lines[0].startswith(f"Most is kept by {NAMES[order[0]]} ({100 * kept[order[0]]:.1f} % of its clean mIoU)")
    assert f"least by {NAMES[order[-1]]} ({100 * kept[order[-1]]:.1f} %)" in lines[0]
    assert f"over 10 networks: {spearmanr(clean, kept).statistic:+.2f} (95 % interval" in lines[1]
    paired = kept[1:6:2] - kept[0:6:2]
    assert re.search(rf"3 networks keep \{100 * paired.mean():+.1f} \(95 % interval", lines[3])
    kept_under = {"fog": fog / clean, "brightness": colour[0] / clean, "contrast": colour[1] / clean}
    widest = max(kept_under, key=lambda name: np.std(kept_under[name]))
    deviation = 100 * np.std(kept_under[widest], ddof=1)
    assert f"under {widest}: the share that they keep has the standard deviation {deviation:.1f} (" in lines[4]
    more = sum(colour) / 2 / clean - fog / clean
    assert f"colour jitter keep {100 * (more[6:].mean() - more[:6].mean()):+.1f} (95 %" in lines[5]
    assert re.fullmatch(r"(\d+ random|No part of the 40) frames .*", lines[6])
    assert "conditions" in lines[7]


def test_networks_without_all_conditions_are_left_out_and_named(rank: ModuleType, tmp_path: Path) -> None:
    write_synthetic(tmp_path, accuracy, models=NAMES[:5], conditions=CONDITIONS, skip=[f"{NAMES[0]}-toy-fog-3*"])
    assert f"Without all conditions, and left out: {NAMES[0]}." in rank.text_of(tmp_path)
    few = tmp_path / "few"
    write_synthetic(few, accuracy, models=NAMES[:2], conditions=CONDITIONS)
    with pytest.raises(UsageError, match="2 networks have all conditions of synthetic; it takes 3"):
        rank.read_study(few)
