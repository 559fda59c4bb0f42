"""Exports of orders and refunds, known by their headers: every format and version, in its own encoding and ways."""

from __future__ import annotations

import textwrap
import zipfile
from dataclasses import dataclass
from pathlib import Path

import ibis
import pandas as pd
import pytest
import xlsxwriter
import yaml
from made_exports import HEADERS, dashed, plain, quoted_by_one, tabbed, taobao_csv, text_csv, workbook

from csperf.cli import main
from csperf.errors import CsperfError
from csperf.facts import INPUT
from csperf.load import LoadSettings, load, store_of
from csperf.sources import Shop, call_json, chat_json, export, supported
from csperf.sources.recognise import formats, is_personal, recognise, written_about
from csperf.sources.table import Settings as Mapping
from csperf.text import words

ROOT = Path(__file__).parents[1]
OLIST_DATA = ROOT.parent / "shared" / "data" / "olist_reviews"
SAMPLES = ROOT.parent / "shared" / "formats" / "samples"
SHOP = Shop("S", "Asia/Shanghai", key=b"secret")
TIMES = [name for name in INPUT["orders"].arrow.names if name.endswith("_at")] + ["requested_at", "finished_at"]


@dataclass(frozen=True)
class Case:
    """A documented header: what it is to be taken for, how such files are written, rows, and the values they hold."""

    header: str
    format: str
    version: str
    write: object
    rows: tuple
    values: dict
    decorate: object = plain

    def __str__(self):
        return self.header

    def file(self, folder, header=None):
        path = folder / "download"  # the name says nothing
        self.write(path, header or HEADERS[self.header], self.rows, self.decorate)
        return path


def read(path, **settings):
    return export.load(path, export.Settings(files="*", **settings), SHOP)


def rows_of(loaded):
    """The rows by their key, times as the wall clock of Shanghai, nulls as None."""
    (name,) = loaded.tables
    frame = loaded.tables[name].to_pandas()
    for column in set(TIMES) & set(frame):
        local = pd.to_datetime(frame[column], utc=True).dt.tz_convert("Asia/Shanghai")
        frame[column] = local.dt.strftime("%Y-%m-%d %H:%M:%S")
    frame = frame.astype(object).where(frame.notna(), None).sort_values("source_line")
    return frame.set_index("order_id" if name == "orders" else "refund_id").to_dict("index")


# What the rows say ------------------------------------------------------------------------------------------------

TB1, TB2, TB3 = "35000000000000011", "35000000000000012", "35000000000000013"


def taobao(version):
    """Three orders: done, half-width in words and paid; not paid; closed after it was paid."""
    header = [name.strip() for name in HEADERS[f"taobao {version}"]]
    times = {"订单创建时间": "2017-07-01 23:59:59", "订单付款时间": "2017-07-02 00:00:10"}
    done = {"订单编号": TB1, "买家会员名": "甲", "买家会员昵称": "甲", "订单状态": "卖家已发货,等待买家确认"} | times
    done |= {"总金额": "1,059.00", "买家应付货款": "1,060.00", "宝贝总数量": "3", "确认收货时间": "2017-07-05 08:00:00"}
    done |= {"买家实际支付金额": "1,058.50", "买家实付金额": "1,058.50", "买家服务费": "12.50元"}
    owed = {"订单编号": TB2, "买家会员名": "乙", "买家会员昵称": "乙", "订单状态": "等待买家付款", "宝贝总数量": "1"}
    owed |= {"总金额": "20.00", "买家应付货款": "20.00", "买家实际支付金额": "0.00", "买家实付金额": "0.00"}
    owed |= {"订单创建时间": "2017/7/3 9:02"}
    shut = done | {"订单编号": TB3, "订单状态": "交易关闭", "确认收货时间": ""}
    named = {"买家会员名", "买家会员昵称"} & set(header)
    closed = "2017-07-05 08:00:00" if "确认收货时间" in header else None
    paid = {"buyer_id": "甲" if named else None, "created_at": "2017-07-01 23:59:59", "paid_at": "2017-07-02 00:00:10"}
    paid |= {"amount_fen": 105850, "paid_fen": 105850, "quantity": 3, "grouped_at": None}
    values = {
        TB1: paid | {"status": "shipped", "closed_at": closed},
        TB2: {"amount_fen": 2000, "paid_fen": None, "status": "unpaid", "paid_at": None, "quantity": 1}
        | {"created_at": "2017-07-03 09:02:00", "buyer_id": "乙" if named else None},
        TB3: paid | {"status": "closed", "closed_at": None},
    }
    write = workbook() if version == "2024+" else taobao_csv
    return Case(f"taobao {version}", "taobao.orders", version, write, (done, owed, shut), values)


def taobao_items(version):
    base = {"订单创建时间": "2021-03-01 10:00:00", "订单付款时间": "2021-03-01 10:01:00", "主订单编号": TB1}
    amounts = [{"买家实际支付金额": a, "买家实付金额": a, "购买数量": n} for a, n in (("10.00", "1"), ("7.50", "2"))]
    rows = (
        base | amounts[0] | {"子订单编号": "1", "订单状态": "交易成功", "退款金额": "无退款申请"},
        base | amounts[1] | {"子订单编号": "2", "订单状态": "交易关闭", "退款金额": "7.50"},
        base | amounts[1] | {"主订单编号": TB2, "子订单编号": "3", "订单状态": "交易关闭"},
    )
    values = {
        TB1: {"amount_fen": 1750, "paid_fen": 1750, "quantity": 3, "status": "completed", "source_line": 2},
        TB2: {"amount_fen": 750, "quantity": 2, "status": "closed", "buyer_id": None, "source_line": 4},
    }
    return Case(f"items {version}", "taobao.order_items", version, text_csv("gb18030"), rows, values)


TEACHING = Case(
    "teaching",
    "taobao.orders_teaching",
    "",
    text_csv("utf-8"),
    (
        {"订单编号": "1", "总金额": "178.8", "买家实际支付金额": "0", "订单创建时间": "2020-02-21 00:00:00"},
        {"订单编号": "2", "总金额": "21", "买家实际支付金额": "21", "订单创建时间": "2020-02-20 23:59:54"}
        | {"订单付款时间": "2020-02-21 00:00:02", "退款金额": "0"},
    ),
    {
        "1": {"amount_fen": 17880, "paid_fen": None, "status": "unpaid", "paid_at": None},
        "2": {"amount_fen": 2100, "paid_fen": 2100, "status": "paid", "created_at": "2020-02-20 23:59:54"},
    },
)


def pdd(name, version, write):
    paid = {
        "订单号": "250102-000000000000011",
        "订单状态": "已收货",
        "用户实付金额(元)": "36.30",
        "商家实收金额(元)": "37.80",
    }
    paid |= {"商品数量(件)": "2", "支付时间": "2025-01-02 09:30:15", "拼单成功时间": "2025-01-02 09:40:00"}
    paid |= {
        "订单成交时间": "2025-01-02 09:30:15",
        "确认收货时间": "2025-01-06 09:12:00",
        "售后状态": "无售后或售后取消",
    }
    sent = paid | {"订单号": "250102-000000000000012", "订单状态": "已发货，待签收", "确认收货时间": ""}
    back = paid | {"订单号": "250102-000000000000013", "订单状态": "已发货,退款成功", "售后状态": "退款成功"}
    owed = {"订单号": "250103-000000000000014", "订单状态": "待支付", "用户实付金额(元)": "19.90", "商品数量(件)": "1"}
    owed |= {"商家实收金额(元)": "19.90"}
    grouped = "2025-01-02 09:40:00" if "拼单成功时间" in HEADERS[name] else "2025-01-02 09:30:15"
    known = {"buyer_id": None, "created_at": None, "paid_at": "2025-01-02 09:30:15", "grouped_at": grouped}
    known |= {"amount_fen": 3630, "paid_fen": 3630, "quantity": 2}
    unpaid = {"status": "unpaid", "paid_fen": None, "amount_fen": 1990, "paid_at": None, "created_at": None}
    values = {
        paid["订单号"]: known | {"status": "completed", "closed_at": "2025-01-06 09:12:00"},
        sent["订单号"]: known | {"status": "shipped", "closed_at": None},
        back["订单号"]: known | {"status": "closed"},
        owed["订单号"]: unpaid | {"created_day": pd.Timestamp("2025-01-03").date(), "grouped_at": None},
    }
    return Case(name, "pdd.orders", version, write, (paid, sent, back, owed), values, tabbed)


def jd(version):
    times = {"下单时间": "2019-05-02 23:59:59", "付款确认时间": "2019-05-03 00:00:20"}
    amounts = {"订单金额": "168.00", "结算金额": "158.00", "应付金额": "158.00", "货号": "000123"}
    who = {"下单帐号": "jd_a", "下单账号": "jd_a", "快递单号": "X1"}
    first = {"订单号": "30000000011", "订购数量": "1", "订单状态": "等待出库"} | times | amounts | who
    second = first | {"订购数量": "2", "商品名称": '示例"商品",乙'}
    gone = first | {"订单号": "30000000012", "订单状态": "(删除)等待出库", "订单完成时间": "2019-05-04 10:00:00"}
    gone |= {"付款确认时间": ""}
    values = {
        "30000000011": {"amount_fen": 15800, "paid_fen": 15800, "quantity": 3, "status": "paid", "buyer_id": "jd_a"}
        | {"created_at": "2019-05-02 23:59:59", "paid_at": "2019-05-03 00:00:20", "closed_at": None, "source_line": 2},
        "30000000012": {"amount_fen": 15800, "paid_fen": None, "status": "closed", "closed_at": "2019-05-04 10:00:00"},
    }
    write = text_csv("gb18030")
    return Case(f"jd {version}", "jd.orders", version, write, (first, second, gone), values, quoted_by_one)


def douyin(version):
    amounts = ("订单应付金额", "应付金额（到付按此收费）", "商品金额")
    paid = {"支付完成时间": "2024-03-01 21:00:10", "订单提交时间": "2024-03-01 21:00:00", "订单状态": "已发货"}
    one = {"主订单编号": "6900000000000000011", "子订单编号": "6900000000000000011", "商品数量": "1"} | paid
    one |= dict.fromkeys(amounts, "1,299.00") | {"订单状态": "已完成", "订单完成时间": "2024-03-09 10:00:00"}
    two = one | {"子订单编号": "6900000000000000012", "商品数量": "2", "订单状态": "已发货", "订单完成时间": ""}
    two |= dict.fromkeys(amounts, "20.00")
    owed = {"主订单编号": "6900000000000000013", "子订单编号": "6900000000000000013", "商品数量": "1"}
    owed |= {"订单提交时间": "2024-03-02 01:00:00", "订单状态": "待支付"} | dict.fromkeys(amounts, "39.90")
    values = {
        "6900000000000000011": {"amount_fen": 131900, "paid_fen": 131900, "quantity": 3, "status": "shipped"}
        | {"buyer_id": None, "paid_at": "2024-03-01 21:00:10", "closed_at": "2024-03-09 10:00:00", "source_line": 2},
        "6900000000000000013": {"amount_fen": 3990, "paid_fen": None, "status": "unpaid", "paid_at": None},
    }
    return Case(f"douyin {version}", "douyin.orders", version, text_csv("utf-8-sig"), (one, two, owed), values, dashed)


KUAISHOU_ROWS = (
    {
        "订单号": "2500000000000011",
        "订单创建时间": "2025/1/2 9:03:05",
        "订单支付时间": "2025/1/2 9:03:15",
        "实付款": "49.90",
    }
    | {"订单状态": "已收货", "成交数量": "2", "CPS达人ID": "7"},
    {"订单号": "2500000000000012", "订单创建时间": "2025-01-02 10:00:00", "订单状态": "交易关闭", "实付款": "9.90"}
    | {"成交数量": "1"},
)
KUAISHOU = {
    "2500000000000011": {"amount_fen": 4990, "paid_fen": 4990, "quantity": 2, "status": "completed", "buyer_id": None}
    | {"created_at": "2025-01-02 09:03:05", "paid_at": "2025-01-02 09:03:15", "closed_at": None},
    "2500000000000012": {"amount_fen": 990, "paid_fen": None, "status": "closed"},
}


def with_line_ends(path, header, rows, decorate):
    """As old exports of Kuaishou: names of columns broken over two lines."""
    text_csv("utf-8-sig")(path, [f"{name[:2]}\n{name[2:]}" for name in header], rows, decorate)


XHS_ORDER = {"订单号": "P000000000000000011", "小红书编码": "x", "用户应付金额(元)": "88.00", "用户编号": "u1"}
XHS_ORDER |= {"支付时间": "2025-01-02 09:03:15", "订单创建时间": "2025-01-02 09:03:05", "订单状态": "已发货"}
XHS = Case(
    "xhs 2025",
    "xhs.orders",
    "2025",
    workbook(),
    (XHS_ORDER | {"SKU件数": "1"}, XHS_ORDER | {"SKU件数": "2"}),
    {
        "P000000000000000011": {"amount_fen": 8800, "paid_fen": 8800, "quantity": 3, "status": "shipped"}
        | {"buyer_id": "u1", "created_at": "2025-01-02 09:03:05", "closed_at": None}
    },
)
WECHAT_ORDER = {"订单号": "3700000000000000011", "订单下单时间": "2025-01-02 09:03:05", "订单实际支付金额": "30.00"}
WECHAT_ORDER |= {"支付时间": "2025-01-02 09:03:15", "订单确认收货时间": "2025-01-05 10:00:00", "订单状态": "已完成"}
WECHAT = Case(
    "wechat",
    "wechat_shop.orders",
    "",
    workbook(),
    (
        WECHAT_ORDER | {"商品数量": "1"},
        WECHAT_ORDER | {"商品数量": "1"},
        WECHAT_ORDER | {"订单号": "2", "商品数量": "4"},
    ),
    {
        "3700000000000000011": {"amount_fen": 3000, "quantity": 2, "status": "completed", "buyer_id": None}
        | {"closed_at": "2025-01-05 10:00:00"},
        "2": {"amount_fen": 3000, "quantity": 4},
    },
)
MERCHANT = Case(
    "1688",
    "1688.orders",
    "",
    workbook(),
    (
        {"订单编号": "1000000000000000011", "买家会员名": "buyer_a", "卖家会员名": "shop", "货品总价(元)": "100.00"}
        | {"实付款(元)": "110.00", "订单状态": "等待买家确认收货", "订单创建时间": "2025-01-02 09:00:00", "数量": "3"}
        | {"订单付款时间": "2025-01-02 09:05:00", "货品标题": "甲"},
        {"货品标题": "乙", "数量": "2"},
        {"订单编号": "1000000000000000012", "买家会员名": "buyer_b", "卖家会员名": "shop", "货品总价(元)": "5.00"}
        | {"实付款(元)": "5.00", "订单状态": "等待买家付款", "订单创建时间": "2025-01-03 09:00:00", "数量": "1"},
    ),
    {
        "1000000000000000011": {"amount_fen": 11000, "paid_fen": 11000, "quantity": 5, "status": "shipped"}
        | {"buyer_id": "buyer_a", "source_line": 2},
        "1000000000000000012": {
            "amount_fen": 500,
            "paid_fen": None,
            "quantity": 1,
            "status": "unpaid",
            "source_line": 4,
        },
    },
)


def youzan(version):
    paid = {"订单号": "E20250102000000011", "归属店铺": "示例店", "店铺": "示例店", "订单状态": "交易完成"}
    paid |= {"订单创建时间": "2025-01-02 09:00:00", "买家付款时间": "2025-01-02 09:01:00", "订单实付金额": "66.00"}
    paid |= {"应收订单金额": "66.00", "商品种类数": "2"}
    owed = paid | {"订单号": "E20250102000000012", "订单状态": "待付款", "买家付款时间": "", "订单实付金额": "0.00"}
    values = {
        "E20250102000000011": {"amount_fen": 6600, "paid_fen": 6600, "quantity": 2, "status": "completed"},
        "E20250102000000012": {"amount_fen": 6600, "paid_fen": None, "status": "unpaid", "buyer_id": None},
    }
    return Case(f"youzan {version}", "youzan.orders", version, text_csv("utf-8-sig"), (paid, owed), values)


def shopify(version):
    first = {"Name": "#1001", "Email": "a@example.com", "Financial Status": "paid", "Fulfillment Status": "fulfilled"}
    first |= {"Paid at": "2025-01-01 11:13:25 -0500", "Created at": "2025-01-01 11:13:24 -0500", "Total": "35.20"}
    first |= {"Lineitem quantity": "1", "Lineitem name": "A\nsecond line", "Currency": "USD"}
    more = {"Name": "#1001", "Email": "a@example.com", "Lineitem quantity": "2"}
    void = {"Name": "#1002", "Email": "b@example.com", "Financial Status": "paid", "Lineitem quantity": "1"}
    void |= {"Paid at": "2025-01-03 10:00:00 +0800", "Created at": "2025-01-03 10:00:00 +0800", "Total": "9.00"}
    void |= {"Cancelled at": "2025-01-04 10:00:00 +0800", "Currency": "USD"}
    values = {
        "#1001": {"amount_fen": 3520, "paid_fen": 3520, "quantity": 3, "status": "shipped", "source_line": 2}
        | {"created_at": "2025-01-02 00:13:24", "paid_at": "2025-01-02 00:13:25"},
        "#1002": {"amount_fen": 900, "status": "closed", "closed_at": "2025-01-04 10:00:00", "quantity": 1},
    }
    return Case(f"shopify {version}", "shopify.orders", version, text_csv("utf-8"), (first, more, void), values)


def taobao_refunds(version):
    asked = {"退款的申请时间": "2017-07-04 18:20:00", "退款申请时间": "2017-07-04 18:20:00"}
    amounts = {"买家退款金额": "10.50", "退给买家金额": "10.50", "退款总额": "12.00"}
    done = {"退款编号": "70000000000000011", "订单编号": TB1, "退款状态": "退款成功", "客服介入状态": "客服处理完成"}
    done |= asked | amounts | {"退款完结时间": "2017-07-05 09:00:00", "责任方": "卖家责任"}
    shut = done | {"退款编号": "70000000000000012", "退款状态": "退款关闭", "退款完结时间": "", "责任方": "买家"}
    shut |= {"完结时间": "2017-07-06 09:00:00", "客服介入状态": "无客服介入"}
    open_ = done | {"退款编号": "70000000000000013", "退款状态": "买家已经申请退款，等待卖家同意", "退款完结时间": ""}
    open_ |= {"责任方": "双方", "客服介入状态": ""}
    told = {"requested_at": "2017-07-04 18:20:00", "amount_fen": 1050, "order_id": TB1}
    asks, blames = ("客服介入状态" in HEADERS[f"refunds {version}"], "责任方" in HEADERS[f"refunds {version}"])
    assert asks and blames
    values = {
        "70000000000000011": told
        | {"outcome": "succeeded", "platform_intervened": True, "merchant_liable": True}
        | {"finished_at": "2017-07-05 09:00:00"},
        "70000000000000012": told
        | {"outcome": "closed", "platform_intervened": False, "merchant_liable": False}
        | {"finished_at": "2017-07-06 09:00:00"},
        "70000000000000013": told
        | {"outcome": "open", "platform_intervened": None, "merchant_liable": None, "finished_at": None},
    }
    return Case(f"refunds {version}", "taobao.refunds", version, workbook(), (done, shut, open_), values)


PDD_REFUND = {"售后编号": "11", "订单编号": "250102-000000000000011", "申请时间": "2025-01-03 10:00:00"}
PDD_REFUND |= {"售后状态": "退款成功", "退款金额(元)": "19.90", "同意退款时间": "2025-01-03 10:05:00"}
PDD_REFUNDS = Case(
    "pdd refunds",
    "pdd.refunds",
    "",
    workbook(("售后信息导出说明",), sheet="售后信息"),
    (
        PDD_REFUND,
        PDD_REFUND | {"售后编号": "12", "售后状态": "已撤销", "同意退款时间": ""},
        PDD_REFUND | {"售后编号": "13", "售后状态": "用户已发货，待商家处理", "同意退款时间": ""},
    ),
    {
        "11": {"outcome": "succeeded", "amount_fen": 1990, "finished_at": "2025-01-03 10:05:00"}
        | {"platform_intervened": None, "merchant_liable": None},
        "12": {"outcome": "closed", "finished_at": None},
        "13": {"outcome": "open", "requested_at": "2025-01-03 10:00:00"},
    },
    tabbed,
)
JD_SERVICE = {"服务单号": "900000011", "订单号": "30000000011", "售后申请时间": "2025-01-03 10:00:00"}
JD_SERVICE |= {"服务单状态": "完成", "处理结果": "退货", "退款金额": "158.00", "售后整体时长(H)": "26.5"}
JD_SERVICES = Case(
    "jd services",
    "jd.service_orders",
    "",
    workbook(("申请信息", "", "", "", "订单信息", "", "", "", "处理信息")),
    (
        JD_SERVICE,
        JD_SERVICE | {"服务单号": "900000012", "服务单状态": "待收货", "处理结果": "", "售后整体时长(H)": ""},
        JD_SERVICE | {"服务单号": "900000013", "处理结果": "换新", "退款金额": ""},
    ),
    {
        "900000011": {"outcome": "succeeded", "amount_fen": 15800, "finished_at": "2025-01-04 12:30:00"},
        "900000012": {"outcome": "open", "finished_at": None, "requested_at": "2025-01-03 10:00:00"},
    },
)


def douyin_refunds(version):
    done = {"售后单号": "140000000000000011", "订单号": "6900000000000000011", "商品单号": "6900000000000000012"}
    done |= {"退商品金额（元）": "1,290.00", "退运费金额（元）": "9.00", "售后状态": "退款成功", "仲裁状态": "仲裁结束"}
    done |= {"售后申请时间": "2024-03-10 09:00:00", "售后完结时间": "2024-03-16 08:00:00", "纠纷责任方": "商家"}
    shut = done | {"售后单号": "140000000000000012", "售后状态": "售后关闭", "仲裁状态": "-", "纠纷责任方": "-"}
    shut |= {"退运费金额（元）": "-", "售后完结时间": "-", "售后关闭时间": "2024-03-11 09:00:00"}
    values = {
        "140000000000000011": {"amount_fen": 129900, "outcome": "succeeded", "platform_intervened": True}
        | {"merchant_liable": True, "finished_at": "2024-03-16 08:00:00", "order_id": "6900000000000000011"},
        "140000000000000012": {"amount_fen": 129000, "outcome": "closed", "platform_intervened": False}
        | {"merchant_liable": None, "finished_at": "2024-03-11 09:00:00"},
    }
    name = f"douyin refunds {version}"
    return Case(name, "douyin.refunds", version, text_csv("utf-8-sig"), (done, shut), values, dashed)


XHS_REFUND = {"售后单号": "R1", "订单号": "P000000000000000011", "售后状态": "退款成功", "申请售后金额(元)": "88.00"}
CASES = [
    *(taobao(version) for version in ("2014", "2016", "2017", "2018-19", "2020", "2021-22", "2024+")),
    *(taobao_items(version) for version in ("2020-22", "2024+")),
    TEACHING,
    pdd("pdd 2018-20", "2018-20", text_csv("utf-8-sig")),
    pdd("pdd 2023", "2023", text_csv("gb18030")),
    pdd("pdd 2025-26", "2025-26", text_csv("utf-8-sig")),
    pdd("pdd 2025 xlsx", "2025-26", workbook(("导出说明：时间为成交时间",))),
    *(jd(version) for version in ("2015-19", "2019+", "2022+", "2026")),
    *(douyin(version) for version in ("2019-20", "2024", "2026")),
    Case("kuaishou 2025", "kuaishou.orders", "2025", text_csv("utf-8-sig"), KUAISHOU_ROWS, KUAISHOU),
    Case("kuaishou 2019-20", "kuaishou.orders", "", with_line_ends, KUAISHOU_ROWS, KUAISHOU),
    XHS,
    WECHAT,
    MERCHANT,
    *(youzan(version) for version in ("old", "new")),
    *(shopify(version) for version in ("2012", "2024+")),
    *(taobao_refunds(version) for version in ("2017", "2021", "2024", "2026")),
    PDD_REFUNDS,
    JD_SERVICES,
    *(douyin_refunds(version) for version in ("2023-24", "2026")),
    Case(
        "xhs refunds",
        "xhs.refunds",
        "",
        workbook(),
        (XHS_REFUND | {"退货创建时间": "2025-01-05 10:00:00"},),
        {"R1": {"outcome": "succeeded", "amount_fen": 8800, "requested_at": "2025-01-05 10:00:00"}},
    ),
]
EACH_FORMAT = list({case.format: case for case in CASES}.values())


def agrees(loaded, case):
    found = rows_of(loaded)
    assert list(found) == list(case.values), loaded.rejects.to_pylist()
    for key, values in case.values.items():
        assert {name: found[key][name] for name in values} == values


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_version_is_known_and_read(case, tmp_path):
    loaded = read(case.file(tmp_path))
    assert (loaded.recognised.format, loaded.recognised.version) == (case.format, case.version)
    agrees(loaded, case)
    assert len(loaded.rejects) == 0
    assert loaded.counts.read == len(case.rows)


@pytest.mark.parametrize(
    "known", [f for f in formats().values() if f.table in ("orders", "refunds")], ids=lambda f: f.key
)
def test_what_a_format_requires_is_enough_to_read_it(known, tmp_path):
    for pick in (0, -1):
        header = [*(entry[pick] for entry in known.requires), *known.beside]
        path = tmp_path / "few"
        text_csv("utf-8")(path, header, [])
        match = recognise(path, known.key)
        assert match and match.fits
        assert isinstance(match.settings("*"), Mapping)


# Real samples -----------------------------------------------------------------------------------------------------

SAMPLE_VALUES = {
    "ExportOrderList201707081200.csv": (
        ("taobao.orders", "2017"),
        {
            "35000000000000001": (
                "示例买家甲",
                "2017-07-01 10:02:03",
                "2017-07-01 10:05:09",
                5900,
                5900,
                1,
                "completed",
            ),
            "35000000000000002": ("buyer_b", "2017-07-02 21:30:00", "2017-07-02 21:31:12", 11800, 11800, 2, "shipped"),
            "35000000000000003": ("示例买家甲", "2017-07-03 08:00:00", None, 5900, None, 1, "closed"),
            "35000000000000004": ("buyer_c", "2017-07-04 12:00:00", "2017-07-04 12:00:30", 2990, 2990, 1, "paid"),
        },
    ),
    "orders_export_2025.csv": (
        ("pdd.orders", "2025-26"),
        {
            "250102-000000000000001": (None, None, "2025-01-02 09:30:15", 3630, 3630, 2, "completed"),
            "250102-000000000000002": (None, None, "2025-01-02 20:01:02", 1990, 1990, 1, "closed"),
            "250103-000000000000003": (None, None, None, 1990, None, 1, "unpaid"),
        },
    ),
    "jd_orders.csv": (
        ("jd.orders", "2015-19"),
        {
            "30000000001": ("jd_example_a", "2019-05-01 10:00:00", "2019-05-01 10:00:40", 15800, 15800, 2, "completed"),
            "30000000002": ("jd_example_b", "2019-05-02 23:59:59", "2019-05-03 00:00:20", 13800, 13800, 2, "shipped"),
            "30000000003": ("jd_example_c", "2019-05-03 08:00:00", "2019-05-03 08:01:00", 9900, 9900, 1, "closed"),
        },
    ),
    "douyin_orders_2024.csv": (
        ("douyin.orders", "2024"),
        {
            "6900000000000000001": (None, "2024-03-01 20:00:00", "2024-03-01 20:00:31", 129900, 129900, 1, "completed"),
            "6900000000000000002": (None, "2024-03-01 21:00:00", "2024-03-01 21:00:10", 5990, 5990, 3, "shipped"),
            "6900000000000000004": (None, "2024-03-02 01:00:00", None, 3990, None, 1, "closed"),
        },
    ),
    "taobao_refunds_2017.xlsx": (
        ("taobao.refunds", "2017"),
        {
            "70000000000000001": (
                TB2[:-2] + "02",
                "2017-07-04 18:20:00",
                "2017-07-05 09:00:00",
                1050,
                "succeeded",
                False,
                None,
            ),
            "70000000000000002": (
                TB2[:-2] + "02",
                "2017-07-06 11:00:00",
                "2017-07-09 10:10:10",
                10750,
                "succeeded",
                True,
                True,
            ),
            "70000000000000003": (
                TB2[:-2] + "04",
                "2017-07-04 12:04:58",
                "2017-07-04 12:05:00",
                2990,
                "succeeded",
                False,
                None,
            ),
            "70000000000000004": (TB2[:-2] + "01", "2017-07-08 20:00:00", None, 500, "open", False, None),
        },
    ),
    "douyin_aftersale.csv": (
        ("douyin.refunds", "2026"),
        {
            "140000000000000001": (
                "6900000000000000002",
                "2024-03-03 09:00:00",
                "2024-03-03 10:02:00",
                2000,
                "succeeded",
                False,
                None,
            ),
            "140000000000000002": (
                "6900000000000000001",
                "2024-03-10 09:00:00",
                "2024-03-16 08:00:00",
                129900,
                "succeeded",
                True,
                True,
            ),
            "140000000000000003": (
                "6900000000000000002",
                "2024-03-05 09:00:00",
                "2024-03-06 09:00:00",
                500,
                "closed",
                False,
                None,
            ),
        },
    ),
}
WHO_IS_TO_BLAME = ("platform_intervened", "merchant_liable")
TOLD = {
    "orders": ("buyer_id", "created_at", "paid_at", "amount_fen", "paid_fen", "quantity", "status"),
    "refunds": (
        "order_id",
        "requested_at",
        "finished_at",
        "amount_fen",
        "outcome",
        "platform_intervened",
        "merchant_liable",
    ),
}


@pytest.mark.parametrize("name", SAMPLE_VALUES)
def test_samples_load_to_what_their_rows_say(name):
    if not (SAMPLES / name).exists():
        pytest.skip(f"{SAMPLES / name} is not here")
    loaded = read(SAMPLES / name)
    expected, values = SAMPLE_VALUES[name]
    assert (loaded.recognised.format, loaded.recognised.version) == expected
    (table,) = loaded.tables
    assert {key: tuple(row[c] for c in TOLD[table]) for key, row in rows_of(loaded).items()} == values
    assert len(loaded.rejects) == 0


# Whole loads ------------------------------------------------------------------------------------------------------


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Settings of a shop that names only a folder of exports."""
    monkeypatch.setenv("CSPERF_LANG", "en")
    monkeypatch.setenv("CSPERF_KEY", "secret")
    (tmp_path / "exports").mkdir()
    return LoadSettings(
        shop="S",
        root=tmp_path,
        timezone="Asia/Shanghai",
        store=tmp_path / "store",
        sources=({"source": "export", "files": "exports/**/*"},),
    )


def put(case, settings, name, header=None, rows=None):
    path = settings.root / "exports" / name
    case.write(path, header or HEADERS[case.header], case.rows if rows is None else rows, case.decorate)
    return path


def stored(settings, table):
    return store_of(settings).read(ibis.duckdb.connect(), table).to_pandas()


def test_the_report_says_what_each_file_was_taken_for(shop):
    put(taobao("2017"), shop, "a.txt")
    put(JD_SERVICES, shop, "b.csv")
    report = load(shop)
    first, second = report.files.to_dict("records")
    assert (first["format"], first["version"]) == ("taobao.orders", "2017")
    assert "买家实际支付金额" in first["used"] and "物流单号" in first["ignored"]
    assert {"收货人姓名", "联系手机", "买家支付宝账号", "发票抬头"} <= set(first["dropped"])
    parts = [first[part] for part in ("used", "ignored", "dropped")]
    assert sorted(name for part in parts for name in part) == sorted({n.strip() for n in HEADERS["taobao 2017"]})
    assert (second["format"], second["filtered"]) == ("jd.service_orders", 1)
    assert load(shop).files["format"].tolist() == ["taobao.orders", "jd.service_orders"]


CANARY = "CANARY"
MAPPED_ON_PURPOSE = {"买家会员名", "买家会员昵称", "下单帐号", "下单账号", "用户编号", "Name"}


@pytest.mark.parametrize("case", EACH_FORMAT, ids=str)
def test_nothing_personal_is_stored_reported_or_said(case, shop, monkeypatch):
    personal = [n for n in HEADERS[case.header] if is_personal(n) and n.strip() not in MAPPED_ON_PURPOSE]
    rows = [dict(row) | {name.strip(): f"{CANARY}{place}" for place, name in enumerate(personal)} for row in case.rows]
    broken = dict(rows[0]) | {"订单创建时间": "?", "申请时间": "?", "售后申请时间": "?", "订单号": "9"}
    rows.append(broken | {"订单提交时间": "?", "Created at": "?", "退款的申请时间": "?", "支付时间": "?"})
    put(case, shop, "canary", rows=rows)
    report = load(shop)
    said = [str(report), report.files.to_string(), report.reasons.to_string(), *map(repr, report.warnings)]
    files = [path for path in shop.store.rglob("*") if path.is_file()]
    texts = [path.read_text(encoding="utf-8") for path in files if path.suffix != ".parquet"]
    tables = [pd.read_parquet(path).to_csv() for path in files if path.suffix == ".parquet"]
    assert len(tables) >= 1
    assert not [text for text in (*said, *texts, *tables) if CANARY in text]


def test_a_buyers_email_is_kept_as_a_keyed_hash_only(shop):
    put(shopify("2024+"), shop, "orders")
    load(shop)
    buyers = stored(shop, "orders").set_index("order_id")["buyer_id"]
    assert buyers.str.fullmatch("[0-9a-f]{32}").all() and buyers.nunique() == 2


def test_what_cannot_be_measured_without_buyers_is_said(shop):
    put(pdd("pdd 2025-26", "2025-26", text_csv("utf-8-sig")), shop, "pdd")
    put(douyin_refunds("2026"), shop, "after-sale")
    put(PDD_REFUNDS, shop, "refunds")
    said = load(shop).files.set_index("file")["warnings"]
    assert "names no buyers" in said["exports/pdd"] and "inferred from the number" in said["exports/pdd"]
    assert "step" in said["exports/refunds"] and "liable" in said["exports/refunds"]
    assert said["exports/after-sale"] == ""


def test_words_of_liability_that_nobody_has_attested_are_reported(shop):
    put(taobao_refunds("2017"), shop, "refunds")
    (said,) = load(shop).files["warnings"]
    assert "责任方" in said and "双方" in said


def test_an_order_state_that_is_not_known_is_rejected_by_its_name(shop):
    case = taobao("2017")
    put(case, shop, "orders", rows=[case.rows[0], dict(case.rows[1]) | {"订单状态": "外星状态"}])
    report = load(shop)
    (row,) = report.reasons.to_dict("records")
    assert (row["reason"], row["line"], row["column"], row["found"]) == (
        "value_unmapped:status",
        3,
        "订单状态",
        "外星状态",
    )
    assert report.files[["read", "kept", "rejected"]].values.tolist() == [[2, 1, 1]]


# Item rows --------------------------------------------------------------------------------------------------------


def test_item_rows_are_counted_as_folded(shop):
    put(jd("2015-19"), shop, "jd")
    put(taobao_items("2020-22"), shop, "items")
    report = load(shop).files.set_index("file")
    assert report.loc["exports/jd", ["read", "kept", "folded"]].tolist() == [3, 2, 1]
    assert report.loc["exports/items", ["read", "kept", "folded"]].tolist() == [3, 2, 1]


@pytest.mark.parametrize("names", [("1 orders", "2 items"), ("2 orders", "1 items")])
@pytest.mark.parametrize("at_once", [True, False])
def test_an_export_that_names_no_buyer_takes_none_away(shop, names, at_once):
    """Item rows of Taobao name no buyer and no receipt: what the order's own export said of them stays."""
    orders, items = taobao("2018-19"), taobao_items("2020-22")
    times = {name: orders.rows[0][name] for name in ("订单创建时间", "订单付款时间")}
    item_rows = [dict(row) | times for row in items.rows]
    for name in sorted(names):
        put(*((orders, shop, name) if "orders" in name else (items, shop, name, None, item_rows)))
        report = None if at_once else load(shop)
    report = report or load(shop)
    told = stored(shop, "orders").set_index("order_id")
    assert told["buyer_id"].to_dict() == {TB1: "甲", TB2: "乙", TB3: "甲"}
    assert str(told.loc[TB1, "closed_at"]) == "2017-07-05 00:00:00+00:00"
    assert told.loc[TB1, "source_file"].endswith(sorted(names)[1]) and report.files["replaced"].tolist() == [2, 0]


def test_an_order_of_which_one_row_cannot_be_read_is_not_taken_by_half(shop):
    case = douyin("2024")
    put(case, shop, "orders", rows=[case.rows[0], dict(case.rows[1]) | {"订单应付金额": "二十"}, case.rows[2]])
    report = load(shop)
    assert report.files[["read", "kept", "folded", "rejected"]].values.tolist() == [[3, 1, 0, 2]]
    assert set(report.reasons["reason"]) == {"number_unreadable:amount_fen", "order_incomplete"}
    assert stored(shop, "orders")["order_id"].tolist() == ["6900000000000000013"]


def test_amounts_that_differ_where_they_should_repeat_are_warned_of(shop):
    case = jd("2015-19")
    put(case, shop, "jd", rows=[case.rows[0], dict(case.rows[1]) | {"应付金额": "60.00"}])
    (said,) = load(shop).files["warnings"]
    assert "30000000011" in said and "compare" in said
    assert stored(shop, "orders")["amount_fen"].tolist() == [15800]


def test_parts_that_are_all_equal_are_warned_of(shop):
    case = douyin("2024")
    one, two = case.rows[0], dict(case.rows[1]) | {"订单应付金额": case.rows[0]["订单应付金额"]}
    ids = ("6900000000000000021", "6900000000000000022", "6900000000000000023")
    put(case, shop, "orders", rows=[dict(row) | {"主订单编号": order} for order in ids for row in (one, two)])
    assert "all 3 orders of several rows carry one amount" in load(shop).files["warnings"].item()


def test_items_without_times_are_counted_and_set_aside(shop):
    put(
        Case(
            "items ≤2019",
            "",
            "",
            text_csv("gb18030"),
            ({"订单编号": "1", "标题": "甲", "价格": "1.00", "购买数量": "1"},),
            {},
        ),
        shop,
        "items",
    )
    report = load(shop)
    assert report.files[["format", "read", "kept", "filtered"]].values.tolist() == [
        ["taobao.order_items_2019", 1, 0, 1]
    ]
    assert store_of(shop).tables() == []


OLIST = {
    "orders": "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,"
    "order_delivered_customer_date\n"
    "a,c1,delivered,2018-07-29 13:54:51,2018-07-29 14:24:20,2018-08-13 19:08:37\n\n"
    "b,c2,canceled,2018-07-30 13:54:51,,\n"
    "c,c3,shipped,2018-07-30 13:54:51,,\n",
    "payments": "order_id,payment_sequential,payment_type,payment_installments,payment_value\n"
    "a,1,voucher,1,0.10\na,2,card,1,0.20\nb,1,card,1,5.00\n",
    "items": "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value\n"
    "a,1,p,s,2018-08-01,0.10,0\na,2,p,s,2018-08-01,0.10,0\n",
    "people": "customer_id,customer_unique_id,customer_zip_code_prefix\nc1,P,1\nc2,P,1\nc3,Q,1\n",
}


def test_olists_orders_take_amounts_pieces_and_persons_from_the_files_beside_them(shop):
    for name, text in OLIST.items():
        (shop.root / "exports" / name).write_text(text, encoding="utf-8")
    report = load(shop)
    orders = stored(shop, "orders").set_index("order_id")
    told = ["buyer_id", "amount_fen", "quantity", "status", "source_line", "source_file"]
    assert orders.loc["a", told].tolist() == ["P", 30, 2, "completed", 2, "exports/orders"]
    assert orders.loc["b", told].tolist() == ["P", 500, 0, "closed", 4, "exports/orders"]
    (row,) = report.reasons[report.reasons["part"] == "rejected"].to_dict("records")
    assert (row["reason"], row["line"]) == ("empty:amount_fen", 5)
    assert report.files.set_index("file").loc["exports/payments", ["kept", "filtered"]].tolist() == [0, 3]
    (shop.root / "exports" / "payments").write_text(OLIST["payments"] + "b,2,card,1,2.50\n", encoding="utf-8")
    load(shop)
    assert stored(shop, "orders").set_index("order_id")["amount_fen"].to_dict() == {"a": 30, "b": 750}
    assert load(shop).files["skipped"].all()


def test_olists_own_data_load():
    path = OLIST_DATA / "olist_orders_dataset.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    loaded = read(path)
    orders = loaded.tables["orders"].to_pandas()
    assert (loaded.counts.read, len(orders) + len(loaded.rejects)) == (4000, 4000)
    payments = pd.read_csv(OLIST_DATA / "olist_order_payments_dataset.csv.gz")
    assert orders["amount_fen"].sum() == round(payments["payment_value"].sum() * 100)
    assert (orders["status"] == "completed").sum() == 3898 - len(loaded.rejects)


def test_files_that_belong_beside_another_are_named(shop):
    (shop.root / "exports" / "orders").write_text(OLIST["orders"], encoding="utf-8")
    with pytest.raises(CsperfError, match=r"olist\.customers.*olist\.items.*olist\.payments"):
        load(shop)


# What people do to files ------------------------------------------------------------------------------------------


def test_the_name_of_a_file_decides_nothing(shop):
    put(taobao("2024+"), shop, "orders.csv")  # xlsx inside
    put(jd("2026"), shop, "orders.xlsx")  # text inside
    assert load(shop).files["format"].tolist() == ["taobao.orders", "jd.orders"]


def test_an_archive_is_to_be_unpacked_first(shop):
    with zipfile.ZipFile(shop.root / "exports" / "jd.xlsx", "w") as archive:
        archive.writestr("orders.csv", "订单号\n")
    with pytest.raises(CsperfError, match="zip archive"):
        load(shop)


def test_serial_dates_and_ids_in_powers_of_a_file_saved_by_excel(shop, tmp_path):
    header = [name.strip() for name in HEADERS["taobao 2017"]]
    case = taobao("2017")
    with xlsxwriter.Workbook(shop.root / "exports" / "saved.csv") as book:
        page = book.add_worksheet()
        page.write_row(0, 0, header)
        for line, order in enumerate((3.5e16, 3.5e16, 12345.0), 1):
            row = dict(case.rows[0]) | {"订单编号": order, "订单创建时间": 42917.5, "订单付款时间": 42917.50011574}
            page.write_row(line, 0, [row.get(name, "") for name in header])
    report = load(shop)
    assert report.reasons["reason"].tolist() == ["id_collides:order_id"]
    assert "ID_ROUNDED" in report.files["warnings"].item()
    (order,) = stored(shop, "orders").to_dict("records")
    assert (order["order_id"], str(order["created_at"])) == ("12345", "2017-07-01 04:00:00+00:00")
    assert str(order["paid_at"]) == "2017-07-01 04:00:10+00:00"


def test_two_exports_that_disagree_keep_the_later_and_lose_nothing(shop):
    case = taobao("2017")
    put(case, shop, "1")
    put(case, shop, "2", rows=[dict(case.rows[1]) | {"订单状态": "交易关闭"}, case.rows[2]])
    report = load(shop)
    assert report.files[["read", "kept", "replaced", "duplicate"]].values.tolist() == [[3, 2, 1, 0], [2, 1, 0, 1]]
    assert stored(shop, "orders").set_index("order_id").loc[TB2, "status"] == "closed"


def test_a_file_of_no_known_format_gets_the_nearest_and_a_mapping_to_fill_in(shop):
    header = [name for name in HEADERS["taobao 2017"] if name != "宝贝总数量"]
    put(taobao("2017"), shop, "orders", header=header)
    with pytest.raises(CsperfError) as caught:
        load(shop)
    (problem,) = caught.value.problems
    assert "taobao.orders" in problem.message and "宝贝总数量" in problem.message
    skeleton = problem.message[problem.message.index("- source: table") :]
    assert "order_id: 订单编号" in skeleton and "quantity: ''" in skeleton
    assert not store_of(shop).root.exists()


def test_a_filled_in_skeleton_is_a_mapping_that_loads(shop):

    header = ["件数" if name == "宝贝总数量" else name for name in HEADERS["taobao 2017"]]
    rows = [dict(row) | {"件数": "7"} for row in taobao("2017").rows]
    put(taobao("2017"), shop, "orders", header=header, rows=rows)
    with pytest.raises(CsperfError) as caught:
        load(shop)
    message = caught.value.problems[0].message
    (entry,) = yaml.safe_load(textwrap.dedent(message[message.index("    - source: table") :]))
    entry["files"] = f"exports/{entry['files']}"
    entry["columns"] = {k: v for k, v in entry["columns"].items() if v} | {"quantity": "件数"}
    mapped = LoadSettings(shop="S", root=shop.root, timezone="Asia/Shanghai", sources=(entry,))
    assert load(mapped).files["kept"].tolist() == [3]


def test_the_mapping_to_fill_in_is_written_on_request(shop, capsys):
    header = [name for name in HEADERS["taobao 2017"] if name != "宝贝总数量"]
    path = put(taobao("2017"), shop, "orders", header=header)
    params = shop.root / "params.yaml"
    entry = '{source: export, files: "exports/*"}'
    params.write_text(f"shop: S\ntimezone: Asia/Shanghai\nsources:\n  - {entry}\n", encoding="utf-8")
    mapping = path.with_name("orders.mapping.yaml")
    for options in ([], ["--mappings"], []):
        before = mapping.exists()
        with pytest.raises(SystemExit) as left:
            main(["load", str(params), *options])
        assert left.value.code == 1 and "1 to mend" in capsys.readouterr().err
        assert mapping.exists() == (before or bool(options))
    assert yaml.safe_load(mapping.read_text(encoding="utf-8"))[0]["table"] == "orders"


def test_nothing_of_a_table_without_a_header_is_quoted(shop):
    (shop.root / "exports" / "people.csv").write_text("王某某,13000000000,示例路1号\n" * 3, encoding="utf-8")
    with pytest.raises(CsperfError) as caught:
        load(shop)
    assert "王某某" not in str(caught.value) and "13000000000" not in str(caught.value)
    assert "none of its first 30 rows" in str(caught.value)


def test_a_header_without_rows_is_known(shop):
    put(taobao("2017"), shop, "orders", rows=())
    report = load(shop)
    assert report.files[["format", "read", "kept"]].values.tolist() == [["taobao.orders", 0, 0]]
    assert "only a header" in report.files["warnings"].item()


def test_a_format_may_be_forced_and_a_wrong_name_is_answered(tmp_path):
    with pytest.raises(ValueError, match=r"taobao\.order_items"):
        export.Settings(files="*", format="taobao.ordres")
    path = taobao("2017").file(tmp_path)
    assert read(path, format="taobao.orders").recognised.version == "2017"
    with pytest.raises(CsperfError, match=r"jd\.orders.*订单号"):
        read(path, format="jd.orders")


def test_rows_of_another_shop_are_warned_of_and_rejected_where_the_shop_is_named(shop):
    case = taobao("2017")
    rows = [dict(row) | {"店铺名称": name} for row, name in zip(case.rows, ("示例店", "别家店", "示例店"), strict=True)]
    put(case, shop, "orders", rows=rows)
    (said,) = load(shop).warnings
    assert "别家店 (exports/orders)" in said.say("en")
    named = {"source": "export", "files": "exports/*", "shops": ["示例店"]}
    report = load(LoadSettings(**shop.model_dump(exclude={"sources"}), sources=(named,)))
    (row,) = report.reasons.to_dict("records")
    assert (row["reason"], row["line"]) == ("refused:店铺名称", 3)
    assert report.files[["kept", "rejected"]].values.tolist() == [[2, 1]]


def test_another_currency_is_rejected(shop):
    case = shopify("2024+")
    put(case, shop, "orders", rows=[*case.rows, dict(case.rows[0]) | {"Name": "#1003", "Currency": "EUR"}])
    report = load(shop)
    assert report.reasons[["reason", "line"]].values.tolist() == [["refused:Currency", 6]]
    assert set(stored(shop, "orders")["order_id"]) == {"#1001", "#1002"}


def test_words_that_the_format_does_not_list_may_be_told(shop):
    case = taobao("2017")
    put(case, shop, "orders", rows=[dict(case.rows[0]) | {"订单状态": "外星状态"}])
    told = {"source": "export", "files": "exports/*", "words": {"status": {"外星状态": "completed"}}}
    load(LoadSettings(**shop.model_dump(exclude={"sources"}), sources=(told,)))
    assert stored(shop, "orders")["status"].tolist() == ["completed"]


# What is written down of them -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", supported.PAGES)
def test_the_page_of_formats_on_disk_is_that_of_the_loaders(lang):
    on_disk = (ROOT / "docs" / supported.PAGES[lang]).read_text(encoding="utf-8")
    assert on_disk == supported.page(lang), "run: make docs"
    assert all(f"`{key}`" in on_disk for key in formats())


def test_what_modules_recognise_is_told_on_the_page():
    listed = {key for module in (call_json, chat_json) for key in module.FORMATS}
    assert set(written_about()) == listed | {"qianniu.chat", "wangwang.chat", "whatsapp.chat"}


def test_every_format_has_a_name_and_words_in_both_languages():
    for known in [*formats().values(), *written_about().values()]:
        assert set(known.name) == {"zh", "en"} and set(known.notes) in (set(), {"zh", "en"})
    assert {f"platform_{known.platform}" for known in formats().values()} <= set(words("formats", "zh"))
    assert {f"table_{known.table or 'none'}" for known in formats().values()} <= set(words("formats", "zh"))
