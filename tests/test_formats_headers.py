"""Headers of every export that is known: order, names and new columns change nothing; what is missing is named."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from made_exports import HEADERS, cells
from test_formats_measured import CASES as MEASURED
from test_formats_orders import CASES as ORDERS
from test_formats_orders import OLIST

from csperf.errors import CsperfError
from csperf.sources import Shop, decode, export
from csperf.sources.recognise import Format, Header, Match, formats, recognise

SHOP = Shop("S", "Asia/Shanghai", key=b"secret")
NEW = [f"不认识的列{n}" for n in range(10)]
ONE_NAME_LEFT = "olist.customers"  # it is known by two names; one alone may stand in anybody's row
PLACES = ("cell", "source_file", "row_id")  # what a column's place or name may change of a row
# format -> header and a row, of those that stand in no other table of cases
OTHERS = {
    "chatwoot.agents": (
        "Agent name,Assigned conversations,Avg first response time,Avg resolution time,Avg customer waiting time",
        "One,42,2 minutes 5 seconds,1 hour 12 minutes,3 minutes 1 second",
    ),
    "taobao.server_report": ("旺旺账号名称,平均响应时长,人工接待会话量,3分钟人工响应率", "店:甲,30,80,96%"),
    "taobao.server_ratings": ("旺旺账号名称,满意评价量,旺旺评价量", "店:甲,46,50"),
    "taobao.benchmarks": ("服务指标,指标表现,环比,同行同层均值,同行同层优秀", "平均响应时长（秒),24.35,-,30.10,15.20"),
    "wangwang.ratings": (
        "日期,店铺,客服姓名,客服子账号,子账号分组,顾客名称,邀评时间,最新评价时间,最新评价结果,评价来源",
        "2025-01-02,店,王,店:01,组,甲,2025-01-02 10:00:00,2025-01-02 10:01:00,0,0",
    ),
    "sycm.invitations": ("接待时间,邀评时间,买家,客服,来源", "2025-01-02 09:00:00,2025-01-02 10:00:00,甲,店:01,系统"),
    "zendesk.view": (
        "Summation column,Id,Requester,Requester id,Assignee,Status,Updated at,Solved at,Satisfaction Score",
        "1,7,Canary,77,Amy,Solved,2025-01-02 10:00:00,2025-01-02 09:00:00,Good",
    ),
    "olist.reviews": (
        "review_id,order_id,review_score,review_comment_title,review_creation_date,review_answer_timestamp",
        "r,a,5,x,2018-01-18 00:00:00,2018-01-18 21:46:59",
    ),
    "qianniu.sheets": (
        "客户名,消息序号,发送时间,发送内容,发送账号,账号类型",
        "甲,1,2025-01-02 09:03:05,在吗,甲,客户",
    ),
    "pdd.shop_performance": (
        "咨询人数,需要人工回复的咨询人数,人工接待人数,3分钟人工回复率(8-23点),30秒应答率(8-23点),平均响应时长(分)",
        "100,90,80,95%,80%,1.50",
    ),
    "taobao.order_items_2019": (",".join(HEADERS["items ≤2019"]), "1,甲,1.00,1,x,y,z,-,-,-"),
    "pdd.refund_charges": (
        "店铺名称,订单号,商品ID,商品名称,扣款原因,申请人,申请时间,申请扣款金额,打款状态",
        "店,1,2,甲,x,y,z,1.00,已打款",
    ),
    "pdd.bill": (
        "商户订单号,发生时间,收入金额（+元）,支出金额（-元）,账务类型,备注,业务描述",
        "1,2025-01-02,1.00,0.00,退款,-,-",
    ),
    "jd.refunded_orders": (
        "时间,服务单ID,订单号,SKU,商品名称,售后退款件数,售后退款金额,付款时间",
        "2025-01-02,1,2,3,甲,1,1.00,-",
    ),
    "jd.compensations": (
        "申请时间,赔付单号,关联订单号,关联服务单号,赔付金额,赔付原因,赔付状态,申请人",
        "2025-01-02,1,2,3,1.00,x,已赔付,y",
    ),
    "jd.settlement": (
        "订单编号,父单号,订单状态,订单下单时间,订单完成时间,售后服务单号,售后退款时间,商品编号",
        "1,2,完成,2025-01-02,-,-,-,3",
    ),
    "douyin.small_payments": (
        "店铺名称,支付流水号,订单编号,商品名称,打款类型,打款金额,打款申请人,打款申请时间,打款到账时间,打款状态",
        "店,1,2,甲,x,1.00,y,2025-01-02,-,成功",
    ),
    "kuaishou.refunds": ("售后单号,订单编号,买家ID,退货物流单号", "1,2,3,4"),
    "xhs.refunds_without_state": (
        "售后单号,订单号,商品名称,售后类型,原因,申请售后金额(元),退货创建时间",
        "1,2,甲,x,y,1.00,2025-01-02",
    ),
}
FILES: dict[str, tuple[list[str], list[list[str]]]] = {
    **{
        case.format: (list(HEADERS[case.header]), cells(HEADERS[case.header], case.rows, case.decorate))
        for case in ORDERS
    },
    **{key: (list(header), [list(map(str, row))]) for header, row, key, _version, _values in MEASURED.values()},
    **{key: (header.split(","), [row.split(",")]) for key, (header, row) in OTHERS.items()},
}
BESIDE = {f"olist.{key}": text for key, text in OLIST.items() if key != "orders"}
for olist, text in {"olist.orders": OLIST["orders"], **BESIDE}.items():
    head, *lines = (line.split(",") for line in text.split("\n") if line)
    FILES[olist.replace("people", "customers")] = (head, lines)


def written(folder: Path, header: list[str], rows: list[list[str]]) -> Path:
    """A file in UTF-8; of Olist's orders those that belong beside it lie in the folder."""
    folder.mkdir()
    for key, text in BESIDE.items() if "order_purchase_timestamp" in "".join(header) else ():
        (folder / key).write_text(text, encoding="utf-8")
    path = folder / "客服_20250102_20250108.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def outcome(path: Path, key: str) -> tuple:
    """What a file was taken for, every row that came of it without its place, and what became of the others."""
    loaded = export.load(path, export.Settings(files="*"), SHOP)
    assert loaded.recognised.format == key
    assert loaded.counts.kept or not formats()[key].table
    tables = {
        name: rows.drop_columns([c for c in PLACES if c in rows.column_names]) for name, rows in loaded.tables.items()
    }
    return {name: rows.to_pylist() for name, rows in tables.items()}, loaded.counts


def test_every_format_has_a_file_here():
    assert set(FILES) == set(formats())


@pytest.mark.parametrize("key", formats())
def test_order_blanks_brackets_and_ten_new_columns_change_nothing(key, tmp_path):
    header, rows = FILES[key]
    other = [f"\ufeff {name} ".translate(str.maketrans("（）", "()")) for name in reversed(header)]
    path = written(tmp_path / "other", [*NEW, *other], [[*NEW, *reversed(row)] for row in rows])
    assert outcome(path, key) == outcome(written(tmp_path / "plain", header, rows), key)
    assert {*NEW} <= set(export.load(path, export.Settings(files="*"), SHOP).recognised.ignored)


ALIASES = [
    (known.key, name, other)
    for known in formats().values()
    for one, others in known.aliases.items()
    for name, other in ((a, b) for a in (one, *others) for b in (one, *others) if a != b)
    if name in map(decode.normalised, FILES[known.key][0])
]


@pytest.mark.parametrize(("key", "name", "other"), ALIASES)
def test_a_name_of_another_version_changes_nothing(key, name, other, tmp_path):
    header, rows = FILES[key]
    renamed = [other if decode.normalised(heading) == name else heading for heading in header]
    assert outcome(written(tmp_path / "a", renamed, rows), key) == outcome(written(tmp_path / "b", header, rows), key)


def without(header: list[str], known: Format, entry: tuple[str, ...]) -> list[int]:
    """The places of the columns that are left when none of these is there."""
    left = list(range(len(header)))
    while True:
        names = tuple(decode.normalised(header[place]) for place in left)
        found = {own for name in entry if (own := Match(known, Header(0, 1, names, names)).own(name))}
        if not found:
            return left
        left = [place for place, name in zip(left, names, strict=True) if name not in found]


@pytest.mark.parametrize("key", formats())
def test_each_required_column_that_is_gone_is_named(key, tmp_path, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "zh")
    header, rows = FILES[key]
    for number, entry in enumerate(formats()[key].requires):
        left = without(header, formats()[key], entry)
        fewer = [[row[place] for place in left] for row in (header, *rows)]
        path = written(tmp_path / f"{number}", fewer[0], fewer[1:])
        with pytest.raises(CsperfError) as refused:
            export.load(path, export.Settings(files="*", format=key), SHOP)
        said = refused.value.problems[0].message
        assert " / ".join(entry) in said or (key == ONE_NAME_LEFT and "前 30 行里没有" in said)
        match = recognise(path)
        assert match is None or match.format.key != key
