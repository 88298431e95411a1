"""Pictures of every page in every state, for the eye: on a phone and on a desktop, light and dark."""

import argparse
from pathlib import Path
from typing import Literal

from playwright.sync_api import sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.stage import Stage
from tests.edge.page_sample import Sample
from tests.edge.page_samples import SAMPLES

WIDTHS = (360, 1280)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def take(folder: Path, part: str) -> None:
    """Takes a picture of each page whose name contains `part`."""
    folder.mkdir(parents=True, exist_ok=True)
    stage = Stage()
    try:
        _take(stage, folder, [sample for sample in SAMPLES if part in sample.name])
    finally:
        stage.stop()


def _take(stage: Stage, folder: Path, samples: list[Sample]) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for width in WIDTHS:
            for scheme in SCHEMES:
                context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
                # Whoever is sent elsewhere stays where they are.
                context.route("https://login.alder.example/**", lambda route: route.fulfill(status=204))
                page = context.new_page()
                for sample in samples:
                    stage.put("/", sample.page())
                    page.goto(stage.origin)
                    page.screenshot(path=folder / f"{sample.name}-{width}-{scheme}.png", full_page=True)
                context.close()
        browser.close()


def main() -> None:
    """Reads what is asked for, and takes the pictures."""
    parser = argparse.ArgumentParser(prog="tools/look", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("/tmp/looks"), help="where they go (/tmp/looks)")
    parser.add_argument("part", nargs="?", default="", help="only pages whose name contains this")
    chosen = parser.parse_args()
    take(chosen.folder, chosen.part)


if __name__ == "__main__":
    main()
