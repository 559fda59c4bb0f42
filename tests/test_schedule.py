"""The wide 排班表: each filled cell becomes a shift, a day off, or a reject with its line."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import xlsxwriter

from csperf.errors import CsperfError
from csperf.sources import Shop, schedule

HEADER = ["工号", "姓名", dt.date(2026, 10, 31), dt.date(2026, 11, 1)]
TIMES = [["班次", "上班", "下班"], ["早", "8:00", "16:00"], ["晚", "16:00", "00:30"], ["夜", "20:00", "24:00"]]


def plan(folder: Path, rows: list[list], header: list = HEADER, times: list[list] = TIMES) -> Path:
    path = folder / "排班表.xlsx"
    book = xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"})
    for name, content in (("排班", [header, *rows]), ("班次", times)):
        sheet = book.add_worksheet(name)
        for line, cells in enumerate(content):
            sheet.write_row(line, 0, cells)
    book.close()
    return path


def load(path: Path, timezone: str | None = "Asia/Shanghai"):
    return schedule.load(path, schedule.Settings(files="*"), Shop("demo", timezone, root=path.parent))


def test_a_cell_becomes_a_shift_in_the_shops_zone(tmp_path):
    loaded = load(plan(tmp_path, [["A1", "甲", "早", "晚"], ["A2", "乙", "夜", ""]]))
    shifts = [(r["agent_id"], r["shift"], f"{r['start']:%d %H:%M}", f"{r['end']:%d %H:%M}", r["day"].isoformat())
              for r in loaded.tables["shifts"].to_pylist()]  # fmt: skip
    assert sorted(shifts) == [
        ("A1", "早", "31 00:00", "31 08:00", "2026-10-31"),
        ("A1", "晚", "01 08:00", "01 16:30", "2026-11-01"),
        ("A2", "夜", "31 12:00", "31 16:00", "2026-10-31"),
    ]


def test_every_filled_cell_is_accounted_for(tmp_path):
    loaded = load(plan(tmp_path, [["A1", "甲", "早", "休"], ["", "乙", "早", "早"], ["A3", "丙", "替甲", "请假"]]))
    assert loaded.counts.read == 6
    assert loaded.counts.kept == 1
    assert loaded.counts.filtered == {"day_off": 2}
    assert loaded.counts.rejected == {"empty:agent_id": 2, "value_unmapped:shift": 1}
    assert loaded.rejects.to_pylist()[-1] == {"line": 4, "reason": "value_unmapped:shift", "shift": "2026-10-31 替甲"}


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"header": ["姓名", "组", *HEADER[2:]]}, "a column 工号"),
        ({"header": ["工号", "姓名", "1日", "2日"]}, "dates like 2026-10-01"),
        ({"times": [TIMES[0], ["早", "八点", "16:00"]]}, "line 2 of the sheet of shift times"),
        ({"times": [TIMES[0], ["早"]]}, "line 2 of the sheet of shift times"),
    ],
)
def test_a_plan_that_cannot_be_read_says_what_it_needs(tmp_path, monkeypatch, broken, message):
    monkeypatch.setenv("CSPERF_LANG", "en")
    with pytest.raises(CsperfError, match=message):
        load(plan(tmp_path, [["A1", "甲", "早", "早"]], **broken))


def test_a_shop_without_zone_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")
    with pytest.raises(CsperfError, match="write `timezone:`"):
        load(plan(tmp_path, [["A1", "甲", "早", ""]]), timezone=None)
