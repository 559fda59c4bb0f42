"""The supervisors' course: thin, in both languages, in plain words, with the outputs that are its lesson.

That the outputs are still what the cells give is nbval's to say: it runs the notebooks with the other tests.
"""

from __future__ import annotations

import ast

import nbformat
import pytest
from test_notebooks import BANNED, MOST_LINES, THICK, code, markdown

from csperf.report import NOTEBOOKS

LESSONS = sorted((NOTEBOOKS / "training").glob("*.ipynb"))


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request):
    return nbformat.read(request.param, as_version=4)


def test_there_are_four_lessons_in_their_order():
    assert [path.stem[:2] for path in LESSONS] == ["01", "02", "03", "04"]


def test_every_cell_has_run_and_shows_something(lesson):
    for cell in code(lesson):
        assert cell.outputs, cell.source
        assert all(output.output_type in ("stream", "execute_result") for output in cell.outputs), cell.source
        assert not [output for output in cell.outputs if output.get("name") == "stderr"]


def test_cells_are_thin(lesson):
    for cell in code(lesson):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= MOST_LINES, cell.source
        assert not [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, THICK)], cell.source


def test_each_chinese_cell_is_followed_by_its_english_one(lesson):
    tags = [cell.metadata["tags"] for cell in lesson.cells if cell.cell_type == "markdown"]
    assert tags == [["lang-zh"], ["lang-en"]] * (len(tags) // 2)


def test_headings_are_questions_alike_in_both_languages(lesson):
    asked = {}
    for lang, mark in (("zh", "？"), ("en", "?")):
        heads = [line for c in markdown(lesson, lang) for line in c.source.splitlines() if line.startswith("#")]
        assert [head for head in heads if mark not in head] == []
        asked[lang] = len(heads)
    assert asked["zh"] == asked["en"] >= 6


def test_lessons_speak_plainly(lesson):
    said = " ".join(cell.source for cell in markdown(lesson, "zh"))
    assert [word for word in BANNED if word in said] == []


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("01", ["晋歌", "1.1版", "2010年9月9日"]),  # S2-01
        ("01", ["菜单", "贴标签", "值得"]),  # S2-12
        ("02", ["回复率", "活动", "商家后台"]),  # S0-26
        ("04", ["客户需求导向、公平公正、高效协同"]),  # S1-01
        ("04", ["竞争、晋升、奖惩、监督四套机制"]),  # S1-27
        ("04", ["讨论题", "思维导图"]),  # S1-70
        ("04", ["**24**", "**12**", "**6**", "没有出处"]),  # S4-28
        ("04", ["**90**", "**30**", "**15**", "**34%**", "没有出处"]),  # S4-31
    ],
)
def test_what_the_documents_claim_is_told(place, told):
    (path,) = [path for path in LESSONS if path.stem.startswith(place)]
    said = "\n".join(cell.source for cell in markdown(nbformat.read(path, as_version=4), "zh"))
    assert [word for word in told if word not in said] == []


def test_numbers_in_the_text_are_those_of_the_cells():
    """The sentences a supervisor remembers stand in the outputs, too."""
    shown = {
        path.stem[:2]: " ".join(
            output.get("text") or output["data"]["text/plain"]
            for cell in code(nbformat.read(path, as_version=4))
            for output in cell.outputs
        )
        for path in LESSONS
    }
    expected = {
        "01": ["69.25%", "35.135%", "24.33%", "36.667%", "104.4", "16.2", "0.833", "1.1.1"],
        "02": ["1.28", "1.75", " 40 ", "24.0", "0.42"],
        "03": ["0.296", "0.411", "0.311", "0.426", "0.882", "0.323", "0.355", "0.141", "0.559"],
        "04": ["0.12", "100", "65", "60%", "75%"],
    }
    missing = {n: [x for x in numbers if x not in shown[n]] for n, numbers in expected.items()}
    assert not any(missing.values()), missing


def test_cell_ids_are_their_place(lesson):
    ids = [cell["id"] for cell in lesson.cells]
    assert [int(name.split("-")[1]) for name in ids] == list(range(len(ids)))
