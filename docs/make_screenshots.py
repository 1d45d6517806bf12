"""Renew the screenshots of a report, docs/img/report/*.webp, in Debian's chromium (with chromium-driver and selenium).

    python docs/make_screenshots.py             # from the root of a checkout

It runs the demo first, which resumes in results/demo. Give the path of an index.html to show another report.
"""

import argparse
import base64
import io
import shutil
import subprocess
import sys
from pathlib import Path

import PIL.Image
from selenium import webdriver

__all__ = ["FOLDER"]

DEMO = Path(__file__).parents[1] / "results/demo"
FOLDER = Path(__file__).with_name("img") / "report"
# name: (width and height in CSS px, pixels per px, light or dark, element at the top or None for the page's top)
SHOTS = {
    "desktop": ((1280, 1400), 1, "light", None),
    "dark": ((1280, 1000), 1, "dark", ".plot"),
    "gallery": ((1280, 580), 1, "light", ".gallery, h3[id$=gallery]"),
    "phone": ((390, 1100), 2, "light", None),
    "phone-gallery": ((390, 650), 2, "light", ".gallery, h3[id$=gallery]"),
}
MARGIN_PX = 24


def main() -> None:
    """Open the page and write every shot."""
    parser = argparse.ArgumentParser(description="Renew the screenshots of a report.")
    parser.add_argument("page", type=Path, metavar="INDEX_HTML", nargs="?")
    page = parser.parse_args().page or demo()
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        for name, shot in SHOTS.items():
            path = FOLDER / f"{name}.webp"
            picture(browser, page.resolve().as_uri(), *shot).save(path, quality=80, method=6)
            print(f"{path}: {path.stat().st_size / 1000:.0f} KB")
    finally:
        browser.quit()


def demo() -> Path:
    """Run the demo, or what is missing of it, and return its page."""
    command = [sys.executable, "-m", "robustbench_seg", "run", "demo", "--out", str(DEMO)]
    subprocess.run(command, check=True)
    return DEMO / "report/index.html"


def picture(
    browser: webdriver.Chrome, address: str, size: tuple[int, int], scale: int, scheme: str, top: str | None
) -> PIL.Image.Image:
    """Take a part of the page, of the screen's width."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(address)
    place = "const e = document.querySelector(arguments[0]); return e ? e.getBoundingClientRect().top + scrollY : 0"
    y = max(0, browser.execute_script(place, top or "html") - MARGIN_PX)
    clip = {"x": 0, "y": y, "width": width, "height": height, "scale": 1}
    shot = {"format": "png", "captureBeyondViewport": True, "clip": clip}
    content = browser.execute_cdp_cmd("Page.captureScreenshot", shot)["data"]
    return PIL.Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB")


if __name__ == "__main__":
    main()
