"""The page in a real browser: Debian's chromium with its driver, without a window and without a network."""

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import HOSTILE, section

from robustbench_seg.report.page import write_report

webdriver: Any = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no chromium and chromedriver: apt-get install chromium chromium-driver"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--force-prefers-reduced-motion",
        "--hide-scrollbars",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    page = write_report([section(folder)], folder / "report")
    (folder / "alone").mkdir()
    return str(shutil.copy(page, folder / "alone" / "index.html"))  # without the files beside it


@pytest.fixture
def page(browser: Any, address: str) -> Any:
    """The page, freshly opened at desktop width."""
    emulate(browser, width=1280)
    browser.get_log("browser")
    browser.get(Path(address).as_uri())
    return browser


def emulate(browser: Any, width: int) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def texts(page: Any, selector: str) -> list[str]:
    return list(
        page.execute_script("return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)", selector)
    )


def shown(page: Any, selector: str) -> list[str]:
    """The accessible names of the pictures that are on the screen."""
    script = """return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility())
        .map(e => e.alt ?? e.getAttribute("aria-label"))"""
    return list(page.execute_script(script, selector))


def test_the_page_opens_alone_without_a_word_on_the_console_and_loads_nothing(page: Any) -> None:
    assert page.get_log("browser") == []
    assert (
        page.execute_script("return performance.getEntriesByType('resource').filter(r => !r.name.startsWith('data:'))")
        == []
    )
    loaded = "return [...document.images].every(i => i.complete && i.naturalWidth > 0) && document.images.length"
    assert page.execute_script(loaded) == 3 * (1 + 2 * 2)


def test_hostile_names_are_shown_and_do_nothing(page: Any) -> None:
    assert page.execute_script("return window.broken === undefined && document.querySelectorAll('script').length") == 1
    for selector in ("tbody th", "figcaption.caption", "dt", "dd", ".names li", ".provenance code", ".found p", ".who"):
        assert any(HOSTILE in text for text in texts(page, selector)), selector
    assert HOSTILE in page.execute_script("return document.querySelector('.plot svg').textContent")


def test_no_id_occurs_twice_and_every_reference_finds_its_element(page: Any) -> None:
    script = """
        const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
        const wanted = [...document.querySelectorAll("*")].flatMap(e => [...e.attributes]).flatMap(a =>
            ["href", "xlink:href"].includes(a.name) && a.value.startsWith("#") ? [a.value.slice(1)]
            : ["aria-labelledby", "for"].includes(a.name) ? [a.value]
            : [...a.value.matchAll(/url\\(#([^)]*)\\)/g)].map(m => m[1]));
        return [ids.length - new Set(ids).size, wanted.filter(w => !document.getElementById(w)), wanted.length];
    """
    twice, lost, wanted = page.execute_script(script)
    assert (twice, lost) == (0, [])
    assert wanted > 10


def test_a_column_sorts_both_ways_by_its_numbers_and_what_is_missing_stays_last(page: Any) -> None:
    button = page.find_elements("css selector", "thead button")[2]
    for expected, direction in ((["99.2", "40.0", "–"], "descending"), (["40.0", "99.2", "–"], "ascending")):
        button.send_keys("\ue007")  # enter: by keyboard
        column = "return [...document.querySelector('tbody').rows].map(r => r.cells[2].firstChild.textContent)"
        assert page.execute_script(column) == expected
        assert page.execute_script("return document.querySelectorAll('thead th')[2].ariaSort") == direction
    assert page.execute_script("return document.querySelectorAll('[aria-sort]').length") == 1


def test_texts_sort_from_a(page: Any) -> None:
    page.find_elements("css selector", "thead button")[0].click()
    names = page.execute_script("return [...document.querySelector('tbody').rows].map(r => r.cells[0].textContent)")
    assert names == [HOSTILE, "deeplabv3plus", "segformer-b0"]


def test_an_interval_shows_under_the_pointer_and_all_of_them_at_a_switch(page: Any) -> None:
    cell = page.find_elements("css selector", "tbody td")[0]
    size = "const b = arguments[0].querySelector('.more').getBoundingClientRect(); return [b.width, b.height]"
    assert page.execute_script(size, cell) == [1, 1]
    webdriver.ActionChains(page).move_to_element(cell).perform()
    width, _ = page.execute_script(size, cell)
    assert width > 50
    assert cell.find_element("css selector", ".more").text == "95 % interval 40.0 to 42.0"
    switch = page.find_element("css selector", "input.show")
    switch.send_keys(" ")
    webdriver.ActionChains(page).move_to_element(switch).perform()
    other = page.find_elements("css selector", "tbody tr")[2].find_element("css selector", "td .more")
    assert other.text == "99.2 to 101.2"


def test_the_slider_moves_through_the_severities(page: Any) -> None:
    slider = page.find_element("css selector", "input[type=range]")
    output = page.find_element("css selector", "output")
    slider.send_keys("\ue011")  # home
    assert output.text == "clean"
    assert len(shown(page, ".pair img")) == 1 + 2 * 2
    for expected, wrong in (("fog, severity 1", "17 %"), ("fog, severity 3", "33 %")):
        slider.send_keys("\ue014")  # right
        assert (output.text, slider.get_attribute("aria-valuetext")) == (expected, expected)
        pictures = shown(page, ".pair img")
        assert len(pictures) == 1 + 2 * 2
        assert all(expected in text for text in pictures)
        assert sum(text.endswith(f"{wrong} wrong") for text in pictures) == 2
        assert len(shown(page, ".pair svg")) == 1
    slider.send_keys("\ue014")
    assert output.text == "fog, severity 3"


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_is_no_wider_than_the_screen(page: Any, width: int) -> None:
    emulate(page, width)
    page.find_element("css selector", "input.show").send_keys(" ")
    assert page.execute_script("return document.documentElement.scrollWidth") == width
    assert page.execute_script("const b = document.querySelector('.scroll'); return b.scrollWidth > b.clientWidth") == (
        width < 1280
    )


def test_the_page_prints_with_everything_open(page: Any) -> None:
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    try:
        assert shown(page, "details:not([open]), .controls, nav, input.show") == []
        assert len(shown(page, ".pair img")) == 2 * (1 + 2 * 2)  # clean and the highest severity
        assert "All of it." in page.find_element("css selector", "main").text
        assert "40.0 to 42.0" in page.find_element("css selector", "tbody").text
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    document = base64.b64decode(page.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"])
    assert document.startswith(b"%PDF-")


def test_all_is_there_with_scripts_off(page: Any, address: str) -> None:
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.get(Path(address).as_uri())
        for summary in page.find_elements("css selector", "summary"):
            summary.send_keys("\ue007")
        assert all(picture.is_displayed() for picture in page.find_elements("css selector", ".pair img"))
        assert not page.find_element("css selector", ".controls").is_displayed()
        assert page.find_elements("css selector", "thead button") == []
    finally:
        page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_of_page_and_figures_stand_out_from_the_ground(page: Any, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    script = """
        const rgb = (e, name) => getComputedStyle(e)[name].match(/[\\d.]+/g).slice(0, 3).map(Number);
        const words = [...document.querySelectorAll("p, li, td, th, h2, h3, h4, a, summary, label, .plot text")];
        return [rgb(document.body, "backgroundColor"),
                words.map(e => rgb(e, e instanceof SVGElement ? "fill" : "color"))];
    """
    try:
        ground, words = page.execute_script(script)
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert min(contrast(ground, word) for word in words) >= 4.5  # WCAG 2.2, 1.4.3
    assert (sum(ground) > 382) == (scheme == "light")


def contrast(one: list[float], other: list[float]) -> float:
    """WCAG 2.2's contrast ratio of two sRGB colours, 0-255."""
    low, high = sorted(
        sum(
            w * (c / 3294.6 if c <= 10.31 else ((c / 255 + 0.055) / 1.055) ** 2.4)
            for w, c in zip(weights, rgb, strict=True)
        )
        for rgb in (one, other)
        for weights in [(0.2126, 0.7152, 0.0722)]
    )
    return (high + 0.05) / (low + 0.05)
