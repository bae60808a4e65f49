"""What pyproject.toml, noxfile.py and the tools' settings say about the supported Pythons."""

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
VERSIONS = [
    classifier.rpartition(" ")[2]
    for classifier in PROJECT["project"]["classifiers"]
    if classifier.startswith("Programming Language :: Python :: 3.")
]


def test_the_classifiers_name_consecutive_pythons() -> None:
    minors = [int(version.removeprefix("3.")) for version in VERSIONS]
    assert minors == list(range(minors[0], minors[-1] + 1))


def test_requires_python_is_the_first_classifier() -> None:
    assert PROJECT["project"]["requires-python"] == f">={VERSIONS[0]}"


def test_nox_tests_the_pythons_of_the_classifiers() -> None:
    """`nox.project.python_versions` reads them; a list in noxfile.py would be a second one."""
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    assert "SUPPORTED = nox.project.python_versions(PROJECT)\n" in noxfile


def test_the_tools_check_against_the_first_supported_python() -> None:
    tools = PROJECT["tool"]
    assert tools["ruff"]["target-version"] == f"py{VERSIONS[0].replace('.', '')}"
    assert tools["mypy"]["python_version"] == VERSIONS[0]
    assert tools["pyright"]["pythonVersion"] == VERSIONS[0]
