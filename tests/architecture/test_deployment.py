"""The image, the composed service and the wheel hold what they promise."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.settings import load
from tests.architecture.tree import PRODUCT, ROOT, python_files

UPGRADE = """
import sys
import migrations
from core.db import Database
from core.settings import Settings
from migrations.schema import is_current, upgrade
db = Database(Settings(database_url="sqlite:///" + sys.argv[1]))
upgrade(db)
assert is_current(db)
db.dispose()
print(migrations.__file__)
"""


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    composed: dict[str, dict[str, Any]] = yaml.safe_load(_text("docker-compose.yml"))
    return composed["services"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        "wheel",
        "-d",
        str(directory),
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(directory.glob("*.whl"))


def test_the_composed_service_uses_known_settings(services: dict[str, Any]) -> None:
    for name in ("app", "init"):
        given = dict(services[name]["environment"])
        settings = load(given)
        assert not settings.is_sqlite
        assert settings.redis_url


def test_every_long_running_service_is_watched(services: dict[str, Any]) -> None:
    assert "HEALTHCHECK" in _text("Dockerfile")
    for name, service in services.items():
        assert "build" in service or "healthcheck" in service, name
        if name != "init":
            assert service["restart"] == "unless-stopped", name


def test_the_app_waits_for_a_schema_and_for_healthy_servers(services: dict[str, Any]) -> None:
    waits = {name: how["condition"] for name, how in services["app"]["depends_on"].items()}
    assert waits == {
        "init": "service_completed_successfully",
        "postgres": "service_healthy",
        "valkey": "service_healthy",
    }


def test_only_the_app_can_be_reached_and_only_from_this_machine(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if "ports" in service] == ["app"]
    assert all(port.startswith("127.0.0.1:") for port in services["app"]["ports"])


def test_no_secret_stands_in_the_composed_service() -> None:
    text = _text("docker-compose.yml")
    found = re.findall(r"PASSWORD: (.+)|wanneng:(.+?)@postgres", text)
    assert len(found) == 2
    for alone, in_url in found:
        assert (alone or in_url).startswith("${POSTGRES_PASSWORD:?")


def test_the_image_installs_hashed_packages_only() -> None:
    installs = re.findall(r"pip (?:--python \S+ )?(?:install|wheel) .*", _text("Dockerfile"))
    assert len(installs) == 4
    for install in installs:
        hashed = "--require-hashes" in install
        ours = "--no-deps" in install and ("--no-index" in install or "--no-build-iso" in install)
        assert hashed or ours, install


def test_the_image_does_not_run_as_root() -> None:
    last_stage = _text("Dockerfile").rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (\S+)", last_stage, re.MULTILINE) == ["wanneng"]


def test_the_image_gets_every_package() -> None:
    allowed = set(re.findall(r"^!(\w+)$", _text(".dockerignore"), re.MULTILINE))
    assert allowed == set(PRODUCT)


def test_the_wheel_holds_every_package_and_no_test(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")}
    assert names == {str(path) for path in python_files(*PRODUCT)}


def test_the_wheel_brings_the_recorded_prompts(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    clips = {str(p.relative_to(ROOT)) for p in (ROOT / "redemption/prompts").rglob("*.wav")}
    assert clips and clips <= names
    assert "redemption/prompts/manifest.json" in names


def test_the_wheel_brings_its_own_revisions(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", UPGRADE, str(tmp_path / "new.db")],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert Path(result.stdout.strip()).is_relative_to(tmp_path / "installed")


@pytest.mark.parametrize("target", ["demo", "run", "test", "lint", "types", "check", "clean"])
def test_make_knows_its_targets_and_explains_them(target: str) -> None:
    listed = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True
    )
    assert re.search(rf"^  {target} +\S+", listed.stdout, re.MULTILINE)


def test_an_unfit_python_is_refused_in_one_line(tmp_path: Path) -> None:
    old = tmp_path / "python3.9"
    old.write_text("#!/bin/sh\necho 3.9\n")
    old.chmod(0o755)
    message = _refusal(old, tmp_path)
    assert "needs Python 3.11, 3.12 or 3.13" in message
    assert "is 3.9" in message
    assert "There is no" in _refusal(tmp_path / "nothing", tmp_path)


def test_a_python_without_venv_says_what_to_install(tmp_path: Path) -> None:
    bare = tmp_path / "python3.11"
    bare.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; *) echo 3.11 ;; esac\n')
    bare.chmod(0o755)
    assert "apt install python3-venv" in _refusal(bare, tmp_path)


def _refusal(python: Path, directory: Path) -> str:
    """Run the installation with a PATH that has no uv; return its only line of complaint."""
    command = ["/bin/sh", "requirements/install.sh", str(python), f"{directory}/venv", "dev"]
    result = subprocess.run(
        command, cwd=ROOT, env={"PATH": "/nonexistent"}, capture_output=True, text=True
    )
    assert result.returncode != 0
    assert not (directory / "venv").exists()
    assert len(result.stderr.splitlines()) == 1
    return result.stderr
