"""Draw the picture of the page in README.md and docs/howto/page.md: python docs/make_page_picture.py

Opens the page of the shipped networks in Chromium, and writes docs/pictures/page.png. Needs the extra docs.
"""

import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from intro_dl.page.write import shipped, to_page

PICTURE = Path(__file__).parent / "pictures" / "page.png"
WIDTH, HEIGHT = 1280, 950

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        file = Path(folder) / "page.html"
        file.write_text(to_page(shipped(), "intro-dl page"), encoding="utf-8")
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        tab.goto(f"{file.as_uri()}#draw")
        tab.wait_for_timeout(2000)  # until its pictures are drawn
        picture = Image.open(io.BytesIO(tab.screenshot())).convert("RGB")
        picture.quantize(256).save(PICTURE, optimize=True)
        browser.close()
    print(f"Wrote {PICTURE} ({PICTURE.stat().st_size:,} bytes).")
