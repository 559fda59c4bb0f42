"""The house itself: layers, dependencies named in three places, words in two languages, what no file may say."""

from __future__ import annotations

import ast
import re
import shutil
import string
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
MODULES = sorted((ROOT / "csperf").rglob("*.py"))
LONGEST_FUNCTION = 40
SAID_DIFFERENTLY = ("report.day", "report.month")  # 10月3日, but 3 Oct
TOO_BROAD = ("Exception", "BaseException")
NAMES_OF_NOTHING = {"utils", "helpers", "common", "misc"}
# Written in pieces, so that this file does not name them.
MACHINE_PLACES = ("/wor" + "k/", "/roo" + "t/", "/hom" + "e/", "/User" + "s/", "\\User" + "s\\")
INDEX_ADDRESSES = ("index" + "-url", "pypi" + ".org", "pythonhosted" + ".org", "mirrors" + ".", "find" + "-links")


def tracked() -> list[Path]:
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: which files are tracked is unknown")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name for name in names.decode().split("\0") if name and (ROOT / name).is_file()]


def locked() -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    for line in LOCK.splitlines():
        if line[:1].isalnum():
            requirement = Requirement(line.removesuffix("\\").strip())
            found.setdefault(normal(requirement.name), []).append(requirement)
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> list[Requirement]:
    """What `make lock` compiles: what everybody needs, and what is needed to work on csperf."""
    project = PROJECT["project"]
    return [Requirement(line) for line in project["dependencies"] + project["optional-dependencies"]["dev"]]


# Layers -----------------------------------------------------------------------------------------------------------


def test_each_layer_imports_only_from_below():
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    assert result.returncode == 0, result.stdout


def test_layers_stand_in_the_order_of_the_contract():
    (contract,) = PROJECT["tool"]["importlinter"]["contracts"]
    ranks = {name: rank for rank, layer in enumerate(contract["layers"]) for name in re.findall(r"\w+", layer)}
    promised = (
        "cli report run params scorecard targets explain mart catalogue load purchases store rules definitions engine "
        "facts hours errors"
    ).split()
    assert [ranks[name] for name in promised] == sorted(ranks[name] for name in promised)
    siblings = [("params", "charts", "tables"), ("explain", "lists"), ("load", "sample"), ("hours", "stats", "text")]
    assert all(len({ranks[name] for name in layer}) == 1 for layer in siblings)


# Dependencies -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", declared(), ids=str)
def test_lock_holds_what_pyproject_asks_for(wanted):
    pinned = locked().get(normal(wanted.name), [])
    assert pinned, f"{wanted.name} is not in requirements.lock: run `make lock`"
    for pin in pinned:
        (version,) = [spec.version for spec in pin.specifier if spec.operator == "=="]
        assert wanted.specifier.contains(version, prereleases=True), f"{pin} does not meet {wanted}: run `make lock`"


@pytest.mark.parametrize("python", ["3.11.7", "3.12.1", "3.13.0"])
def test_lock_gives_each_python_one_version_of_each_package(python):
    environment = {"python_version": python.rpartition(".")[0], "python_full_version": python, "sys_platform": "linux"}
    environment |= {"os_name": "posix", "platform_python_implementation": "CPython", "implementation_name": "cpython"}
    for name, pins in locked().items():
        fitting = [pin for pin in pins if pin.marker is None or pin.marker.evaluate(environment)]
        assert len(fitting) <= 1, f"{name}: {fitting}"
    for wanted in declared():
        pins = locked()[normal(wanted.name)]
        assert any(pin.marker is None or pin.marker.evaluate(environment) for pin in pins), wanted


def test_every_package_of_the_lock_has_hashes():
    entries = re.split(r"^(?=[A-Za-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    assert len(entries) > 100
    assert [entry.split("\n")[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_environment_yml_installs_the_lock_on_the_same_pythons():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, through_pip = environment["dependencies"]
    assert python.startswith(f"python{PROJECT['project']['requires-python']}")
    assert (pip, through_pip) == ("pip", {"pip": ["-r requirements.lock"]})


def test_continuous_integration_runs_make_test():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in script
    assert script.rstrip().endswith("\nmake test")


# What is written down ---------------------------------------------------------------------------------------------


def test_no_tracked_file_names_a_machine_or_an_index():
    found = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", errors="replace")
        words = MACHINE_PLACES + INDEX_ADDRESSES
        found += [f"{path.relative_to(ROOT)}: {word}" for word in words if word in text]
    kept_out = f"Makefile: {INDEX_ADDRESSES[0]}"  # `make lock` says that the lock must not hold it
    assert [line for line in found if line != kept_out] == []


@pytest.mark.parametrize("area", sorted((ROOT / "csperf" / "text").glob("*.yaml")), ids=lambda path: path.stem)
def test_words_stand_once(area):
    """YAML reads a name that stands twice as its last line, without a word."""
    names = re.findall(r"^([^\s#:]+):", area.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(name for name, times in Counter(names).items() if times > 1) == []


@pytest.mark.parametrize("area", sorted((ROOT / "csperf" / "text").glob("*.yaml")), ids=lambda path: path.stem)
def test_words_stand_in_both_languages_with_the_same_slots(area):
    entries = yaml.safe_load(area.read_text(encoding="utf-8"))
    for name, said in entries.items():
        assert isinstance(name, str), f"{name!r} was read as no text: put it in quotes"
        assert set(said) == {"zh", "en"}, name
        assert all(isinstance(sentence, str) for sentence in said.values()), name
        zh, en = ({slot for _, slot, _, _ in string.Formatter().parse(said[lang]) if slot} for lang in ("zh", "en"))
        assert zh == en or f"{area.stem}.{name}" in SAID_DIFFERENTLY, f"{area.stem}.{name}: {zh ^ en}"


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_each_readme_shows_every_command_every_package_and_as_many_metrics_as_there_are(name):
    from csperf.catalogue import ENTRIES
    from csperf.cli import app

    text = (ROOT / name).read_text(encoding="utf-8")
    groups = [group.typer_instance.info.name for group in app.registered_groups]
    commands = [command.name for command in app.registered_commands] + groups
    packages = [path.parent.name for path in (ROOT / "csperf").glob("*/__init__.py")]
    assert [command for command in commands if f"csperf {command} " not in text] == []
    assert [package for package in packages if f"{package}/" not in text] == []
    assert re.findall(r"(\d+) (?:metrics|个指标)", text) == [str(len(ENTRIES))]


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md"])
def test_pages_name_only_files_that_are_there(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    named = re.findall(r"`((?:csperf|tests|docs|params|notebooks|bench)/[\w./-]+)`", text)
    assert [path for path in links + named if not (ROOT / path).exists()] == []


# Code -------------------------------------------------------------------------------------------------------------


def test_functions_are_short():
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


def test_every_module_has_a_subject():
    assert [path for path in MODULES if path.stem in NAMES_OF_NOTHING] == []
    assert [path for path in MODULES if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))] == []


def test_nothing_is_swallowed_or_printed():
    nodes = [(path, node) for path in MODULES for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    handlers = [(path, n, n.type) for path, n in nodes if isinstance(n, ast.ExceptHandler)]
    broad = [f"{path}:{n.lineno}" for path, n, kind in handlers if kind is None or _name(kind) in TOO_BROAD]
    printed = [f"{path}:{n.lineno}" for path, n in nodes if isinstance(n, ast.Call) and _name(n.func) == "print"]
    assert broad + printed == []


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def test_names_shown_stay_functions_when_their_modules_are_imported():
    found = "import csperf as cs, importlib; [importlib.import_module(f'csperf.{m}') for m in set(cs.NAMES.values())]; "
    script = found + "print([n for n in cs.NAMES if n not in cs.MODULES and not callable(getattr(cs, n))])"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "[]"
