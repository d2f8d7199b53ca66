"""``python -m tests.forums.pictures``: makes what `make test-forums` saw small for the README."""

from pathlib import Path

from PIL import Image

from tests.documents import ROOT

SIZES = {"askbot-ask": (0, 0, 1100, 560), "askbot-closed": (0, 0, 1100, 560)}
"""The part of each screenshot that is shown."""


def main(folder: Path = Path("screenshots")) -> None:
    """Write the pictures with few colours, so that they are small."""
    for name, box in SIZES.items():
        picture = Image.open(folder / f"{name}.png").convert("RGB").crop(box)
        picture.quantize(64).save(ROOT / "docs" / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
