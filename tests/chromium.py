"""Debian's chromium with its driver: without a window, without a network, and surely at the page that is asked for."""

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

__all__ = ["media", "print_pdf", "resize", "started", "visit", "without_scripts"]

PATIENCE = 60  # seconds: on a busy machine the driver answers before a page has begun, and a printer gives up
BLANK = "about:blank"


@contextmanager
def started() -> Iterator[Any]:
    """A browser for some tests, which keeps what pages write to the console; they are skipped where there is none."""
    webdriver: Any = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("no chromium and chromedriver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
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
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield browser
    finally:
        browser.quit()


def resize(browser: Any, width: int, height: int = 800) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def visit(browser: Any, address: str, width: int = 1280, height: int = 800) -> Any:
    """Load a page afresh, with an empty console, and return when all of it is there."""
    from selenium.webdriver.support.wait import WebDriverWait

    def loaded(browser: Any) -> bool:
        ready: list[str] = browser.execute_script("return [location.href.split('#')[0], document.readyState]")
        return ready == [address.partition("#")[0], "complete"]

    resize(browser, width, height)
    browser.get(BLANK)  # a new hash alone loads nothing
    browser.get_log("browser")
    browser.get(address)
    WebDriverWait(browser, PATIENCE).until(loaded)
    return browser


@contextmanager
def without_scripts(browser: Any) -> Iterator[None]:
    """Pages run no script meanwhile."""
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@contextmanager
def media(browser: Any, kind: str = "", **features: str) -> Iterator[None]:
    """Pages are shown as on this kind of medium, with these features of CSS, as `forced_colors="active"`, meanwhile."""
    wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": kind, "features": wanted})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def print_pdf(browser: Any, **options: Any) -> bytes:
    """The page as a PDF; `options` are those of the protocol's Page.printToPDF."""
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.support.wait import WebDriverWait

    waiting = WebDriverWait(browser, PATIENCE, ignored_exceptions=[WebDriverException])  # "Printing failed", when busy
    answer = waiting.until(lambda browser: browser.execute_cdp_cmd("Page.printToPDF", options))
    return base64.b64decode(answer["data"])
