"""Draw the pictures of docs/GALLERY.md again: train small runs and copy their pictures from TensorBoard.

    python docs/make_gallery.py
    python docs/make_gallery.py browser=google-chrome

Takes a few minutes on one core, without a download. Five pictures show pages of TensorBoard and need a
browser of the Chromium family; browser=none leaves them as they are.
"""

import contextlib
import io
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from PIL import Image
from tensorboard import program
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

ROOT = Path(__file__).resolve().parent.parent
GALLERY = ROOT / "docs" / "gallery"
MAX_WIDTH = 900  # pixels
MAX_BYTES = 60_000
DEEP = "model=mlp model.hidden=[200,100,60,30] trainer.max_epochs=1"
RUNS = {
    "lenet": "model=lenet trainer.max_epochs=10",
    "softmax": "model=softmax trainer.max_epochs=20",
    "spirals": "model=mlp data=spirals trainer.max_epochs=15",
    "sigmoid": f"{DEEP} model.activation=sigmoid model.init=xavier",
    "relu": f"{DEEP} model.activation=relu model.init=he",
    "char_lstm": "model=char_lstm trainer.max_epochs=3 trainer.limit_val_batches=20",
}
PICTURES = {  # file: run, tag, and which of its pictures
    "training_images": ("lenet", "inputs/training_images", -1),
    "filters": ("lenet", "weights/first_layer", -1),
    "weight_images": ("softmax", "weights/first_layer", -1),
    "feature_maps": ("lenet", "feature_maps/one_image", -1),
    "strongest_inputs": ("lenet", "strongest/stage2.0", -1),
    "occlusion": ("lenet", "occlusion/images", -1),
    "confusion_matrix": ("softmax", "mistakes/confusion_matrix", -1),
    "worst_mistakes": ("softmax", "mistakes/worst", -1),
    "decision_regions": ("spirals", "regions/plane", -1),
    "gradients_sigmoid": ("sigmoid", "gradients/by_layer", 0),  # before training
    "gradients_relu": ("relu", "gradients/by_layer", 0),
    "gates": ("char_lstm", "gates/lstm", -1),
}
PAGES = {  # file: run, what follows TensorBoard's address, height in pixels
    "page_images_dark": ("lenet", "?darkMode=true#images", 800),
    "page_histograms": ("lenet", "#histograms", 800),
    "page_text_dark": ("char_lstm", "?darkMode=true#text", 1000),
    "page_projector": ("lenet", "#projector", 800),
    "page_graph": ("lenet", "#graphs", 800),
}


def train(folder: Path) -> None:
    for name, words in RUNS.items():
        print(f"{name}: {words}", flush=True)
        command = [sys.executable, ROOT / "scripts" / "train.py", "callbacks=visualize", *words.split()]
        command += [f"run_dir={folder / name}", "test=false", "callbacks.progress=null"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def small(picture: bytes) -> bytes:
    """Return a PNG with as many colors as fit into MAX_BYTES, so that the repository stays small."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    if image.width > MAX_WIDTH:
        image = image.resize(
            (MAX_WIDTH, round(image.height * MAX_WIDTH / image.width)), Image.Resampling.LANCZOS
        )
    for colors in (256, 128, 64, 32, 16):
        few = io.BytesIO()
        image.quantize(colors).save(few, "PNG", optimize=True)
        if few.tell() < MAX_BYTES:
            break
    return few.getvalue()


def save(picture: bytes, name: str) -> None:
    (GALLERY / f"{name}.png").write_bytes(small(picture))


def save_pictures(folder: Path) -> None:
    for name, (run, tag, place) in PICTURES.items():
        events = EventAccumulator(str(folder / run), size_guidance={"images": 0}).Reload()
        save(events.Images(tag)[place].encoded_image_string, name)


def save_pages(folder: Path, browser: str) -> None:
    for run in dict.fromkeys(run for run, _, _ in PAGES.values()):
        server = program.TensorBoard()
        server.configure(argv=[None, "--logdir", run, "--host", "127.0.0.1", "--port", "0"])
        address = server.launch()
        while not json.load(urllib.request.urlopen(f"{address}data/runs")):
            time.sleep(1)
        time.sleep(5)  # until all events of the run are read
        for name, (of, page, height) in PAGES.items():
            if of != run:
                continue
            screenshot = folder / f"{name}.png"
            options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader"]
            options += ["--disable-background-networking", f"--user-data-dir={folder / 'browser'}"]
            options += [
                "--virtual-time-budget=30000",
                f"--window-size=1200,{height}",
                f"--screenshot={screenshot}",
            ]
            command = [browser, *options, address + page]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL, timeout=300)
            save(screenshot.read_bytes(), name)


def main(options: dict[str, str]) -> None:
    browser = options.get("browser") or shutil.which("chromium") or "none"
    GALLERY.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        train(Path(folder))
        save_pictures(Path(folder))
        if browser != "none":
            with contextlib.chdir(folder):  # TensorBoard shows its logdir on each page
                save_pages(Path(folder), browser)


if __name__ == "__main__":
    main(dict(word.split("=", 1) for word in sys.argv[1:]))
