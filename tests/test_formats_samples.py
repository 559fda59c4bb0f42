"""The platforms' files as they are, all in one folder: each known, each row accounted for, nothing personal left."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
import xlsxwriter
from leftovers import found, texts
from python_calamine import CalamineWorkbook

from csperf.errors import CsperfError
from csperf.load import LoadReport, load
from csperf.params import load_params
from csperf.run import facts, open_run
from csperf.sources import Shop, decode, export
from csperf.sources.recognise import recognise

SAMPLES = Path(__file__).parents[1].parent / "shared" / "formats" / "samples"
SHOP = Shop("S", "Asia/Shanghai", key=b"secret")
SYCM = "自制报表-报表查看-客服绩效_20250101_20250107_全部.xlsx"
# format, version, rows read, kept, left out, folded
EXPECTED = {
    "ExportOrderList201707081200.csv": ("taobao.orders", "2017", 4, 4, 0, 0),
    "chatwoot_agents.csv": ("chatwoot.agents", "newer", 3, 2, 1, 0),
    "connect_ctr.jsonl": ("connect.ctr", "contact record", 3, 2, 1, 0),
    "douyin_aftersale.csv": ("douyin.refunds", "2026", 3, 3, 0, 0),
    "douyin_orders_2024.csv": ("douyin.orders", "2024", 4, 3, 0, 1),
    "jd_orders.csv": ("jd.orders", "2015-19", 4, 3, 0, 1),
    "orders_export_2025.csv": ("pdd.orders", "2025-26", 3, 3, 0, 0),
    "pdd_客服数据.xlsx": ("pdd.agent_performance", "2024-25", 5, 3, 2, 0),
    "qianniu_chat.txt": ("qianniu.chat", "client", 8, 8, 0, 0),
    "taobao_refunds_2017.xlsx": ("taobao.refunds", "2017", 4, 4, 0, 0),
    "whatsapp_zh.txt": ("whatsapp.chat", "Android", 4, 4, 0, 0),
    SYCM: ("taobao.agent_performance", "2025-26", 9, 5, 4, 0),
}
PERSONAL = {
    "ExportOrderList201707081200.csv": (
        "买家支付宝账号 买家留言 收货人姓名 收货地址 联系电话 联系手机 订单备注 发票抬头 修改后的收货地址"
    ),
    "douyin_aftersale.csv": (
        "商家退货地址 商家退货联系人姓名 商家退货联系人电话 订单备注 用户售后说明 售后备注 协商记录"
    ),
    "douyin_orders_2024.csv": "收件人 收件人手机号 省 市 区 街道 详细地址 买家留言 商家备注",
    "jd_orders.csv": "客户姓名 客户地址 联系电话 订单备注 发票抬头 商家备注",
    "orders_export_2025.csv": "商家备注",
    "taobao_refunds_2017.xlsx": (
        "支付宝交易号 卖家真实姓名 卖家退货地址 卖家邮编 卖家电话 卖家手机 买家退款说明 商家备注"
    ),
}
CANARIES = ("金丝雀", "13800138077", "canary@example.com")
SHOPS_NAME = "店铺名称"  # told where the exports name several
DATE = re.compile(r"^\d{4}-\d\d-\d\d")

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples of the platforms' files are not here")


def shop_of(folder: Path) -> Path:
    """The settings of a shop that names only a folder of exports, and who of a chat's writers are agents."""
    source = '{source: export, files: "exports/*", accounts: [示例店]}'
    params = folder / "params.yaml"
    params.write_text(f"shop: S\ntimezone: Asia/Shanghai\nsources:\n  - {source}\n", encoding="utf-8")
    (folder / "exports").mkdir()
    return params


def loaded(params: Path) -> LoadReport:
    return load(load_params(params).loading)


# Values -----------------------------------------------------------------------------------------------------------


def test_every_sample_is_known_and_every_row_accounted_for(tmp_path, monkeypatch):
    monkeypatch.setenv("CSPERF_KEY", "secret")
    params = shop_of(tmp_path)
    for path in SAMPLES.iterdir():
        (tmp_path / "exports" / path.name).write_bytes(path.read_bytes())
    files = loaded(params).files.fillna({"version": ""})
    names = ["format", "version", "read", "kept", "filtered", "folded"]
    told = {Path(row["file"]).name: tuple(row[name] for name in names) for row in files.to_dict("records")}
    assert told == EXPECTED
    assert not files[["duplicate", "replaced", "rejected"]].to_numpy().any()


def values_of(name: str) -> dict[str, dict[str, tuple]]:
    """By account, and by cell of peers, what each metric is and what n it rests on."""
    tables = export.load(SAMPLES / name, export.Settings(files="*"), SHOP).tables
    told: dict[str, dict[str, tuple]] = {}
    for row in [*tables["measured"].to_pylist(), *(tables["benchmarks"].to_pylist() if "benchmarks" in tables else [])]:
        value = None if row["value"] is None else round(row["value"], 6)
        told.setdefault(row.get("agent_id") or row["cell"], {})[row["metric"]] = (value, row["n"])
    return told


def bare(**values: float) -> dict[str, tuple]:
    return {metric: (value, None) for metric, value in values.items()}


def test_pinduoduos_table_comes_to_what_its_cells_say():
    rates = {"reply_3min_user_allday": 0.951, "reply_30s_msg": 0.88, "reply_30s_msg_allday": 0.864}
    others = {"reply_3min_user_allday": 0.89, "reply_30s_msg": 0.7143, "reply_30s_msg_allday": 0.7}
    counts = ("asked_users", "served_users", "inquiry_users", "lost_inquiries", "sales_yuan")
    assert values_of("pdd_客服数据.xlsx") == {
        "示例店:小甲": bare(**dict(zip(counts, (120, 110, 40, 18, 1234.5), strict=True)), mean_wait_msg_s=75, **rates)
        | {"conversion_grouped_user": (0.55, 40), "reply_3min_user": (0.96, 100), "low_rating_share": (0.066667, 30)},
        "示例店:小乙": bare(**dict(zip(counts, (80, 75, 25, 15, 560), strict=True)), mean_wait_msg_s=126, **others)
        | {"conversion_grouped_user": (0.4, 25), "reply_3min_user": (0.9, 70), "low_rating_share": (0, 12)},
        "示例店:小丙": bare(**dict.fromkeys(counts, 0))
        | {"conversion_grouped_user": (None, 0), "reply_3min_user": (None, 0), "low_rating_share": (None, 0)},
    }


def test_sycms_table_and_its_peers_come_to_what_their_cells_say():
    names = ("first_reply_s", "mean_wait_turn_s", "good_rating_share")

    def row(paid: float | None, n: int | None, *others: float | None) -> dict[str, tuple]:
        told = bare(**{name: value for name, value in zip(names, others, strict=True) if value is not None})
        return told | {"conversion_paid_user": (paid, n)}

    agents = {
        "示例旗舰店:小甲": row(0.6, 520, 8.2, 24.35, 0.971) | bare(inquiry_users=520, sales_yuan=18320.5),
        "示例旗舰店:小乙": row(0.5, 300, 12, 31.9, 0.95) | bare(inquiry_users=300, sales_yuan=7400),
        "示例旗舰店:机器人": row(None, 0, 1, 1, None) | bare(inquiry_users=0, sales_yuan=0),
    }
    peers = {"tier_excellent": row(0.64, None, 5.1, 15.2, 0.99), "tier_mean": row(0.52, None, 11.3, 30.1, 0.96)}
    assert values_of(SYCM) == agents | peers


# Personal data ----------------------------------------------------------------------------------------------------


def cells_of(path: Path) -> list[list[str]]:
    if path.suffix == ".xlsx":
        return CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    raw = path.read_bytes()
    text = raw.decode("gb18030" if path.name.startswith(("Export", "jd")) else "utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def planted(path: Path, folder: Path, broken: bool = True) -> Path:
    """A copy of a table with a canary in each cell that is not read, and a row more whose times cannot be read."""
    rows, first = cells_of(path), recognise(path).header.line
    head = [decode.normalised(name) for name in rows[first - 1]]
    used = export.load(path, export.Settings(files="*"), SHOP).recognised.used
    read = {decode.normalised(name) for name in (*used, SHOPS_NAME)}
    assert not set(PERSONAL.get(path.name, "").split()) & read
    for row in rows[first:]:
        row[:] = [cell if name in read else "/".join(CANARIES) for name, cell in zip(head, row, strict=False)]
    if broken:
        rows.append(["?" if DATE.match(str(cell)) else cell for cell in rows[first]])
    copy = folder / path.name
    if path.suffix == ".xlsx":
        with xlsxwriter.Workbook(str(copy)) as book:
            page = book.add_worksheet()
            for line, row in enumerate(rows):
                page.write_row(line, 0, row)
    else:
        with copy.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(rows)
    return copy


def planted_text(path: Path, folder: Path) -> Path:
    """A copy of a chat or of a telephone log in which a customer's name, number and address are written."""
    text = path.read_bytes().decode("utf-8")
    name, number, address = CANARIES
    for plain, told in {"在吗": f"在吗{number}", "你好": f"你好{address}", "+10000000001": f"+86{number}"}.items():
        text = text.replace(plain, told)
    text = text.replace("示例买家:", f"{name}:")
    assert any(canary in text for canary in CANARIES)
    copy = folder / path.name
    copy.write_bytes(text.encode())
    return copy


TEXTS = (".txt", ".jsonl")


def test_nothing_personal_reaches_the_store_what_is_derived_the_rejects_or_what_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CSPERF_KEY", "secret")
    params = shop_of(tmp_path)
    for path in SAMPLES.iterdir():
        (planted_text if path.suffix in TEXTS else planted)(path, tmp_path / "exports")
    report = loaded(params)
    assert report.files["rejected"].sum() >= len(PERSONAL)
    run = open_run(params)
    kept = sum(table.count().to_pyarrow().as_py() for table in facts(run).values())
    folders = (tmp_path / "store", tmp_path / "store.derived")
    names = {path.relative_to(tmp_path).parts[0] for path, _text in texts(*folders)}
    assert kept and names == {"store", "store.derived"} and any((tmp_path / "store" / "rejects").iterdir())
    assert found(CANARIES, *folders) == [] and found(CANARIES, tmp_path / "exports")
    said = "".join((report.files.to_csv(), report.reasons.to_csv(), *(notice.say() for notice in report.warnings)))
    assert not [canary for canary in CANARIES if canary in said]


@pytest.mark.parametrize("name", [name for name in EXPECTED if not name.endswith(TEXTS)])
def test_a_refused_file_is_answered_without_what_stands_in_it(name, tmp_path):
    path = planted(SAMPLES / name, tmp_path, broken=False)
    needed = recognise(path).format.requires[0][0]
    rows = cells_of(path) if path.suffix == ".xlsx" else list(csv.reader(path.open(encoding="utf-8-sig")))
    place = next(n for n, row in enumerate(rows) if needed in [str(cell).strip() for cell in row])
    rows[place] = ["" if str(cell).strip() == needed else cell for cell in rows[place]]
    with (tmp_path / "cut.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    with pytest.raises(CsperfError) as refused:
        export.load(tmp_path / "cut.csv", export.Settings(files="*", format=recognise(path).format.key), SHOP)
    assert needed in str(refused.value)
    assert not [canary for canary in CANARIES if canary in str(refused.value)]
