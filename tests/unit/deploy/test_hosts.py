"""Units and samples of proxies, read by the real programs where they are installed."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import trustme

from cli.running.systemd import Place, install, units

DEPLOY = Path(__file__).parents[3] / "deploy"
PROGRAM = "/opt/askedbefore/bin/askedbefore"
SYSTEM = units(Place.of_system(), program=PROGRAM)


@pytest.mark.parametrize("name", SYSTEM)
def test_the_units_in_the_folder_are_those_that_are_installed(name: str) -> None:
    written = (DEPLOY / "systemd" / name).read_text("utf-8")

    assert written == SYSTEM[name], "run `python deploy/systemd/make.py` and commit what it wrote"


@pytest.mark.parametrize("name", [name for name in SYSTEM if "migrate" not in name])
def test_what_stays_is_watched_restarted_and_starts_after_the_migration(name: str) -> None:
    unit = SYSTEM[name]

    assert re.search(r"^WatchdogSec=\d+$", unit, re.MULTILINE)
    assert "NotifyAccess=all" in unit
    assert "Restart=always" in unit
    assert "Requires=askedbefore-migrate.service" in unit


def test_installing_writes_units_and_keeps_settings_that_are_there(tmp_path: Path) -> None:
    place = Place.of_user(tmp_path)

    first = install(place)
    place.settings.write_text("# mine\n")
    again = install(place)

    assert {path.name for path in first} == {*SYSTEM, "settings.env"}
    assert place.settings not in again
    assert place.settings.read_text() == "# mine\n"
    assert "User=" not in (place.units / "askedbefore-api.service").read_text()


def test_units_in_an_image_name_the_settings_as_they_are_seen_in_it(tmp_path: Path) -> None:
    install(Place.of_system(tmp_path))

    assert (tmp_path / "etc/askedbefore/settings.env").exists()
    written = (tmp_path / "etc/systemd/system/askedbefore-api.service").read_text()
    assert "EnvironmentFile=/etc/askedbefore/settings.env\n" in written


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("is_user", [False, True], ids=["system", "user"])
def test_systemd_takes_the_units(tmp_path: Path, *, is_user: bool) -> None:
    program = tmp_path / "askedbefore"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    place = Place.of_user(tmp_path) if is_user else Place.of_system()
    made = units(place, program=str(program))
    for name, content in made.items():
        (tmp_path / name.replace("@.", "@one.")).write_text(content)
    paths = sorted(map(str, tmp_path.glob("*.service")))

    command = ["systemd-analyze", *(["--user"] if is_user else []), "verify", *paths]
    given = {"PATH": os.defpath, "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=given)

    ours = [line for line in done.stderr.splitlines() if "askedbefore" in line]
    assert ours == []


def certificate(folder: Path) -> tuple[Path, Path]:
    issued = trustme.CA().issue_cert("duplicates.example")
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    return chain, key


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx_takes_its_sample(tmp_path: Path) -> None:
    chain, key = certificate(tmp_path)
    sample = (DEPLOY / "proxy" / "nginx.conf").read_text("utf-8")
    sample = re.sub(r"(ssl_certificate) .+;", rf"\1 {chain};", sample)
    sample = re.sub(r"(ssl_certificate_key) .+;", rf"\1 {key};", sample)
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/a; proxy_temp_path {tmp_path}/b;"
        f" fastcgi_temp_path {tmp_path}/c; uwsgi_temp_path {tmp_path}/d; scgi_temp_path"
        f" {tmp_path}/e;\n{sample}}}\n"
    )

    command = ["nginx", "-t", "-c", str(whole)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("caddy") is None, reason="caddy is not installed")
def test_caddy_takes_its_sample() -> None:
    config = str(DEPLOY / "proxy" / "Caddyfile")
    command = ["caddy", "adapt", "--config", config, "--adapter", "caddyfile", "--validate"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
