"""Every row of the documents this project grew out of is served and proved, or left out with a reason."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import nbformat
import pytest
from test_catalogue_against_loops import KEYS
from typer.main import get_command

from csperf.catalogue import ENTRIES
from csperf.cli import app
from csperf.documents import documents
from csperf.forms import FORMS, READ_FORMS
from docs import coverage

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
LOOPS = "test_catalogue_against_loops.py::test_sums_are_those_of_the_loops"
FIELD = ROOT.parent / "shared" / "FIELD.md"
WORDS = {"zh", "en", "test", "left_out", *coverage.SERVERS}
OTHER_FORMS = {"shifts", "rules", "adoption"}  # that forms.py lays out by itself
ROWS = coverage.rows()


def served(by):
    """(row, what serves it) of all rows served by this."""
    return [(name, row[by]) for name, row in ROWS.items() if by in row]


@cache
def functions(path):
    """Names that a Python file defines at its top, without the tests that are always left out."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    found = [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return {node.name for node in found if not re.search("skip|xfail", " ".join(map(ast.unparse, node.decorator_list)))}


@cache
def headings(path):
    cells = nbformat.read(path, as_version=4).cells
    told = [c.source for c in cells if c.cell_type == "markdown" and "lang-zh" in c.metadata["tags"]]
    return {line.lstrip("# ").strip() for text in told for line in text.splitlines() if line.startswith("#")}


def test_each_row_is_served_and_proved_or_left_out_with_a_reason():
    for name, row in ROWS.items():
        assert set(row) <= WORDS and row["zh"] and row["en"], name
        if "left_out" in row:
            assert all(row["left_out"][lang] for lang in ("zh", "en")), name
            assert not set(row) & {"test", *coverage.SERVERS}, name
        else:
            assert coverage.proved(row) and any(row.get(server) for server in coverage.SERVERS), name


def test_rows_are_those_of_the_acceptance_table():
    if not FIELD.is_file():
        pytest.skip(f"{FIELD} is not here")
    table = FIELD.read_text(encoding="utf-8").partition("\n# B.")[0]
    assert sorted(ROWS) == sorted(re.findall(r"^\| (S\d-\d\d) \|", table, re.MULTILINE))
    assert len(ROWS) == 202


def test_metrics_are_in_the_catalogue():
    assert [(name, key) for name, keys in served("metrics") for key in keys if key not in ENTRIES] == []


def test_notebooks_have_the_section():
    missing = []
    for name, place in served("notebook"):
        file, _, heading = place.partition("#")
        path = ROOT / "notebooks" / f"{file}.ipynb"
        if not path.is_file() or heading not in headings(path):
            missing.append((name, place))
    assert missing == []


def test_commands_take_what_is_named():
    missing = []
    for name, typed in served("command"):
        command, words = get_command(app), typed.split()
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        if command.name == "csperf" or [word for word in words if word.startswith("--") and word not in options]:
            missing.append((name, typed))
    assert missing == []


def test_forms_are_written():
    assert [(name, form) for name, form in served("template") if form not in documents()] == []
    assert [(name, form) for name, form in served("form") if form not in {*FORMS, *READ_FORMS, *OTHER_FORMS}] == []


def test_code_and_files_are_there():
    assert [(name, file) for name, file in served("file") if not (ROOT / file).is_file()] == []
    missing = []
    for name, place in served("code"):
        file, _, function = place.partition(":")
        path = ROOT / "csperf" / file
        if not path.is_file() or function not in functions(path):
            missing.append((name, place))
    assert missing == []


def test_tests_are_there():
    missing = []
    for name, row in ROWS.items():
        for test in coverage.proved(row):
            file, _, function = test.partition("::")
            path = TESTS / file
            known = path.is_file() and (path.suffix == ".txt" or function in functions(path))
            missing += [] if known else [(name, test)]
    assert missing == []


def test_each_metric_is_proved_by_a_test_of_its_row():
    unproved = []
    for name, keys in served("metrics"):
        tests = coverage.proved(ROWS[name])
        unproved += [(name, key) for key in keys if not any(proves(test, key) for test in tests)]
    assert unproved == []


def proves(test, key):
    """Whether the test's file names the metric, or the test counts every metric of chats and orders by plain loops."""
    path = TESTS / test.partition("::")[0]
    return (test == LOOPS and key in KEYS) or re.search(rf"\b{key}\b", path.read_text(encoding="utf-8")) is not None


def test_the_page_on_disk_is_that_of_the_rows():
    assert coverage.PAGE.read_text(encoding="utf-8") == coverage.page(), "run: make docs"
