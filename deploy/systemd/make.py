"""Writes the units of `askedbefore service install --system` into this folder, to be read."""

from pathlib import Path

from cli.running.systemd import Place, units

if __name__ == "__main__":
    for name, content in units(
        Place.of_system(), program="/opt/askedbefore/bin/askedbefore"
    ).items():
        (Path(__file__).parent / name).write_text(content, encoding="utf-8")
