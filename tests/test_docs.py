"""README and the documentation: length, sentences, links, and pages that are made from code or from reports."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from robustbench_seg.suites import read_suite

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
STUDIES = (ROOT / "reports/README.md").read_text(encoding="utf-8")
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "benchmarks/*.md", "reports/*.md", "examples/**/*.md")
    for path in ROOT.glob(pattern)
)
MOST_LINES, MOST_WORDS = 130, 30
NOT_PROSE = re.compile(r"```[\s\S]*?```|<!--[\s\S]*?-->|^ *\|.*$|^#.*$|!\[.*?\]\(.*?\)", re.MULTILINE)


def maker(name: str) -> ModuleType:
    """Import a program of docs/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"docs/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sentences(page: str) -> list[str]:
    """Split running text: without code, tables, headings and pictures; a link is its text."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", NOT_PROSE.sub("\n\n", page))
    parts = re.split(r"\n\s*\n|^\s*- ", text, flags=re.MULTILINE)
    return [sentence for part in parts for sentence in re.split(r"(?<=[.!?:;])\s+", " ".join(part.split())) if sentence]


def anchors(page: str) -> set[str]:
    """List the anchors that a forge gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", page, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= MOST_LINES


def test_no_sentence_of_the_readme_is_long() -> None:
    found = sentences(README)
    assert len(found) > 30
    assert [sentence for sentence in found if len(sentence.split()) > MOST_WORDS] == []


def test_a_long_sentence_is_seen_and_code_is_not_counted() -> None:
    long = " ".join(["word"] * 31)
    assert sentences(f"Short. {long}. [Two words](page.md).\n\n```\n{long} {long}\n```\n| {long} |\n") == [
        "Short.", f"{long}.", "Two words.",
    ]  # fmt: skip


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page, flags=re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = path.parent / name if name else path
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            broken.append(target)
    assert broken == []


def test_each_page_of_the_documentation_is_on_the_map() -> None:
    linked = set(re.findall(r"\]\((\w+\.md)", (ROOT / "docs/index.md").read_text(encoding="utf-8")))
    assert linked >= {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"}


def test_the_page_of_the_api_is_that_of_the_docstrings() -> None:
    api = maker("make_api")
    assert api.PAGE.read_text(encoding="utf-8") == api.page(), "run: python docs/make_api.py"


def test_each_public_name_is_in_the_api() -> None:
    import robustbench_seg
    import segformer

    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    names = {*robustbench_seg.__all__, *segformer.__all__} - {"__version__"}
    assert {name for name in names if f"\n### {name}\n" not in page} == set()


def test_the_tables_of_the_studies_are_those_of_the_reports() -> None:
    studies = maker("make_studies")
    assert len(studies.BLOCK.findall(STUDIES)) >= 8
    assert studies.with_tables(STUDIES) == STUDIES, "run: python docs/make_studies.py"


def test_a_number_that_rounds_to_zero_has_no_minus_as_in_the_reports() -> None:
    assert re.findall(r"^.*-0\.0(?!\d).*$", STUDIES, re.MULTILINE) == []


def test_an_interaction_in_which_an_arm_cancels_is_the_difference_of_the_others_in_the_report() -> None:
    studies = maker("make_studies")
    *_, interaction = studies.interactions_table("camvid-resolution", None, "(B - P) - (A - P): joint x2")
    *_, expected = studies.differences_table("camvid-resolution", None, "B - A: joint x2")
    assert interaction.split("|")[2:5] == expected.split("|")[2:5]


def test_a_changed_number_changes_a_table_of_the_studies(monkeypatch: pytest.MonkeyPatch) -> None:
    studies = maker("make_studies")
    page = "<!-- differences camvid-c view=whole: A - C: clean; C - A: clean -->\n<!-- end -->"
    one, two = (line.split(" | ") for line in studies.with_tables(page).splitlines()[3:5])
    assert one[2] == two[2].replace("-", "+")
    assert one[3].split(" to ") == [end.translate({43: "-", 45: "+"}) for end in reversed(two[3].split(" to "))]
    rows = studies.numbers("camvid-c")
    monkeypatch.setattr(studies, "numbers", lambda _: rows.assign(value=rows["value"] + 0.01))
    assert float(studies.with_tables(page).splitlines()[3].split(" | ")[2]) == pytest.approx(float(one[2]) + 1, abs=0.1)


FINDINGS = {
    "Corruption": ("camvid-c", "pad-32", "A - C", "retention", "_runs"),
    "Resolution": ("camvid-resolution", None, "B - A", "extent", "_runs"),
    "int8": ("camvid-c-int8", "whole", "C - C int8", "clean", ""),
}


@pytest.mark.parametrize("name", FINDINGS)
def test_a_finding_of_the_readme_is_a_number_of_its_report(name: str) -> None:
    *where, suffix = FINDINGS[name]
    row = maker("make_studies").difference(*where)
    (line,) = re.findall(rf"^- \*\*{name}\*\*: (.*(?:\n  .*)*)", README, re.MULTILINE)
    low, high = (f"{100 * row[f'{end}{suffix}']:+.1f}" for end in ("low", "high"))
    assert f"{100 * row['value']:.1f} points" in line
    assert f"({low} to {high}, {row['grade']})" in " ".join(line.split())


def test_what_the_readme_states_of_networks_by_others_is_in_their_studies() -> None:
    (line,) = re.findall(r"^- \*\*Networks by others\*\*: (.*(?:\n  .*)*)", README, re.MULTILINE)
    studies = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted((ROOT / "reports").glob("zoo-*/study/*.md"))
    )
    stated = re.findall(r"(?<![\w.])[+-]?\d+(?:\.\d+)?(?![\w.]*\w)", re.sub(r"\]\(.*?\)", "]", line))
    assert len(stated) > 15
    assert [number for number in stated if not re.search(rf"(?<![\w.]){re.escape(number)}(?![\d])", studies)] == []
    assert len(sentences(line)) >= 5
    (figure,) = re.findall(r"^!\[.*\]\((reports/zoo-camvid-c/study/ranking\.svg)\)$", README, re.MULTILINE)
    assert (ROOT / figure).is_file()


def test_the_cost_of_an_encoding_with_mix_ffn_in_the_readme_is_that_of_the_report() -> None:
    row = maker("make_studies").difference("camvid-resolution", None, "E - A", "extent")
    low, high = (f"{100 * row[end]:+.1f}" for end in ("low", "high"))
    assert f"{100 * row['value']:.1f} points ({low} to {high}, {row['grade']})" in README


def test_no_robustness_is_lost_to_int8_as_the_readme_states() -> None:
    studies = maker("make_studies")
    for arm in "ABC":
        assert studies.difference("camvid-c-int8", "whole", f"{arm} - {arm} int8", "drop")["low"] > 0


def test_the_ratios_of_the_readme_are_those_of_the_benchmarks() -> None:
    forward = pd.read_csv(ROOT / "benchmarks/results/segformer_forward.csv", comment="#")
    ratios = forward[forward["implementation"] == "segformer"].groupby("precision")["speedup_over_faster_peer"]
    low, high = ratios.min(), ratios.max()
    assert f"{low['fp32']:.1f} to {high['fp32']:.1f} times faster" in " ".join(README.split())
    assert f"(in bf16 {low['bf16']:.1f} to {high['bf16']:.1f})" in README
    for variant in ("b0", "b5"):
        rows = forward.query(f"variant == '{variant}' and size == '1024x2048' and precision == 'fp32'")
        ours, theirs = (
            rows.set_index("implementation").loc[side, "median_ms"] for side in ("segformer", "transformers")
        )
        assert theirs == rows.loc[rows["implementation"] != "segformer", "median_ms"].min()
        assert f" | {ours:.0f} | {theirs:.0f} | {theirs / ours:.1f} |" in README
    page = (ROOT / "benchmarks/results/corruptions.md").read_text(encoding="utf-8")
    row = r"^\| protocol `segformer`, {}.*? \| ([\d.]+ \| \d+ \| ([\d.]+)) \|$"
    (without, ratio), = re.findall(row.format("without glass_blur: 67"), page, re.MULTILINE)  # fmt: skip
    ((_, with_glass),) = re.findall(row.format("all: 72"), page, re.MULTILINE)
    assert f"| {without} |" in README
    assert f"{float(ratio):.0f} times faster ({float(with_glass):.0f} times with glass blur)" in README


def test_the_suites_that_readme_and_documentation_run_ship() -> None:
    pages = [path.read_text(encoding="utf-8") for path in PAGES]
    command = re.compile(r"robustbench-seg (?:run|plan) ([a-z][a-z0-9-]+)(?= )")
    names = {name for page in pages for name in command.findall(page)}
    assert len(names) > 5
    for name in names - {"lab"}:
        read_suite(name)


def test_the_citation_names_the_version() -> None:
    import yaml

    import robustbench_seg

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == robustbench_seg.__version__
    assert citation["license"] == "Apache-2.0"
    json.dumps(citation)  # plain values


def test_readme_tox_and_ci_run_the_same_commands() -> None:
    install, tests = re.findall(r"^```sh\n(.*)\n```$", README, re.MULTILINE)
    assert install.endswith("run demo --out results/demo")
    tox = (ROOT / "tox.ini").read_text(encoding="utf-8")
    assert tests.rpartition("-m pytest ")[2] in tox
    assert "./tests/opencv-python" in tests
    assert "{tox_root}{/}tests{/}opencv-python" in tox
    assert "block == 2" in (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "force-reinstall" not in f"{install} {tests} {tox}"
