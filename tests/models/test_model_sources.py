"""Every kind of source against the library it comes from, which makes the table in docs/models.md."""

import re
from pathlib import Path

import pytest
import torch
from tiny_networks import CASES, CLASSES, Case, at_label_size

from robustbench_seg.models import load_source
from robustbench_seg.models.base import Segmenter, takes_logarithm
from robustbench_seg.models.preprocessing import IMAGENET
from robustbench_seg.models.source import Source

PAGE = Path(__file__).parents[2] / "docs/models.md"
CPU = torch.device("cpu")
TOLERANCE = 1e-4
ROWS: dict[str, str] = {}  # of the table, by case, as the tests make them
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # the libraries' own, at sizes and versions of their choice
    pytest.mark.xdist_group("sources"),
]


def load(case: Case, folder: Path, classes: tuple[str, ...] = CLASSES) -> Segmenter:
    return load_source(Source.parse(case.source.replace("{}", str(folder))), "model", classes, CPU)


@pytest.mark.parametrize("name", CASES)
def test_a_source_gives_the_logits_of_its_library_at_the_labels_size(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        reference = case.build(tmp_path)
    images = torch.randint(256, (1, 3, *case.size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    model = load(case, tmp_path)
    with torch.inference_mode():
        scores = at_label_size(model(images), case.size)
        got = scores.log() if takes_logarithm(model) else scores
        expected = reference(IMAGENET.normalise(images))
    assert expected.std() > TOLERANCE, "else equality would say nothing"
    torch.testing.assert_close(got, expected, atol=TOLERANCE, rtol=0)
    assert model.class_names == CLASSES
    ROWS[name] = row(name, case, model)


def test_the_program_in_the_docs_loads_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    CASES["Transformers mask2former"].build(tmp_path / "my-mask2former")
    monkeypatch.chdir(tmp_path)
    scope = {"class_names": CLASSES}
    exec(program, scope)
    assert scope["model"].name == "mine"
    with torch.inference_mode():
        assert scope["model"](torch.zeros(1, 3, 64, 64, dtype=torch.uint8)).shape[:2] == (1, len(CLASSES))


def row(name: str, case: Case, model: Segmenter) -> str:
    """A line of the table."""
    notes = ["scores of queries, resized before their logarithm"] if takes_logarithm(model) else []
    notes += re.findall(r"images padded to a multiple of \d+", model.about)
    sides = getattr(model, "sides", None)
    notes += [f"takes images of {sides[0]}x{sides[1]} alone: a view of that size, or windows"] if sides else []
    source = case.source.replace("{}/", "").replace("{}", "FOLDER")
    return f"| {name} | `{source}` | yes | {'; '.join(notes)} |"


def test_the_table_in_the_docs_is_what_these_tests_have_found() -> None:
    if ROWS.keys() != CASES.keys():
        pytest.skip("not all cases were run in this process")
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    table = [line for line in lines if line.split("|")[1].strip() in CASES]
    assert table == [ROWS[name] for name in CASES], "docs/models.md should have:\n" + "\n".join(ROWS.values())
