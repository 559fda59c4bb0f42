"""The shop's world as files: messy like the platforms' exports when small, Parquet when large."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from ..facts import KINDS, SENDERS
from .messages import Messages
from .orders import NOBODY, Orders
from .script import Script
from .words import CATEGORIES, Words
from .world import BOT_ACCOUNT, LATE, SEASONS, SHIFT_HOURS, SHIFT_NAMES, SHOP, World, level_on

CHINA = timedelta(hours=8)
SENDER_WORDS = dict(zip(SENDERS, ("买家", "客服", "自动回复", "智能辅助", "机器人", "系统", "同事"), strict=True))
KIND_WORDS = dict(zip(KINDS, ("文本", "卡片", "表情", "撤回", "转接", "会话结束", "备注", "邀评", "系统"), strict=True))
ROLE_WORDS = {"pre": "售前", "after": "售后", "mixed": "混合", "manager": "店长", "bot": "机器人"}
LEVEL_WORDS = {"junior": "初级", "mid": "中级", "senior": "资深"}
STATUS_WORDS = {
    "unpaid": "等待买家付款", "paid": "买家已付款，等待卖家发货", "shipped": "卖家已发货，等待买家确认", "completed": "交易成功",
    "closed": "交易关闭",
}  # fmt: skip
CHAT_HEADER = ("消息ID", "店铺", "客服账号", "买家昵称", "发送方", "消息类型", "消息内容", "发送时间", "转接至")
ORDER_HEADER = tuple(
    "订单编号,买家会员名,买家支付宝账号,买家应付货款,买家应付邮费,买家支付积分,总金额,返点积分,买家实际支付金额,买家实际支付积分,订单状态,"
    "买家留言,收货人姓名,收货地址 ,运送方式,联系电话 ,联系手机,订单创建时间,订单付款时间 ,宝贝标题 ,宝贝种类 ,物流单号 ,物流公司,订单备注,"
    "宝贝总数量,店铺Id,店铺名称,订单关闭原因,卖家服务费,买家服务费,发票抬头,是否手机订单,分阶段订单信息,特权订金订单id,是否上传合同照片,"
    "是否上传小票,是否代付,定金排名,修改后的sku,修改后的收货地址,异常信息,天猫卡券抵扣,集分宝抵扣,是否是O2O交易,退款金额,预约门店,确认收货时间".split(",")
)
REFUND_HEADER = (
    "订单编号", "退款编号", "支付宝交易号", "订单付款时间", "退款完结时间", "买家会员名称", "买家实际支付金额", "宝贝标题", "买家退款金额",
    "退款的申请时间", "退款状态", "客服介入状态", "卖家手机", "买家退款原因", "责任方", "售中或售后",
)  # fmt: skip
CANARY_NAME, CANARY_ADDRESS, CANARY_MOBILE = "金丝雀", "示例省示例市金丝雀路1号", "13000000002"
DIVIDER, READ_MARK = "-" * 32, "已读"
FIRST_ORDER_ID, FIRST_REFUND_ID, FIRST_MESSAGE_ID = 350_000_000_000_000_001, 7_000_000_000_000_001, 1
BROKEN = (  # each is a way in which a row cannot be used
    ("2025-13-45 10:00:00", "买家", "坏行买家一"),
    ("2025-11-05 10:00:00", "路人", "坏行买家二"),
    ("2025-11-05 10:00:01", "买家", ""),
)


@dataclass
class Written:
    """What each file holds: rows, and how many of them a loader must drop and why."""

    folder: Path
    files: dict[str, dict[str, int]] = field(default_factory=dict)

    def note(self, name: str, rows: int, **dropped: int) -> Path:
        """The path of a file to write, its rows noted; the others are kept."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.files[name] = {"rows": rows, "duplicate": 0, "replaced": 0, "rejected": 0} | dropped
        return path


def moments(world: World, seconds: np.ndarray) -> np.ndarray:
    """Local wall clock as numpy datetimes in seconds."""
    return np.datetime64(world.first, "s") + seconds.astype("timedelta64[s]")


def clock(world: World, seconds: np.ndarray) -> list[str]:
    """`YYYY-MM-DD HH:MM:SS`; empty where it did not happen."""
    texts = np.datetime_as_string(moments(world, seconds))
    return [t.replace("T", " ") if s >= 0 else "" for t, s in zip(texts, seconds, strict=True)]


def buyers(script: Script, chat: np.ndarray) -> list[str]:
    """Whom each chat is with: the story's nick, or the warehouse."""
    return [script.buyers[s] for s in script.chats.story[chat].tolist()]


# Chats ------------------------------------------------------------------------------------------------------------


def chat_rows(world: World, script: Script, words: Words, rows: Messages, first_id: int) -> list[tuple[str, ...]]:
    """The rows of the quality-check tool's chat export, ids as Excel keeps them from being rounded."""
    account = [*words.accounts, ""]
    who, to = [account[a] for a in rows.account.tolist()], [account[a] for a in rows.to.tolist()]
    sender = [SENDER_WORDS[SENDERS[s]] for s in rows.sender.tolist()]
    kind = [KIND_WORDS[KINDS[k]] for k in rows.kind.tolist()]
    ids = [f'="{n:012d}"' for n in range(first_id, first_id + len(rows))]
    text = [_quoted(words.texts[t]) for t in rows.text.tolist()]
    names, shop = buyers(script, rows.chat), [SHOP] * len(rows)
    return list(zip(ids, shop, who, names, sender, kind, text, clock(world, rows.time), to, strict=True))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]], encoding: str = "gb18030") -> None:
    """A comma-separated file; the cells are already quoted where they must be."""
    body = "\r\n".join([",".join(header), *(",".join(row) for row in rows)]) + "\r\n"
    path.write_bytes(body.encode(encoding))


def broken_rows() -> list[tuple[str, ...]]:
    """Rows that a loader must reject, each for a reason of its own."""
    return [
        (f'="9{n:011d}"', SHOP, f"{SHOP}:01", buyer, sender, "文本", "坏行", time, "")
        for n, (time, sender, buyer) in enumerate(BROKEN, 1)
    ]


def chat_text(world: World, script: Script, words: Words, rows: Messages) -> str:
    """Chats as copied from the client: a head with names and time, unpadded, then what was said; a rule between chats."""
    said, account = [], words.accounts
    names, times = buyers(script, rows.chat), moments(world, rows.time).tolist()
    columns = (rows.account.tolist(), rows.sender.tolist(), rows.text.tolist(), rows.kind.tolist(), names, times, rows.chat.tolist())
    before = None
    for who, sender, text, kind, buyer, at, chat in zip(*columns, strict=True):
        if before not in (None, chat):
            said.append(DIVIDER)
        before, asks = chat, SENDERS[sender] == "buyer"
        a, b = (buyer, account[who]) if asks else (account[who], buyer)
        said.append(f"{a} --> {b} {at.year}-{at.month}-{at.day} {at.hour}:{at.minute:02d}:{at.second:02d}")
        said.append(f"{a} 撤回了一条消息" if KINDS[kind] == "recall" else words.texts[text].replace("\n", "\r\n"))
        said += [] if asks else [READ_MARK]
    return "\r\n".join(said) + "\r\n"


def bulk_chats(world: World, script: Script, words: Words, rows: Messages, first_id: int) -> pa.Table:
    """The same columns as facts.INPUT's messages, names dictionary-coded."""
    names = script.buyers
    account = [*words.accounts, None]

    def coded(codes: np.ndarray, values: Sequence[str | None]) -> pa.Array:
        blank = None if values[-1] is not None else codes < 0
        return pa.DictionaryArray.from_arrays(pa.array(np.where(codes < 0, 0, codes).astype(np.int32), mask=blank), list(values[:-1] if values[-1] is None else values))

    time = moments(world, rows.time) - np.timedelta64(CHINA)
    return pa.table({
        "message_id": pa.array(np.arange(first_id, first_id + len(rows))).cast(pa.string()),
        "account_id": coded(rows.account, account), "buyer_id": coded(script.chats.story[rows.chat], names),
        "sent_at": pa.array(time.astype("datetime64[us]"), pa.timestamp("us", "UTC")),
        "sender": coded(rows.sender, SENDERS), "kind": coded(rows.kind, KINDS), "text": coded(rows.text, words.texts),
        "to_account": coded(rows.to, account),
    })  # fmt: skip


# Orders -----------------------------------------------------------------------------------------------------------


def statuses(orders: Orders, now: int) -> list[str]:
    """The state of each order on the last day: unpaid, paid, shipped, completed or closed."""
    shipped = (orders.paid >= 0) & (orders.paid + 86_400 < now)
    state = np.select(
        [orders.closed >= 0, orders.paid < 0, orders.finished >= 0, shipped],
        ["closed", "unpaid", "completed", "shipped"], "paid",
    )  # fmt: skip
    return state.tolist()


def order_rows(world: World, script: Script, orders: Orders, first: int) -> list[tuple[str, ...]]:
    """Rows of ExportOrderList as of the last day, with the personal columns that must get no further."""
    now = world.days * 86_400
    created, paid, finished = (clock(world, t) for t in (orders.created, orders.paid, orders.finished))
    rows = []
    for i, state in enumerate(statuses(orders, now)):
        amount = f"{orders.amount[i] / 100:.2f}"
        refund = amount if orders.refunded[i] else "0.00"
        rows.append(order_row(first + i, script.buyers[orders.story[i]], amount, state, (created[i], paid[i], finished[i]),
                              int(orders.quantity[i]), refund))  # fmt: skip
    return rows


def order_row(number: int, buyer: str, amount: str, state: str, times: tuple[str, str, str], quantity: int, refund: str):
    """One row of ExportOrderList: every cell quoted, the id as a formula."""
    created, paid, finished = times
    reason = "订单未关闭" if state != "closed" else ("买家未付款" if not paid else "退款")
    cells = dict.fromkeys(ORDER_HEADER, "") | {
        "买家会员名": buyer, "买家支付宝账号": "canary@example.com", "买家应付货款": amount, "买家应付邮费": "0.00", "买家支付积分": "0",
        "总金额": amount, "返点积分": "0", "买家实际支付金额": amount if paid else "0.00", "订单状态": STATUS_WORDS[state],
        "收货人姓名": CANARY_NAME, "收货地址 ": CANARY_ADDRESS, "运送方式": "快递", "联系电话 ": "'null", "联系手机": f"'{CANARY_MOBILE}",
        "订单创建时间": created, "订单付款时间 ": paid, "宝贝标题 ": "示例商品，红色", "宝贝种类 ": "1", "宝贝总数量": str(quantity),
        "店铺Id": "0", "店铺名称": SHOP, "订单关闭原因": reason, "卖家服务费": "0", "买家服务费": "0元", "是否手机订单": "手机订单",
        "退款金额": refund, "确认收货时间": finished,
    }  # fmt: skip
    return (f'="{number}"', *(f'"{c}"' for c in list(cells.values())[1:]))


def bulk_orders(world: World, script: Script, orders: Orders) -> pa.Table:
    """The orders with the columns of facts.INPUT."""

    def time(seconds: np.ndarray) -> pa.Array:
        return pa.array((moments(world, seconds) - np.timedelta64(CHINA)).astype("datetime64[us]"), pa.timestamp("us", "UTC"), mask=seconds < 0)

    names = pa.array(script.buyers)
    return pa.table({
        "order_id": pa.array(np.arange(len(orders)) + FIRST_ORDER_ID).cast(pa.string()),
        "buyer_id": names.take(pa.array(orders.story)), "created_at": time(orders.created), "paid_at": time(orders.paid),
        "closed_at": time(orders.finished), "amount_fen": orders.amount,
        "paid_fen": pa.array(orders.amount, mask=orders.paid < 0), "quantity": orders.quantity,
        "status": statuses(orders, world.days * 86_400),
    })  # fmt: skip


def refund_rows(world: World, script: Script, orders: Orders) -> list[tuple[str, ...]]:
    """Rows of 退款管理, every refund in full."""
    rows = []
    asked, done, paid = (clock(world, t) for t in (orders.refund_asked, orders.refund_done, orders.paid))
    for i in np.flatnonzero(orders.refund_asked >= 0):
        state = "退款处理中" if orders.refund_done[i] < 0 else ("退款成功" if orders.refund_paid[i] else "退款关闭")
        stepped_in = i % 17 == 0
        amount = f"{orders.amount[i] / 100:.2f}"
        rows.append((
            f"{FIRST_ORDER_ID + i}", f"{FIRST_REFUND_ID + i}", "", paid[i], done[i], script.buyers[orders.story[i]], amount,
            "示例商品", amount, asked[i], state, "客服已介入" if stepped_in else "无客服介入", CANARY_MOBILE, "不喜欢/不想要",
            ("卖家" if i % 2 else "买家") if stepped_in else "", "售后",
        ))  # fmt: skip
    return rows


# People and the rest ----------------------------------------------------------------------------------------------


def write_xlsx(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """One sheet, dates and times as Excel's own; the file does not depend on when it is written."""
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"})
    book.set_properties({"created": datetime(2026, 1, 1)})
    sheet = book.add_worksheet("Sheet1")
    for r, row in enumerate([header, *rows]):
        for c, cell in enumerate(row):
            if cell not in (None, ""):
                sheet.write(r, c, cell)
    book.close()


ROSTER_HEADER = ("旺旺账号", "工号", "姓名", "岗位", "级别", "组别", "入职日期", "离职日期", "生效日期", "失效日期")


def roster_rows(world: World) -> list[tuple[object, ...]]:
    """One line for each person and level; a login handed on has a line for each of its people."""
    long_ago = world.first - timedelta(days=300)
    rows: list[tuple[object, ...]] = []
    for a in world.agents:
        began = world.date_of(a.started) if a.started else long_ago
        ended = world.date_of(a.ended) if a.ended is not None else None
        until = ended + timedelta(days=1) if ended else None
        change = world.date_of(a.promoted) if a.promoted is not None and not (ended and a.promoted > a.ended) else None
        spans = [(began, change or until, a.level), *([(change, until, a.next_level)] if change else [])]
        for valid_from, valid_to, level in spans:
            team = {"pre": "售前组", "after": "售后组"}.get(a.role, "综合组")
            rows.append((a.account, a.agent_id, a.name, ROLE_WORDS[a.role], LEVEL_WORDS[level], team, began, ended, valid_from, valid_to))
    rows.append((BOT_ACCOUNT, "BOT", "店小蜜", "机器人", None, None, long_ago, None, long_ago, None))
    rows.append((SHOP, "M01", "店长", "店长", None, None, long_ago, None, long_ago, None))
    return rows


def shift_rows(world: World) -> list[tuple[object, ...]]:
    """One line for each person and day on duty."""
    rows = []
    for day, person in zip(*np.nonzero(world.duty), strict=True):
        shift = int(world.duty[day, person])
        hours = [f"{slot // 2:02d}:{slot % 2 * 30:02d}" for slot in SHIFT_HOURS[shift]]
        rows.append((world.agents[person].agent_id, f"{world.date_of(day)}", SHIFT_NAMES[shift], *hours))
    return rows


def calendar_rows(world: World) -> list[tuple[object, ...]]:
    """The campaigns that touch the sample, with their phases."""
    last = world.date_of(world.days - 1)
    rows = []
    for year in range(world.first.year, last.year + 1):
        for name, begin, end, _, phase in SEASONS:
            first, final = date(year, *begin), date(year, *end)
            if first <= last and final >= world.first:
                rows.append((name, first, final, {"main": "正式", "warm-up": "预热"}[phase], "是" if name == "春节" else "否"))
    return sorted(rows, key=lambda row: row[1])


def complaint_rows(rng: np.random.Generator, world: World, script: Script, words: Words) -> list[tuple[str, ...]]:
    """A few complaints after chats, most of them solved within two days."""
    chat = np.flatnonzero(script.seen & (script.chats.story < script.strangers) & (rng.random(len(script.chats)) < 0.004))
    opened = script.end[chat] + rng.integers(600, 2 * 86_400, len(chat))
    cause, solved = opened + rng.exponential(5000, len(chat)).astype(int), opened + rng.integers(7200, 3 * 86_400, len(chat))
    now = world.days * 86_400
    cells = [clock(world, np.where(t < now, t, -1)) for t in (opened, cause, solved)]
    rows = []
    for i, c in enumerate(chat.tolist()):
        if cells[0][i]:
            happy = ("" if not cells[2][i] else "是" if rng.random() < 0.7 else "否")
            account = words.accounts[script.chats.agent[c]]
            kind = ("态度", "发货慢", "质量", "承诺未兑现")[c % 4]
            rows.append((f'="TS{i + 1:08d}"', script.buyers[script.chats.story[c]], account, cells[0][i], cells[1][i], cells[2][i], happy, kind))
    return rows


RATING_WORDS = ("非常满意", "满意", "一般", "不满意", "非常不满意")


def rating_rows(rng: np.random.Generator, world: World, script: Script, words: Words, invited: np.ndarray) -> list[tuple[str, ...]]:
    """Invitations to rate and what came of them; who waited long likes it less."""
    chat, at = invited
    answered = rng.random(len(chat)) < 0.45
    mood = rng.choice(5, len(chat), p=[0.62, 0.22, 0.09, 0.04, 0.03])
    rated = clock(world, np.where(answered, at + 30 + rng.integers(0, 600, len(chat)), -1))
    asked = clock(world, at)
    people = {a.account: a.name for a in world.agents}
    rows = []
    for i, c in enumerate(chat.tolist()):
        account = words.accounts[script.chats.agent[c]]
        result = RATING_WORDS[mood[i]] if answered[i] else "-"
        rows.append((asked[i][:10], SHOP, people[account], account, "", script.buyers[script.chats.story[c]], asked[i], rated[i] or "-", result, "客服邀评"))
    return rows


