"""Notebooks are thin, speak both languages, and are stored without outputs."""

from __future__ import annotations

import ast
from itertools import groupby, pairwise

import nbformat
import pytest

from csperf.report import NEEDS, NOTEBOOKS, PARAMETERS

PAGES = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
MOST_LINES = 6
THICK = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.While, ast.Lambda, ast.comprehension)
# SENTENCES section 2: words of the statistician that no page may say.
BANNED = "置信区间 预测区间 p值 收缩 后验 贝叶斯 自助法 回测 显著 方差 分位数 达成率".split()


@pytest.fixture(params=PAGES, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def markdown(notebook, lang):
    return [c for c in notebook.cells if c.cell_type == "markdown" and f"lang-{lang}" in c.metadata["tags"]]


def needs(cell):
    return {tag for tag in cell.metadata.get("tags", ()) if tag.startswith(NEEDS)}


def test_there_are_the_first_four():
    assert [path.stem[:2] for path in PAGES][:4] == ["01", "02", "03", "04"]


def test_first_cell_holds_the_parameters_as_strings_only(notebook):
    first = notebook.cells[0]
    assigned = {node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(first.source).body}
    assert first.metadata["tags"] == ["parameters"]
    assert tuple(assigned) == PARAMETERS
    assert all(isinstance(value, str) for value in assigned.values())


def test_setup_opens_the_run_with_every_parameter(notebook):
    assert "run = cs.open_run(params_file, month=month, lang=lang)" in code(notebook)[1].source


def test_cells_are_thin(notebook):
    for cell in code(notebook):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        thick = [type(node).__name__ for node in ast.walk(ast.parse(cell.source)) if isinstance(node, THICK)]
        assert len(lines) <= MOST_LINES, cell.source
        assert not thick, cell.source


def test_each_chinese_cell_is_followed_by_its_english_one(notebook):
    tags = [cell.metadata["tags"][:1] for cell in notebook.cells if cell.cell_type == "markdown"]
    assert tags == [["lang-zh"], ["lang-en"]] * (len(tags) // 2)
    assert len(markdown(notebook, "zh")) == len(markdown(notebook, "en")) > 0


def test_headings_go_with_the_tables_they_introduce(notebook):
    """A shop without the table that all cells under a heading need is shown no heading either."""
    blocks = [list(cells) for _kind, cells in groupby(notebook.cells, key=lambda cell: cell.cell_type)]
    for heads, below in pairwise(blocks):
        for head in heads if heads[0].cell_type == "markdown" else []:
            assert needs(head) == set.intersection(*map(needs, below)), head.source


def test_headings_are_questions(notebook):
    for lang, mark in (("zh", "？"), ("en", "?")):
        heads = [line for c in markdown(notebook, lang) for line in c.source.splitlines() if line.startswith("#")]
        asked = [head for head in heads if mark in head]
        assert len(asked) >= len(heads) - 1, heads  # the exercises at the end of the training page are no question


def test_pages_speak_plainly(notebook):
    said = " ".join(cell.source for cell in markdown(notebook, "zh"))
    assert [word for word in BANNED if word in said] == []


def test_stored_without_outputs(notebook):
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code(notebook))


def test_cell_ids_are_their_place(notebook):
    ids = [cell["id"] for cell in notebook.cells]
    assert [int(name.split("-")[1]) for name in ids] == list(range(len(ids)))
