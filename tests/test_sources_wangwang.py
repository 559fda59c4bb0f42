"""The text chat log: heads, bodies, both sides, and what is no message."""

import datetime as dt
from pathlib import Path

import pytest

from csperf.errors import CsperfError
from csperf.sources import Shop
from csperf.sources.wangwang import Settings, load

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
EXAMPLE = ROOT / "params/examples/wangwang_manual/sample_chat.txt"


def shared(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return path


def read(path, *, internal=(), zone="Asia/Shanghai", **settings):
    return load(path, Settings(files="*.txt", **settings), Shop("shop", zone, path.parent, frozenset(internal)))


def read_text(tmp_path, text, encoding="utf-8", **settings):
    path = tmp_path / "chat.txt"
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    return read(path, **settings)


def records(loaded):
    return sorted(loaded.tables["messages"].to_pylist(), key=lambda row: (row["source_line"], row["sequence"]))


def sides(loaded):
    return [(row["account_id"], row["buyer_id"], row["sender"]) for row in records(loaded)]


def test_the_manuals_sample_chat(tmp_path):
    rows = records(read(EXAMPLE))
    assert len(rows) == 6
    assert {row["sent_at"] for row in rows} == {dt.datetime(2010, 6, 1, 1, 7, 32, tzinfo=dt.UTC)}
    assert [row["sequence"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row["sender"] for row in rows] == ["buyer", "human"] * 3
    assert {(row["account_id"], row["buyer_id"]) for row in rows} == {("XXX官方旗舰店:01", "YYY客户")}
    assert rows[-1]["text"].endswith("店铺。\n您当前咨询的内容为1.1.1(此信息无需回复)")


def test_the_chat_in_the_seed_has_lost_its_line_ends_and_reads_the_same(tmp_path):
    text = shared("seeds/002_823909ab46921f59.txt").read_text(encoding="utf-8")
    start, end = text.index("YYY客户("), text.index("咨询分类代码是作为")
    rows = records(read_text(tmp_path, text[start:end], shop_names=["XXX官方旗舰店"]))
    whole = records(read(EXAMPLE))
    plain = [row["text"].replace("\n", "") for row in whole]
    assert [row["text"] for row in rows] == plain
    assert [(row["sender"], row["sequence"], row["sent_at"]) for row in rows] == [
        (row["sender"], row["sequence"], row["sent_at"]) for row in whole
    ]


def test_the_chat_as_copied_from_qianniu():
    loaded = read(shared("formats/samples/qianniu_chat.txt"))
    rows = records(loaded)
    assert loaded.counts.read == loaded.counts.kept == 8
    assert [(row["sender"], row["kind"]) for row in rows] == [
        ("system", "system"),
        ("buyer", "text"),
        ("human", "text"),
        ("human", "card"),
        ("human", "recall"),
        ("system", "transfer"),
        ("buyer", "text"),
        ("human", "text"),
    ]
    assert rows[1]["text"] == "在吗\n这款还有M码吗"
    assert rows[4]["text"] is None
    assert rows[5]["to_account"] == "示例旗舰店:小乙"
    assert [row["account_id"][-2:] for row in rows] == ["小甲"] * 6 + ["小乙"] * 2
    assert rows[7]["text"] == "今天16:00前付款当天发"


@pytest.mark.parametrize(
    "head",
    [
        "甲(2025-01-02 09:03:05):在吗",
        "甲（2025-01-02 09:03:05）：在吗",
        "甲(2025-01-0209:03:05):在吗",
        "甲 2025-1-2 9:03:05\n在吗",
        "甲2025-1-2 9:03:05\n在吗",
        "甲 --> 店:01 2025-1-2 9:03:05\n在吗",
        "[甲] 2025-01-02 09:03:05\n在吗",
        "甲\n2025-01-02 09:03:05\n在吗",
        "cntaobao甲 2025/1/2 9:03:05\n在吗\n已读",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_every_form_of_head_tells_the_same(tmp_path, head, encoding):
    (first, second) = records(
        read_text(tmp_path, f"店:01(2025-01-02 09:03:00):欢迎\n{head}\n", encoding)
        if not head.startswith("甲\n")
        else read_text(tmp_path, f"店:01 2025-01-02 09:03:00\n欢迎\n{head}\n", encoding)
    )
    assert (second["account_id"], second["buyer_id"], second["sender"]) == ("店:01", "甲", "buyer")
    assert second["sent_at"] == dt.datetime(2025, 1, 2, 1, 3, 5, tzinfo=dt.UTC)
    assert second["text"] == "在吗"
    assert first["text"] == "欢迎"


@pytest.mark.parametrize("nick", ["店:01", "店：01", "cntaobao店:01", "店:０１"])
def test_sub_accounts_have_one_spelling(tmp_path, nick):
    loaded = read_text(tmp_path, f"甲(2025-01-02 09:03:05):在吗\n{nick}(2025-01-02 09:03:06):亲\n")
    assert sides(loaded) == [("店:01", "甲", "buyer"), ("店:01", "甲", "human")]


def test_the_main_account_is_the_shops_name_itself(tmp_path):
    text = "甲(2025-01-02 09:03:05):在吗\n大:店(2025-01-02 09:03:06):亲\n大:店:02(2025-01-02 09:03:07):亲\n"
    loaded = read_text(tmp_path, text, shop_names=["大：店"])
    assert sides(loaded) == [("大:店", "甲", "buyer"), ("大:店", "甲", "human"), ("大:店:02", "甲", "human")]


def test_a_file_with_several_buyers_and_dividers(tmp_path):
    text = (
        "店:01(2025-01-02 09:00:00):欢迎\n甲(2025-01-02 09:00:05):在吗\n店:01(2025-01-02 09:00:06):亲\n"
        "----------\n"
        "店:02(2025-01-02 09:10:00):欢迎\n乙(2025-01-02 09:10:05):在吗\n"
    )
    assert sides(read_text(tmp_path, text)) == [
        ("店:01", "甲", "human"),
        ("店:01", "甲", "buyer"),
        ("店:01", "甲", "human"),
        ("店:02", "乙", "human"),
        ("店:02", "乙", "buyer"),
    ]


def test_a_buyers_message_belongs_to_the_last_account_that_wrote_or_took_over_else_the_next(tmp_path):
    text = (
        "甲(2025-01-02 09:00:00):在吗\n店:01(2025-01-02 09:00:05):亲\n甲(2025-01-02 09:00:10):问\n"
        "店:01(2025-01-02 09:00:15):由 店:01 转交给 店:02\n"
        "甲(2025-01-02 09:00:20):在吗\n店:02(2025-01-02 09:00:25):亲\n"
    )
    assert [account for account, _b, _s in sides(read_text(tmp_path, text))] == ["店:01"] * 4 + ["店:02"] * 2


def test_chats_among_the_shops_own_accounts_have_a_colleague_for_buyer(tmp_path):
    text = "店:09(2025-01-02 09:00:00):库存?\n店:01(2025-01-02 09:00:05):有\n"
    expected = [("店:01", "店:09", "colleague"), ("店:01", "店:09", "human")]
    assert sides(read_text(tmp_path, text)) == expected
    turned = "店:01(2025-01-02 09:00:05):有\n店:09(2025-01-02 09:00:00):库存?\n"
    assert sides(read_text(tmp_path, turned, internal=["店:09"])) == expected[::-1]
    warehouse = "仓库小王(2025-01-02 09:00:00):库存?\n店:01(2025-01-02 09:00:05):有\n"
    assert sides(read_text(tmp_path, warehouse, internal=["仓库小王"]))[0] == ("店:01", "仓库小王", "colleague")


def test_automatic_texts_and_bots(tmp_path):
    text = (
        "甲(2025-01-02 09:00:00):在吗\n店:01(2025-01-02 09:00:00):您好，稍等\n店:机器人(2025-01-02 09:00:01):猜您想问\n"
    )
    loaded = read_text(tmp_path, text, auto_texts=["您好，稍等"], bots=["店:机器人"])
    assert [sender for _a, _b, sender in sides(loaded)] == ["buyer", "auto", "bot"]


def test_an_agents_message_in_a_chat_without_buyer_is_rejected_by_line(tmp_path):
    text = "甲(2025-01-02 09:00:00):在吗\n店:01(2025-01-02 09:00:01):亲\n=====\n店:01(2025-01-02 10:00:00):有人吗\n"
    loaded = read_text(tmp_path, text)
    (row,) = loaded.rejects.to_pylist()
    assert (row["line"], row["reason"]) == (4, "agent_without_buyer")
    assert (loaded.counts.read, loaded.counts.kept) == (3, 2)


def test_a_time_that_no_calendar_has_is_rejected(tmp_path):
    loaded = read_text(tmp_path, "店:01(2025-01-02 09:00:01):亲\n甲(2025-02-30 09:00:00):在吗\n")
    assert [row["reason"] for row in loaded.rejects.to_pylist()] == ["time_unreadable:sent_at"]


def test_lines_before_the_first_message_are_told(tmp_path):
    loaded = read_text(tmp_path, "聊天记录导出\n\n甲(2025-01-02 09:00:00):在吗\n店:01(2025-01-02 09:00:01):亲\n")
    assert [(notice.code, notice.slots) for notice in loaded.warnings] == [("unread_lines", {"n": 1, "line": 1})]


@pytest.mark.parametrize(
    ("text", "zone", "said"),
    [
        ("只是一些字\n", "UTC", "no message found"),
        ("甲(2025-01-02 09:00:00):在吗\n", "UTC", "who the agents are"),
        ("店:01(2025-01-02 09:00:00):亲\n", None, "times without a zone"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(tmp_path, monkeypatch, text, zone, said):
    monkeypatch.setenv("CSPERF_LANG", "en")
    with pytest.raises(CsperfError, match=said):
        read_text(tmp_path, text, zone=zone)


def test_a_named_bot_does_not_make_strangers_of_the_people(tmp_path):
    chat = "小买家 2026-10-01 09:00:00\n在吗\n示例店:店小蜜 2026-10-01 09:00:01\n您好\n"
    chat += "示例店:01 2026-10-01 09:00:20\n在的\n"
    loaded = read_text(tmp_path, chat, bots=("示例店:店小蜜",))
    assert [row["sender"] for row in records(loaded)] == ["buyer", "bot", "human"]
