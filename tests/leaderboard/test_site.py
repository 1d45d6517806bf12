"""The pages of a leaderboard: static, escaped, owned; and in a browser, if there is one."""

import io
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from chromium import resize, visit, without_scripts
from pages import HOSTILE
from program import program
from synthetic import write_synthetic

from robustbench_seg.leaderboard.board import Board, Standing
from robustbench_seg.leaderboard.site import write_site
from robustbench_seg.studies.statistics import Interval

MANY = 300
SETTING = {
    "dataset": "toy", "split": "test", "view": "whole", "precision": "fp32", "seed": 0, "engine_version": 2,
    "fingerprint": "f" * 32, "images": 40, "of": 40, "synthetic": True, "void": "ignored",
    "class_names": ("road", "sky"), "alignment": (("x", "road"), ("y", None)),
}  # fmt: skip


def standing(k: int, **fields: Any) -> Standing:
    mean = 0.6 - 0.001 * k
    scores = {
        "clean": Interval(mean + 0.1, mean + 0.05, mean + 0.15),
        "mean": Interval(mean, mean - 0.01, mean + 0.01),
        "retention": Interval(mean / (mean + 0.1), 0.8, 0.9),
    }
    given: dict[str, Any] = {
        "model": f"net-{k:03d}", "weights": f"{k + 1:064x}"[::-1], "licence": "MIT" if k % 2 else "CC0-1.0",
        "about": "a net", "parameters": 1_000_000 * (k + 1),
        "scores": scores, "missing": 0, "alarms": (), "sources": ("command: `run`",),
        "rank": k + 1, "ranks": (max(1, k), k + 2),
    }  # fmt: skip
    return Standing(**given | fields)


def board(count: int, **fields: Any) -> Board:
    given: dict[str, Any] = {
        "protocol": "drawn", "conditions": {"fog": (1, 3)}, "setting": SETTING, "blocks": 40,
        "rows": tuple(map(standing, range(count))),
    }  # fmt: skip
    return Board(**given | fields)


def test_pages_have_every_model_with_its_numbers_and_load_nothing(tmp_path: Path) -> None:
    one = board(3)
    index = write_site([one, board(2, protocol="other")], tmp_path)
    page = (tmp_path / f"{one.file}.html").read_text(encoding="utf-8")
    for row in one.rows:
        assert f'<tr id="{row.anchor}"' in page
        assert f'href="#{row.anchor}"' in page
        assert row.weights[:12] in page
    assert "60.0" in page
    assert "59.0 to 61.0" in page
    assert "1 to 2" in page
    assert "drawn, not photographed" in page
    assert "y as none" in page
    assert not re.search(r'(src|href)="(https?:|//)', page)
    assert "default-src 'none'" in page
    assert "<strong" not in page
    assert "<b>" not in page
    assert f'href="{one.file}.html"' in index.read_text(encoding="utf-8")
    table = pd.read_csv(tmp_path / f"{one.file}.csv")
    assert table["mean"].tolist() == [row.scores["mean"].estimate for row in one.rows]
    assert table["rank_high"].tolist() == [2, 3, 4]


def test_hostile_names_are_text(tmp_path: Path) -> None:
    row = standing(0, model=HOSTILE, licence=HOSTILE, alarms=(HOSTILE,), sources=(HOSTILE,))
    one = board(1, rows=(row,), protocol=HOSTILE)
    write_site([one], tmp_path)
    for path in tmp_path.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "<script>window" not in text
        assert "<img" not in text
    assert {path.parent for path in tmp_path.iterdir()} == {tmp_path}


def test_pages_that_are_gone_are_removed_and_files_of_others_stay(tmp_path: Path) -> None:
    first, second = board(1), board(1, protocol="other")
    write_site([first, second], tmp_path)
    (tmp_path / "mine.html").write_text("x", encoding="utf-8")
    before = (tmp_path / f"{first.file}.html").read_bytes()
    write_site([first], tmp_path)
    assert {path.name for path in tmp_path.glob("*.html")} == {"index.html", "mine.html", f"{first.file}.html"}
    assert (tmp_path / f"{first.file}.html").read_bytes() == before


def test_a_board_without_ranks_corruptions_or_intervals_is_written(tmp_path: Path) -> None:
    nan = float("nan")
    row = standing(0, rank=None, ranks=None, missing=2, scores={"clean": Interval(nan, nan, nan)})
    one = board(1, rows=(row,), conditions={}, blocks=3)
    write_site([one], tmp_path)
    page = (tmp_path / f"{one.file}.html").read_text(encoding="utf-8")
    assert "There are no intervals, since 3 blocks of images are too few (it takes 10)" in page
    assert "2 cells missing" in page
    assert "nan" not in page.lower().replace("alarms", "")


def test_some_hundred_rows_are_written_in_a_moment(tmp_path: Path) -> None:
    begin = time.perf_counter()
    write_site([board(MANY)], tmp_path)
    assert time.perf_counter() - begin < 10
    assert sum(path.stat().st_size for path in tmp_path.glob("toy-*.html")) < 2_000_000


def test_the_command_writes_the_site_and_prints_alarms(tmp_path: Path) -> None:
    write_synthetic(tmp_path / "a", lambda *_: 0.7, models=["m"], conditions={"fog": [1]}, images=12)
    write_synthetic(tmp_path / "b", lambda *_: 0.01, models=["n"], conditions={"fog": [1]}, images=12)
    site = tmp_path / "site"
    done = program("report", str(tmp_path / "a"), str(tmp_path / "b"), "--leaderboard", "--out", str(site))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"leaderboard: {site / 'index.html'} (1 board)" in done.stdout
    assert "⚠ n: no better than one class for every pixel in 2 of 2 cells." in done.stdout
    table = pd.read_csv(io.StringIO(next(site.glob("*.csv")).read_text(encoding="utf-8")))
    assert table["model"].tolist() == ["m", "n"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--leaderboard needs --out SITE, the folder of its pages"),
        (["--text"], "--leaderboard writes other pages than a report: it goes with --out, not with --text"),
        (
            ["--out", "x", "--json"],
            "--leaderboard writes other pages than a report: it goes with --out, not with --json",
        ),
        (["--out", "x", "--margin", "2"], "it goes with --out, not with --margin"),
        (["--out", "OUT"], "holds no quality cells"),
    ],
)
def test_what_does_not_go_with_it_is_refused_in_one_line(tmp_path: Path, options: list[str], message: str) -> None:
    done = program(
        "report", str(tmp_path), "--leaderboard", *[str(tmp_path / "o") if o == "OUT" else o for o in options]
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert message in done.stderr
    assert not (tmp_path / "o").exists()


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Any:
    odd = standing(MANY, model="odd <one>", alarms=("broken",), rank=None, ranks=None, missing=1)
    one = board(MANY)
    one = replace(one, rows=(*one.rows, odd))
    write_site([one], tmp_path)
    return visit(browser, (tmp_path / f"{one.file}.html").as_uri())


def names(browser: Any) -> list[str]:
    script = "return [...document.querySelectorAll('tbody tr:not([hidden]) .name')].map(each => each.textContent)"
    return list(browser.execute_script(script))


def test_search_filters_and_sorting_work_from_a_file_without_a_network(page: Any) -> None:
    assert page.get_log("browser") == []
    assert len(names(page)) == MANY + 1
    search = page.find_element("id", "search")
    search.send_keys("odd")
    assert names(page) == ["odd <one>"]
    assert page.find_element("id", "shown").text == f"1 of {MANY + 1} models"
    page.find_element("id", "sound").click()
    assert names(page) == []
    search.clear()
    search.send_keys(" ")
    assert len(names(page)) == MANY
    page.find_element("id", "complete").click()
    page.execute_script(
        "const s = document.getElementById('licence'); s.value = 'MIT'; s.dispatchEvent(new Event('input'))"
    )
    assert len(names(page)) == MANY // 2
    page.find_element("xpath", "//thead//button[text()='params (M)']").click()
    assert names(page)[0] == f"net-{MANY - 1:03d}"
    page.find_element("xpath", "//thead//button[text()='rank']").click()
    assert names(page)[0] == "net-001"
    begin = time.perf_counter()
    page.find_element("xpath", "//thead//button[text()='rank']").click()
    assert time.perf_counter() - begin < 5
    assert page.get_log("browser") == []


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_no_page_scrolls_sideways_and_a_link_shows_its_row(page: Any, width: int) -> None:
    resize(page, width)
    assert page.execute_script("return document.documentElement.scrollWidth") <= width
    target = page.execute_script("return document.querySelectorAll('tbody tr')[200].id")
    page.execute_script(f"location.hash = {target!r}")
    top = page.execute_script(f"return document.getElementById({target!r}).getBoundingClientRect().top")
    assert -5 <= top < 800
    page.get(f"{page.current_url.partition('#')[0].rpartition('/')[0]}/index.html")
    assert page.execute_script("return document.documentElement.scrollWidth") <= width


def test_without_script_the_table_is_there_in_its_order(browser: Any, tmp_path: Path) -> None:
    one = board(5)
    write_site([one], tmp_path)
    with without_scripts(browser):
        visit(browser, (tmp_path / f"{one.file}.html").as_uri())
        assert [each.text for each in browser.find_elements("css selector", ".name")] == [
            f"net-{k:03d}" for k in range(5)
        ]
        assert not browser.find_element("css selector", ".controls").is_displayed()
