"""What the page and the files beside it say, read without a browser."""

import io
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pages import COLUMNS, HOSTILE, LABEL, RED, pictures, section, table, text_table
from rich.console import Console

from robustbench_seg.report.content import Section
from robustbench_seg.report.gallery import gallery_of
from robustbench_seg.report.html import common_lead, render_html, sort_key
from robustbench_seg.report.latex import SPECIAL, escaped, latex
from robustbench_seg.report.markdown import code, markdown
from robustbench_seg.report.markdown import escaped as escaped_markdown
from robustbench_seg.report.page import write_report
from robustbench_seg.report.table import Cell
from robustbench_seg.report.terminal import show_tables
from robustbench_seg.studies.pictures import UNLABELLED, WRONG, error_map


class Outline(HTMLParser):
    """The headings' levels, and whatever an address could be loaded from."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        self.addresses += [
            value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "srcset", "data")
        ]


def test_the_page_names_no_address_but_its_own_parts(tmp_path: Path) -> None:
    page = write_report([section(tmp_path / "data")], tmp_path / "out")
    text = page.read_text(encoding="utf-8")
    addresses = [one for one in Outline(text).addresses if not one.startswith(("#", "data:"))]
    assert {one.rpartition(".")[2] for one in addresses} == {"csv", "tex", "svg"}, "links to the files next to it"
    assert all((page.parent / unquote(one)).is_file() for one in addresses)
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)


def test_headings_step_down_one_level_at_a_time(tmp_path: Path) -> None:
    levels = Outline(render_html("t", [section(tmp_path)])).levels
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_same_sections_give_the_same_page(tmp_path: Path) -> None:
    assert render_html("t", [section(tmp_path / "a")]) == render_html("t", [section(tmp_path / "b")])


def test_a_section_with_nothing_in_it_is_a_page() -> None:
    assert "<h2" in render_html("t", [Section(suite="empty", description="", planned=0)])


def test_pdfs_are_written_when_asked_for(tmp_path: Path) -> None:
    for pdf in (False, True):
        out = tmp_path / str(pdf)
        write_report([section(tmp_path / f"{pdf}-data")], out, pdf=pdf)
        assert {p.name for p in out.glob("*.pdf")} == ({"small-one.pdf", "small-two.pdf"} if pdf else set())
        assert all(p.read_bytes().startswith(b"%PDF-") for p in out.glob("*.pdf"))
        assert {p.suffix for p in out.iterdir()} == {".html", ".md", ".csv", ".tex", ".svg", ".json"} | (
            {".pdf"} if pdf else set()
        )


def test_markdown_makes_the_best_bold_and_leaves_plain_names_alone() -> None:
    lines = markdown(table()).splitlines()
    assert lines[3].startswith("| segformer-b0 | 9.5 |")
    assert lines[4].startswith("| deeplabv3plus | **100.2** | **99.2** |")


def rendered(text: str) -> list[Token]:
    """What a reader of CommonMark with tables makes of a text: tokens, those within lines too."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    return [inner for token in tokens for inner in (token, *(token.children or ()))]


MARKUP = (
    "<b>b</b> <!-- x -->", "&amp; &#33; &lt", "*a* **b** 2*3*4 +1.2*", "_a_ __b__ a_b _a_b_ a_ b", "~~a~~", "`a` ``b``",
    "[a](b) ![c](d) [e]", "<http://x.y>", "a | b", "\\* \\| \\", "# a", "- a", "+ a", "3. a", "7) a", "> a", "---",
    "===", "~~~", "    a", "a\n\n# b\n- c",
)  # fmt: skip


@pytest.mark.parametrize("text", MARKUP)
@pytest.mark.parametrize("around", ["{}", "- {}", "**{}**", "# {}", "| a |\n|:--|\n| {} |"])
def test_an_escaped_text_is_read_as_itself_wherever_it_stands(text: str, around: str) -> None:
    tokens = rendered(around.format(escaped_markdown(text)))
    harmless = {token.type for token in rendered(around.format("a"))}
    assert {token.type for token in tokens} <= harmless | {"text_special"}
    read = "".join(token.content for token in tokens if token.type in ("text", "text_special"))
    assert read.removeprefix("a" if "|" in around else "") == " ".join(text.split())


@pytest.mark.parametrize(
    "text",
    ["segformer-b0", "jpeg_compression", "p < 0.05", "R&D", "Linux x86_64, 2 cores", "5 > 3 (95 %)", "+1.2", "1.5"],
)
def test_what_is_no_markup_stays_as_it_is(text: str) -> None:
    assert escaped_markdown(text) == text


@pytest.mark.parametrize("text", ["a", "a`b", "``", "`a", "<b>*a*_b_", "a\\"])
def test_code_is_read_as_itself(text: str) -> None:
    (found,) = (token for token in rendered(f"- {code(text)}: x") if token.type == "code_inline")
    assert found.content == text


def test_report_md_holds_hostile_names_as_text(tmp_path: Path) -> None:
    hostile = f"{HOSTILE} `a` *b* [c](d) **e**"
    plain = section(tmp_path / "data")
    shown = replace(
        plain,
        description=hostile,
        sentences=(hostile,),
        limits=(hostile,),
        missing=(hostile,),
        provenance=(("data", hostile), ("command", f"`run {hostile}`")),
        facts=plain.facts | {"commands": [{"command": f"run {hostile}"}]},
        failures=((hostile, hostile),),
        pictures=(replace(plain.pictures[0], title=hostile, caption=hostile),),
    )
    write_report([shown], tmp_path / "out")
    tokens = rendered((tmp_path / "out" / "report.md").read_text(encoding="utf-8"))
    kinds = [token.type for token in tokens]
    assert not {"html_inline", "html_block", "link_open", "em_open", "fence", "hr"} & set(kinds)
    assert kinds.count("image") == 1
    codes = [token.content for token in tokens if token.type == "code_inline"]
    assert codes == [hostile, f"run {hostile}"]
    lines = [
        "".join(inner.content for inner in token.children or () if inner.type in ("text", "text_special"))
        for token in tokens
        if token.type == "inline"
    ]
    assert lines.count(hostile) == 5  # description, what was found, limit, title, caption
    assert f"data: {hostile}" in lines
    assert any(f"planned cells is not in the store: {hostile}." in line for line in lines)


def test_latex_sets_every_special_character_as_text() -> None:
    text = latex(table(), "small-robustness")
    body = re.sub(
        r"\\(?:begin|end)\{table\}|\\(?:begin|end)\{tabular\}(?:\{[^\n]*\})?|% needs[^\n]*|\{%$", "", text, flags=re.M
    )
    without = re.sub(r"\\text\w+\{\}|\\[&%$#_{}]", "", body)
    rows = [line for line in without.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 4
    assert all(row.count("&") == len(COLUMNS) for row in rows), "an ampersand is a column"
    assert not set('%$#_~^<>|"') & set(without)
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    assert r"\textbf{100.2} & \textbf{99.2}" in text
    for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\label{tab:small-robustness}", r"\rotatebox{90}{clean}"):
        assert text.count(rule) == 1


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex with booktabs and graphicx")
def test_latex_compiles(tmp_path: Path) -> None:
    texts = [*SPECIAL, "[0] not an argument", 'said "so", and 5" more', "*"]
    every = text_table({"a": texts}, caption=" ".join(texts))
    head = r"\documentclass{article}\usepackage{booktabs}\usepackage{graphicx}\begin{document}"
    source = "\n".join([head, latex(every, "one"), latex(table(), "two"), r"\end{document}"])
    (tmp_path / "x.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "x.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, "\n".join(line for line in done.stdout.splitlines() if line.startswith(("!", "l.")))


def test_latex_has_hashes_in_comments_that_nothing_breaks_out_of() -> None:
    hashes = {", fingerprint 0f": "fingerprint 0f", "; weights m 1a": "weights m\n\\input{x}\r\u2028\x85 1a"}
    lines = latex(
        text_table({"a": ["b"]}, caption="In %, fingerprint 0f; seed 0; weights m 1a. Done", hashes=hashes), "x"
    )
    head, begin, _ = lines.partition("\\begin{table}")
    assert begin
    assert all(line.startswith("%") for line in re.split("[\n\r\x0b\x0c\x85\u2028\u2029]", head.rstrip("\n")))
    assert "% fingerprint 0f\n" in head
    assert "\\caption{t. In \\%; seed 0. Done}" in lines


def test_latex_shrinks_what_is_wider_than_a_line_and_sets_texts_to_the_left() -> None:
    texts = {"arms": ["a minus b"], "points": ["+1.2*"], "p": ["<0.001"], "why": ["seeds disagree " * 4]}
    wide = latex(text_table(texts), "x")
    assert r"\begin{tabular}{@{}lrrl@{}}" in wide
    assert wide.count(r"\resizebox{\linewidth}") == 1
    assert r"\rotatebox" not in wide


def test_latex_sets_quotation_marks_as_a_printer_does() -> None:
    assert escaped('Xie et al., "SegFormer", and 5" more') == "Xie et al., ``SegFormer'', and 5'' more"


def test_a_narrow_latex_table_keeps_its_size() -> None:
    narrow = text_table({"a_b": ["about 50 %"]})
    lines = latex(narrow, "x").splitlines()
    assert lines[5:-1] == [
        r"\begin{tabular}{@{}l@{}}",
        r"\toprule",
        r"a\_b \\",
        r"\midrule",
        r"about 50 \% \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_an_error_map_hatches_what_has_no_label_alone() -> None:
    prediction = np.full_like(LABEL, 0)
    prediction[...] = RED
    errors = error_map(prediction, LABEL, 2 / 8)
    assert (errors == WRONG).all(axis=2).tolist() == [[False, False, True, False]] * 2
    assert not (errors[LABEL.any(axis=2)] == UNLABELLED).all(axis=1).any(), "only what has no label is hatched"
    hatched = error_map(np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40, 3), np.uint8), 1)
    assert len(np.unique(hatched.reshape(-1, 3), axis=0)) == 2, "lines, which no plain colour is taken for"


def test_a_gallery_orders_its_severities_and_keeps_clean_apart(tmp_path: Path) -> None:
    (scene,) = gallery_of(pictures(tmp_path), 10**6).scenes
    assert scene.clean is not None
    assert [c.severity for c in scene.corruptions["fog"]] == [1, 3]
    assert [one.wrong for one in scene.corruptions["fog"][1].predictions] == [pytest.approx(1 / 3)] * 2
    assert scene.clean.predictions[0].wrong == 0


def test_a_gallery_whose_labels_are_gone_leaves_the_page_standing(tmp_path: Path) -> None:
    shown = section(tmp_path)
    for one in shown.gallery:
        one.label.unlink()
    text = render_html("t", [shown])
    assert 'class="gallery"' not in text
    assert "<option>image" not in text


def test_a_gallery_without_room_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = section(tmp_path)
    assert gallery_of(shown.gallery, 100).scenes == []
    monkeypatch.setattr("robustbench_seg.report.html.PAGE_BYTES", 0)
    monkeypatch.setattr("robustbench_seg.report.html.LEAST_GALLERY_BYTES", 100)
    text = render_html("t", [shown])
    assert 'class="gallery"' not in text
    assert "6 predictions are left out, for which the page has no room." in text


def test_where_images_are_not_allowed_there_are_labels_and_predictions_only(tmp_path: Path) -> None:
    shown = replace(section(tmp_path / "a"), gallery=tuple(pictures(tmp_path / "b", shows_images=False)))
    text = render_html("t", [shown])
    assert "The data set's terms do not allow showing its images" in " ".join(text.split()).replace("&#39;", "'")
    assert "Input image" not in text
    assert text.count('alt="Prediction of') == 6


def test_a_gallery_keeps_to_its_room_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    some = pictures(tmp_path)
    gallery = gallery_of(some, 1500)
    shown = [c for scene in gallery.scenes for c in [scene.clean, *scene.corruptions.get("fog", [])] if c]
    assert 0 < sum(len(c.predictions) for c in shown) == len(some) - gallery.left_out < len(some)
    sizes = [len(c.image or "") + sum(len(s.prediction) + len(s.errors) for s in c.predictions) for c in shown]
    assert sum(sizes) <= 1500


@pytest.mark.parametrize(
    ("cell", "key"),
    [(Cell("41.2", 0.412), ""), (Cell("-0.5*", -0.005), ""), (Cell("+1.2(*)", 0.012), ""), (Cell("<0.001", 1e-4), ""),
     (Cell("1.2e-07", 1.2e-7), ""), (Cell("2–3", np.int64(3)), "3"), (Cell("256x512", 131072), "131072"),
     (Cell("+0.3 to +2.0", 0.003), "0.003"),
     (Cell("–", np.nan), ""), (Cell("–"), ""), (Cell("b0"), ""), (Cell(""), "")],
)  # fmt: skip
def test_a_cell_has_a_key_to_sort_by_where_its_text_is_no_such_number(cell: Cell, key: str) -> None:
    assert sort_key(cell) == key


def test_html_honours_the_alignment_of_a_column(tmp_path: Path) -> None:
    shown = replace(section(tmp_path), tables=(text_table({"a": ["x"], "b": ["+1.0"], "c": ["no"]}),))
    found = re.findall(r"<t[hd]([^>]*)>(x|\+1\.0|no|a|b|c)</t[hd]>", render_html("t", [shown]))
    assert [(text, 'class="left"' in attributes) for attributes, text in found] == [
        *(("a", True), ("b", False), ("c", True)),
        *(("x", True), ("+1.0", False), ("no", True)),
    ]


def test_markdown_honours_the_alignment_of_a_column() -> None:
    assert markdown(text_table({"a": ["x"], "b": ["+1.0"], "c": ["no"]})).splitlines()[1] == "|:--|--:|:--|"


@pytest.mark.parametrize(
    ("texts", "shared"),
    [
        (["95 % interval 1 to 2", "95 % interval 11 to 2"], "95 % interval "),
        (["95 % interval 1 to 2", "95 % interval 1 to 3; more"], "95 % interval "),
        (["95 % interval 1 to 2"], "95 % interval "),
        (["95 % interval 1 to 2", "cells are missing"], ""),
        (["a 1", "a 2"], ""),
        ([], ""),
    ],
)
def test_the_lead_of_all_details_holds_no_number_of_a_cell(texts: list[str], shared: str) -> None:
    assert common_lead(texts) == shared


def test_a_table_that_fits_the_terminal_stands_as_it_is() -> None:
    texts = {"arms": ["a minus b", "a minus c"], "points": ["+1.0*", "-0.2"], "significant": ["yes", "no"]}
    shown = text_table(texts, main=True)
    output = io.StringIO()
    show_tables(Console(file=output, width=80), [Section(suite="s", description="", planned=0, tables=(shown,))])
    lines = [[cell.strip() for cell in re.split("[│┃]", line)[1:-1]] for line in output.getvalue().splitlines()]
    assert [cells for cells in lines if cells] == [list(texts), *map(list, zip(*texts.values(), strict=True))]
    assert "│  +1.0* │" in output.getvalue(), "numbers stand to the right"


def test_a_table_with_texts_that_does_not_fit_is_turned_and_no_value_is_broken() -> None:
    arms = [f"segformer-b0-mix minus deeplabv3plus-mobilenet_v{k}" for k in range(4)]
    values = {f"value {k}": [f"+{k}.{row}" for row in range(4)] for k in range(5)}
    texts = {"arms": arms, "in": ["clean mIoU"] * 4, **values, "grade": ["these weights"] * 4}
    shown = text_table(texts, main=True)
    output = io.StringIO()
    show_tables(Console(file=output, width=80), [Section(suite="s", description="", planned=0, tables=(shown,))])
    lines = output.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    for name, cells in list(texts.items())[1:]:
        rows = [line.split("│")[1:-1] for line in lines if line.startswith(f"│ {name} ")]
        assert [cell.strip() for row in rows for cell in row[1:]] == cells


def test_where_room_is_short_a_text_is_wrapped_and_no_interval() -> None:
    interval = "+10.5 (+8.3 to +12.3)"
    shown = text_table({"arm": ["a"], "points": [interval], "grade": ["these weights " * 5]}, main=True)
    output = io.StringIO()
    show_tables(Console(file=output, width=50), [Section(suite="s", description="", planned=0, tables=(shown,))])
    assert interval in output.getvalue()
    assert max(map(len, output.getvalue().splitlines())) <= 50


@pytest.mark.parametrize("models", [1, 3, 12])
def test_tables_stay_readable_at_80_columns(models: int) -> None:
    names = [f"segformer-b{k}-camvid-learned-s{k}" for k in range(models)]
    columns = ("clean", "jpeg compression", *(f"corruption {k}" for k in range(6)))
    values = {name: [f"{10 * k + j:.1f}" for k in range(models)] for j, name in enumerate(columns)}
    shown = text_table({"model": names, **values, "images": ["233 of 233"] * models}, title="[bold]t", main=True)
    output = io.StringIO()
    show_tables(Console(file=output, width=80), [Section(suite="s", description="", planned=0, tables=(shown,))])
    text = output.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "[bold]t" in text, "names are no markup"
    for name in columns:
        cells = [cell.strip() for line in text.splitlines() if f" {name} " in line for cell in line.split("│")[2:-1]]
        assert cells == values[name]
