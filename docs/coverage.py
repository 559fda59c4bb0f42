"""The page that says what serves each row of the five documents this project grew out of.

`python -m docs.coverage` writes coverage.md from coverage.yaml; tests/test_coverage.py checks that all of it is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
SOURCE, PAGE = FOLDER / "coverage.yaml", FOLDER / "coverage.md"
SOURCES = {
    "S0": "拼多多客服绩效指南 · A guide for Pinduoduo shops",
    "S1": "《网店客服》第9章 · A textbook's chapter 9",
    "S2": "淘宝客服绩效系统手册（2010） · A manual of 2010 for Taobao shops",
    "S3": "网店客服绩效考核数据分析 · An article put together by a machine",
    "S4": "客服指标与呼叫中心 · Key figures of service departments and call centres",
}
INTRO = """# 覆盖表 · Coverage

这个项目从五份材料长出来，一共{rows}条。每一条写明由什么提供（指标、分析页、命令、表格、代码），由哪个测试证明；没有做的写明理由（{left_out}条）。

This project grew out of five documents with {rows} rows. Each row names what serves it and the test that proves it,
or why it is left out ({left_out} rows). Written by `make docs` from coverage.yaml."""
HEADINGS = "| 行 Row | 内容 Item | 由什么提供 Served by | 测试 Test |\n|---|---|---|---|"
SERVERS = ("metrics", "notebook", "command", "template", "form", "code", "file")


def rows() -> dict[str, dict[str, Any]]:
    """Every row of coverage.yaml by its id; see there for what an entry may hold."""
    return yaml.safe_load(SOURCE.read_text(encoding="utf-8"))


def page() -> str:
    """The table as Markdown, a section for each document."""
    found = rows()
    parts = [INTRO.format(rows=len(found), left_out=sum("left_out" in row for row in found.values()))]
    for source, title in SOURCES.items():
        lines = [_line(name, row) for name, row in found.items() if name.startswith(f"{source}-")]
        parts += [f"## {source} {title}", "\n".join([HEADINGS, *lines])]
    return "\n\n".join(parts) + "\n"


def _line(name: str, row: Mapping[str, Any]) -> str:
    served = "<br>".join(_served(row)) or f"没有做 left out：{row['left_out']['zh']} · {row['left_out']['en']}"
    proofs = "<br>".join(f"`{test}`" for test in proved(row)) or "–"
    return f"| {name} | {row['zh']} · {row['en']} | {served} | {proofs} |"


def proved(row: Mapping[str, Any]) -> list[str]:
    """The tests of a row: worked cases, or a file and the test in it."""
    tests = row.get("test", [])
    return [tests] if isinstance(tests, str) else tests


def _served(row: Mapping[str, Any]) -> Iterator[str]:
    """What serves a row, each in words."""
    if "metrics" in row:
        yield "指标 " + " ".join(f"`{key}`" for key in row["metrics"])
    if "notebook" in row:
        file, _, heading = row["notebook"].partition("#")
        yield f"分析页 [{file}](../notebooks/{file}.ipynb) {heading}"
    if "command" in row:
        yield f"命令 `csperf {row['command']}`"
    if "template" in row:
        yield f"管理表格 `{row['template']}`"
    if "form" in row:
        yield f"店铺表格 `{row['form']}`"
    if "code" in row:
        file, _, function = row["code"].partition(":")
        yield f"代码 [{file}](../csperf/{file}) `{function}`"
    if "file" in row:
        yield f"文件 [{row['file']}](../{row['file']})"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
