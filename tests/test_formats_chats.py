"""Pasted chats and help desks' JSON: what each form says, who talks to whom, every record accounted for."""

import datetime as dt
import json
from pathlib import Path

import pytest
import xlsxwriter

from csperf.errors import CsperfError
from csperf.sources import Shop, chat_json, export, qianniu, wangwang, whatsapp

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT.parent / "shared/formats/samples"
ADDRESSES = ("canary.byrd@example.com", "+1 000 000 0077", "13800138077")
NAMES = ("Canary Byrd", "金丝雀")
START = dt.datetime(2025, 1, 2, 1, 0, tzinfo=dt.UTC)


def at(seconds):
    return START + dt.timedelta(seconds=seconds)


def epoch(seconds):
    return int(at(seconds).timestamp())


def iso(seconds):
    return at(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def sample(name):
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return path


def read(module, path, key=b"secret", zone="Asia/Shanghai", **settings):
    return module.load(path, module.Settings(files="*", **settings), Shop("shop", zone, path.parent, key=key))


def written(tmp_path, content, encoding="utf-8"):
    path = tmp_path / "chat"
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    path.write_bytes(text.encode(encoding))
    return path


def rows(loaded, table="messages"):
    return loaded.tables[table].to_pylist()


def said(loaded):
    return [(row["sender"], row["kind"], row["text"]) for row in rows(loaded)]


def sides(loaded):
    return [(row["account_id"], row["buyer_id"]) for row in rows(loaded)]


def parts(loaded):
    return loaded.counts.read, loaded.counts.kept, loaded.counts.filtered, loaded.counts.rejected


def everything(loaded):
    """All that a file leaves behind, as one text to look for names in."""
    kept = [row for table in loaded.tables.values() for row in table.to_pylist()]
    return repr((kept, loaded.rejects.to_pylist(), [notice.say("en") for notice in loaded.warnings], loaded.recognised))


# 千牛 -------------------------------------------------------------------------------------------------------------

PASTED = "甲 2025-1-2 9:03:05\r\n在吗\r\n店:01 2025-1-2 9:03:20\r\n亲\r\n已读\r\n"
WEB = "2025-1-2\n9:03:05\n在吗\n还有货吗\n甲\n\n9:03:20\n{0}\n店:01\n已读\n2025-1-3\n10:00:00\n好\n甲\n"


def test_the_qianniu_sample():
    path = sample("qianniu_chat.txt")
    loaded = read(qianniu, path)
    assert qianniu.recognises(path.read_bytes(), path.name) == loaded.recognised.format == "qianniu.chat"
    assert parts(loaded) == (8, 8, {}, {})
    assert [(f"{row['sent_at']:%H:%M:%S}", row["sender"], row["kind"], row["text"]) for row in rows(loaded)] == [
        ("01:03:05", "system", "system", "当前用户来自 商品详情页"),
        ("01:03:06", "buyer", "text", "在吗\n这款还有M码吗"),
        ("01:03:20", "human", "text", "亲，在的呢"),
        ("01:03:41", "human", "card", "https://item.example.com/item.htm?id=600000000001\n¥59.00"),
        ("01:04:02", "human", "recall", None),
        ("01:05:10", "system", "transfer", "由 示例旗舰店:小甲 转交给 示例旗舰店:小乙"),
        ("01:06:00", "buyer", "text", "好的，几点发货？"),
        ("01:06:33", "human", "text", "今天16:00前付款当天发"),
    ]
    assert {buyer for _account, buyer in sides(loaded)} == {"示例买家甲"}
    assert rows(loaded)[5]["to_account"] == "示例旗舰店:小乙"
    assert [account[-2:] for account, _buyer in sides(loaded)] == ["小甲"] * 6 + ["小乙"] * 2
    assert rows(loaded) == rows(read(wangwang, path))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
@pytest.mark.parametrize(
    "head",
    [
        "甲 2025-1-2 9:03:05",
        "甲2025-1-2 9:03:05",
        "甲\n2025-1-2 9:03:05",
        "甲 --> 店:01 2025-1-2 9:03:05",
        "[甲] 2025-01-02 09:03:05",
    ],
)
def test_every_pasted_form_is_known(tmp_path, head, encoding):
    path = written(tmp_path, f"店:01 2025-1-2 9:03:00\n欢迎\n{head}\n在吗\n", encoding)
    assert qianniu.recognises(path.read_bytes(), path.name) == "qianniu.chat"
    assert said(read(qianniu, path)) == [("human", "text", "欢迎"), ("buyer", "text", "在吗")]


def test_a_copied_web_page_has_the_sender_last_and_the_date_now_and_then(tmp_path):
    path = written(tmp_path, WEB.format(qianniu.NOT_SHOWN))
    loaded = read(qianniu, path)
    assert qianniu.recognises(path.read_bytes(), path.name) == "qianniu.chat"
    assert (loaded.recognised.version, parts(loaded)) == ("web page", (3, 3, {}, {}))
    assert said(loaded) == [("buyer", "text", "在吗\n还有货吗"), ("human", "text", None), ("buyer", "text", "好")]
    assert [row["source_line"] for row in rows(loaded)] == [2, 7, 12]
    assert rows(loaded)[2]["sent_at"] == dt.datetime(2025, 1, 3, 2, 0, tzinfo=dt.UTC)


def test_a_time_that_no_calendar_has_is_rejected_with_its_line(tmp_path):
    loaded = read(qianniu, written(tmp_path, PASTED + "甲 2025-2-30 9:00:00\n在\n"))
    assert parts(loaded) == (3, 2, {}, {"time_unreadable:sent_at": 1})
    assert loaded.rejects["line"].to_pylist() == [6]


def test_numbers_and_addresses_written_in_a_chat_are_hidden(tmp_path):
    text = f"打我{ADDRESSES[2]}，发{ADDRESSES[0]}或{ADDRESSES[1]}。订单 1234567890123456789"
    loaded = read(qianniu, written(tmp_path, PASTED.replace("在吗", text)))
    assert said(loaded)[0][2] == "打我***，发***或***。订单 1234567890123456789"


def test_the_bracket_form_is_wangwangs_and_tables_are_no_chats():
    assert qianniu.recognises("甲(2010-06-01 09:07:32):在吗\n".encode("gb18030"), "x") == "wangwang.chat"
    for other in ("账号,买家,时间\na,b,2025-01-02 10:00:00\n", '{"a": "b 2025-1-2 9:03:05"}', "只是字\n", ""):
        assert qianniu.recognises(other.encode(), "x") is None


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_beginning_cut_inside_a_character_is_still_known(encoding):
    whole = (PASTED * 20).encode(encoding)
    assert all(qianniu.recognises(whole[:cut], "x") == "qianniu.chat" for cut in range(200, 210))


# WhatsApp ---------------------------------------------------------------------------------------------------------

SHOP = "Example Store"
ANDROID = (
    "25/12/24, 09:03 - Messages and calls are end-to-end encrypted.\n"
    f"25/12/24, 09:03 - {NAMES[0]}: Hello\nstill in stock?\n"
    f"25/12/24, 09:04 - {SHOP}: yes: M and L\n"
    f"25/12/24, 09:05 - {NAMES[0]}: <Media omitted>\n"
    f"25/12/24, 09:06 - {SHOP}: This message was deleted\n"
    f"25/12/24, 09:07 - {NAMES[0]} changed their phone number\n"
)
IOS = (
    f"[25/12/2024, 9:03:05\u202fPM] {NAMES[0]}: Hello\n"
    f"\u200e[25/12/2024, 9:04:06\u202fPM] {SHOP}: \u200eimage omitted\n"
    f"[25/12/2024, 9:05:07\u202fPM] {NAMES[0]}: \u200esticker omitted\n"
)


def test_the_whatsapp_sample():
    path = sample("whatsapp_zh.txt")
    loaded = read(whatsapp, path, accounts=["示例店"])
    assert whatsapp.recognises(path.read_bytes(), path.name) == loaded.recognised.format == "whatsapp.chat"
    assert parts(loaded) == (4, 4, {}, {})
    assert said(loaded) == [
        ("system", "system", None),
        ("buyer", "text", "你好\n请问还有货吗"),
        ("human", "text", "有的：M 和 L"),
        ("buyer", "text", None),
    ]
    assert [row["source_line"] for row in rows(loaded)] == [1, 2, 4, 5]
    assert rows(loaded)[3]["sent_at"] == dt.datetime(2025, 1, 2, 1, 5, tzinfo=dt.UTC)
    assert {account for account, _buyer in sides(loaded)} == {"示例店"}


def test_android(tmp_path):
    loaded = read(whatsapp, written(tmp_path, ANDROID), accounts=[SHOP])
    assert said(loaded) == [
        ("system", "system", None),
        ("buyer", "text", "Hello\nstill in stock?"),
        ("human", "text", "yes: M and L"),
        ("buyer", "text", None),
        ("human", "recall", None),
        ("system", "system", None),
    ]
    assert rows(loaded)[0]["sent_at"] == dt.datetime(2024, 12, 25, 1, 3, tzinfo=dt.UTC)
    assert loaded.recognised.version == "Android"
    assert {account for account, _buyer in sides(loaded)} == {"ExampleStore"}


def test_ios_with_its_invisible_signs_and_twelve_hours(tmp_path):
    loaded = read(whatsapp, written(tmp_path, IOS), accounts=[SHOP])
    assert said(loaded) == [("buyer", "text", "Hello"), ("human", "text", None), ("buyer", "sticker", None)]
    assert rows(loaded)[0]["sent_at"] == dt.datetime(2024, 12, 25, 13, 3, 5, tzinfo=dt.UTC)
    assert loaded.recognised.version == "iOS"


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("[12.3.2022 klo 14.08.18] ", dt.datetime(2022, 3, 12, 14, 8, 18)),
        ("2022/3/12 14:08 - ", dt.datetime(2022, 3, 12, 14, 8)),
        ("2022/3/12 下午2:08 - ", dt.datetime(2022, 3, 12, 14, 8)),
        ("2022/3/12 上午12:08 - ", dt.datetime(2022, 3, 12, 0, 8)),
        ("2022/3/12 中午12:08 - ", dt.datetime(2022, 3, 12, 12, 8)),
        ("3/13/22, 2:08 PM - ", dt.datetime(2022, 3, 13, 14, 8)),
        ("3/13/22, 12:08 a.m. - ", dt.datetime(2022, 3, 13, 0, 8)),
        ("13/03/2022, 14:08 - ", dt.datetime(2022, 3, 13, 14, 8)),
        ("[13/03/2022, 14:08:18] ", dt.datetime(2022, 3, 13, 14, 8, 18)),
    ],
)
def test_dates_of_many_countries(tmp_path, stamp, expected):
    path = written(tmp_path, f"{stamp}甲: 在吗\n{stamp}店: 在\n")
    loaded = read(whatsapp, path, zone="UTC", accounts=["店"])
    assert whatsapp.recognises(path.read_bytes(), path.name) == "whatsapp.chat"
    assert {row["sent_at"].replace(tzinfo=None) for row in rows(loaded)} == {expected}


def test_the_order_of_messages_tells_day_from_month(tmp_path):
    text = "01/02/25, 09:03 - 甲: 在吗\n02/01/25, 09:04 - 店: 在\n"  # 1 Feb before 2 Jan cannot be
    (first, second) = rows(read(whatsapp, written(tmp_path, text), zone="UTC", accounts=["店"]))
    assert [(row["sent_at"].month, row["sent_at"].day) for row in (first, second)] == [(1, 2), (2, 1)]


@pytest.mark.parametrize(("order", "month"), [("dmy", 2), ("mdy", 1)])
def test_an_undecidable_order_of_day_and_month_is_refused_until_it_is_told(tmp_path, monkeypatch, order, month):
    monkeypatch.setenv("CSPERF_LANG", "en")
    path = written(tmp_path, "01/02/25, 09:03 - 甲: 在吗\n01/02/25, 09:04 - 店: 在\n")
    with pytest.raises(CsperfError, match="01/02/25 may be day/month or month/day"):
        read(whatsapp, path, accounts=["店"])
    assert rows(read(whatsapp, path, accounts=["店"], date_order=order))[0]["sent_at"].month == month


@pytest.mark.parametrize(
    ("text", "settings", "said"),
    [
        (ANDROID, {}, "write `accounts:`"),
        (ANDROID, {"accounts": ["Nobody"]}, "none of the names"),
        (ANDROID, {"accounts": [SHOP], "key": b""}, "no key"),
        (ANDROID, {"accounts": [SHOP], "zone": None}, "times without a zone"),
        (
            ANDROID + f"12/25/24, 09:09 - {SHOP}: x\n",
            {"accounts": [SHOP]},
            "line 1 is day/month, that on line 8 month/day",
        ),
        ("nothing\n", {"accounts": [SHOP]}, "no message found"),
    ],
)
def test_a_whatsapp_chat_that_cannot_be_read_is_refused_without_a_name(tmp_path, monkeypatch, text, settings, said):
    monkeypatch.setenv("CSPERF_LANG", "en")
    with pytest.raises(CsperfError, match=said) as raised:
        read(whatsapp, written(tmp_path, text), **settings)
    assert NAMES[0] not in str(raised.value)


def test_bots_automatic_texts_and_a_day_that_no_calendar_has(tmp_path):
    text = (
        "13/1/25, 09:03 - 甲: 在吗\n13/1/25, 09:03 - 店: 您好，稍等\n13/1/25, 09:04 - 小助手: 猜您想问\n"
        "30/2/25, 09:05 - 店: 在\n"
    )
    loaded = read(whatsapp, written(tmp_path, text), accounts=["店"], bots=["小助手"], auto_texts=["您好，稍等"])
    assert [sender for sender, _kind, _text in said(loaded)] == ["buyer", "auto", "bot"]
    assert parts(loaded) == (4, 3, {}, {"time_unreadable:sent_at": 1})
    assert loaded.rejects.to_pylist()[0]["line"] == 4


def test_no_name_or_number_of_a_whatsapp_chat_stays(tmp_path):
    text = f"x\n{ANDROID}26/12/24, 09:00 - {ADDRESSES[1]}: call {ADDRESSES[2]}\n30/2/25, 09:05 - {NAMES[0]}: hi\n"
    loaded = read(whatsapp, written(tmp_path, text), accounts=[SHOP])
    assert parts(loaded) == (8, 7, {}, {"time_unreadable:sent_at": 1})
    assert [notice.code for notice in loaded.warnings] == ["unread_lines"]
    assert [found for found in (*NAMES, *ADDRESSES) if found in everything(loaded)] == []
    assert len({buyer for _account, buyer in sides(loaded)}) == 2


# Chatwoot ---------------------------------------------------------------------------------------------------------

CUSTOMER = {"id": 71, "name": NAMES[0], "email": ADDRESSES[0], "phone_number": ADDRESSES[1], "type": "contact"}
AGENT = {"id": 5, "name": NAMES[1], "email": "agent@example.com", "type": "user"}


def chatwoot(number, kind, seconds, **fields):
    sender = {0: CUSTOMER, 1: AGENT}.get(kind)
    return {
        "id": number,
        "content": f"message {number}",
        "message_type": kind,
        "content_type": "text",
        "private": False,
        "status": "sent",
        "created_at": epoch(seconds),
        "conversation_id": 9,
        "sender": sender,
    } | fields


def test_chatwoot(tmp_path):
    content = [
        chatwoot(1, 0, 0),
        chatwoot(2, 3, 1),
        chatwoot(3, 1, 2, sender={"id": 2, "name": "Bot", "type": "agent_bot"}),
        chatwoot(4, 1, 30),
        chatwoot(5, 1, 31, private=True),
        chatwoot(6, 2, 32, content=f"Conversation was marked resolved by {NAMES[1]}"),
        chatwoot(7, 3, 33, content_type="input_csat"),
        chatwoot(8, 0, 34, content_attributes={"deleted": True}),
        chatwoot(9, 0, 35, content_type="sticker", content=None),
        chatwoot(10, 1, 36, content_type="cards"),
    ]
    loaded = read(chat_json, written(tmp_path, {"meta": {}, "payload": content}))
    assert loaded.recognised.format == "chatwoot.messages"
    assert parts(loaded) == (10, 10, {}, {})
    assert [(row["sender"], row["kind"]) for row in rows(loaded)] == [
        ("buyer", "text"),
        ("auto", "text"),
        ("bot", "text"),
        ("human", "text"),
        ("human", "note"),
        ("system", "system"),
        ("auto", "rating_invite"),
        ("buyer", "recall"),
        ("buyer", "sticker"),
        ("human", "card"),
    ]
    assert set(sides(loaded)) == {("5", "71")}
    first = rows(loaded)[0]
    assert (first["sent_at"], first["message_id"], first["conversation_id"]) == (at(0), "1", "9")


def test_chatwoot_conversations_in_which_only_agents_wrote(tmp_path):
    cover = {"id": 9, "meta": {"sender": {"id": 71, "name": NAMES[0]}}, "messages": [chatwoot(1, 1, 0)]}
    assert sides(read(chat_json, written(tmp_path, {"data": {"payload": [cover]}}))) == [("5", "71")]
    loaded = read(chat_json, written(tmp_path, [chatwoot(1, 1, 0)]))
    assert parts(loaded) == (1, 0, {}, {"agent_without_buyer": 1})


def test_a_customer_known_only_by_address_becomes_a_keyed_hash(tmp_path, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")
    path = written(tmp_path, [chatwoot(1, 0, 0, sender={"email": ADDRESSES[0], "type": "contact"})])
    ((_account, buyer),) = sides(read(chat_json, path))
    assert len(buyer) == 32 and buyer != sides(read(chat_json, path, key=b"other"))[0][1]
    with pytest.raises(CsperfError, match="no key"):
        read(chat_json, path, key=b"")


# Zendesk ----------------------------------------------------------------------------------------------------------


def comment(number, author, seconds, **fields):
    return {
        "id": number,
        "type": "Comment",
        "author_id": author,
        "body": f"comment {number}",
        "html_body": f"<p>comment {number}</p>",
        "plain_body": f"comment&nbsp;{number}",
        "public": True,
        "attachments": [],
        "via": {"channel": "web", "source": {"from": {"address": ADDRESSES[0], "name": NAMES[0]}}},
        "created_at": iso(seconds),
        "metadata": {"system": {"location": "Hangzhou"}},
    } | fields


COMMENTS = [
    comment(1, 71, 0),
    comment(2, 5, 30),
    comment(3, 5, 40, public=False),
    comment(4, -1, 50),
    comment(5, 71, 60),
]
USERS = [{"id": 71, "role": "end-user", "name": NAMES[0]}, {"id": 5, "role": "agent", "name": NAMES[1]}]
ROLES = [("buyer", "text"), ("human", "text"), ("human", "note"), ("auto", "text"), ("buyer", "text")]


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        ({"comments": COMMENTS, "users": USERS}, {}),
        ({"id": 35, "requester_id": 71, "requester": USERS[0], "comments": COMMENTS}, {}),
        ({"tickets": [{"id": 35, "requester": {"id": 71, "email": ADDRESSES[0]}, "comments": COMMENTS}]}, {}),
        (COMMENTS, {"accounts": ["5"]}),
    ],
)
def test_zendesk_comments(tmp_path, content, settings):
    loaded = read(chat_json, written(tmp_path, content), **settings)
    assert loaded.recognised.format == "zendesk.tickets"
    assert parts(loaded) == (5, 5, {}, {})
    assert [(row["sender"], row["kind"]) for row in rows(loaded)] == ROLES
    assert set(sides(loaded)) == {("5", "71")}
    assert rows(loaded)[0]["text"] == "comment\xa01"
    assert {row["conversation_id"] for row in rows(loaded)} <= {"35", None}


def test_zendesk_comments_that_do_not_tell_agents_from_customers_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")
    with pytest.raises(CsperfError, match="which authors are agents"):
        read(chat_json, written(tmp_path, COMMENTS))


def test_zendesk_audits_are_messages_and_the_tickets_events(tmp_path):
    def audit(seconds, author, *events):
        return {"id": seconds, "ticket_id": 35, "created_at": iso(seconds), "author_id": author, "events": list(events)}

    def change(name, value, before=None):
        return {"id": 1, "type": "Change", "field_name": name, "value": value, "previous_value": before}

    opening = [comment(1, 71, 0), {"id": 2, "type": "Create", "field_name": "status", "value": "new"}]
    content = {
        "audits": [
            audit(0, 71, *opening, {"id": 3, "type": "Notification", "body": f"to {ADDRESSES[0]}"}),
            audit(10, 5, change("assignee_id", "5"), change("group_id", "2"), change("tags", "x")),
            audit(30, 5, comment(4, None, 30), change("status", "pending", "open")),
            audit(50, 71, comment(5, 71, 50), change("status", "open", "pending")),
            audit(60, 5, change("status", "solved", "open")),
            audit(70, 71, change("status", "open", "solved")),
            audit(80, -1, change("status", "closed", "solved")),
        ],
        "users": USERS,
    }
    loaded = read(chat_json, written(tmp_path, content))
    assert parts(loaded) == (13, 11, {"other_event": 2}, {})
    assert [row["sender"] for row in rows(loaded)] == ["buyer", "human", "buyer"]
    steps = [(row["at"], row["event"], row["account_id"], row["team"]) for row in rows(loaded, "tickets")]
    assert steps == [
        (at(0), "created", None, None),
        (at(10), "assigned", "5", None),
        (at(10), "assigned", "5", "2"),
        (at(30), "replied", "5", None),
        (at(30), "waiting", "5", None),
        (at(50), "resumed", None, None),
        (at(60), "resolved", "5", None),
        (at(70), "reopened", None, None),
        (at(80), "closed", None, None),
    ]


# Intercom ---------------------------------------------------------------------------------------------------------

LEAD = {"type": "lead", "id": "u71", "name": NAMES[0], "email": ADDRESSES[0]}
ADMIN = {"type": "admin", "id": "5", "name": NAMES[1], "email": "agent@example.com"}


def part(number, kind, seconds, author=ADMIN, body=None, **fields):
    row = {"type": "conversation_part", "id": str(number), "part_type": kind, "body": body}
    return row | {"created_at": epoch(seconds), "author": author, "assigned_to": None} | fields


def intercom(*parts, **fields):
    return {
        "type": "conversation",
        "id": "147",
        "created_at": epoch(0),
        "source": {"id": "1", "type": "conversation", "body": "<p>Hi &amp; hello</p><p>there?</p>", "author": LEAD},
        "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": "u71"}]},
        "conversation_parts": {"type": "conversation_part.list", "conversation_parts": list(parts)},
        "statistics": {"time_to_admin_reply": 30},
    } | fields


def test_intercom(tmp_path):
    content = intercom(
        part(2, "comment", 5, {"type": "bot", "id": "9"}, "<p>A bot</p>"),
        part(3, "assignment", 6, assigned_to={"type": "admin", "id": "5"}),
        part(4, "comment", 30, body="<p>Hello</p>"),
        part(5, "note", 31, body="check"),
        part(6, "snoozed", 32),
        part(7, "comment", 40, LEAD, "Thanks"),
        part(8, "assignment", 41, assigned_to={"type": "admin", "id": "6"}),
        part(9, "close", 50, {"type": "admin", "id": "6"}),
        part(10, "comment", 60, ADMIN | {"from_ai_agent": True}, "I am no person"),
        part(11, "hologram", 61, body="boo"),
        conversation_rating={"rating": 4, "remark": NAMES[0], "created_at": epoch(99), "teammate": {"id": 6}},
    )
    loaded = read(chat_json, written(tmp_path, {"type": "conversation.list", "conversations": [content]}))
    assert loaded.recognised.format == "intercom.conversations"
    assert parts(loaded) == (11, 10, {}, {"value_unmapped:kind": 1})
    assert said(loaded)[0] == ("buyer", "text", "Hi & hello\nthere?")
    assert [(row["sender"], row["kind"]) for row in rows(loaded)] == [
        ("buyer", "text"),
        ("bot", "text"),
        ("system", "transfer"),
        ("human", "text"),
        ("human", "note"),
        ("system", "system"),
        ("buyer", "text"),
        ("system", "transfer"),
        ("system", "close"),
        ("bot", "text"),
    ]
    assert [account for account, _buyer in sides(loaded)] == ["5"] * 8 + ["6"] * 2
    assert {buyer for _account, buyer in sides(loaded)} == {"u71"}
    (rating,) = rows(loaded, "ratings")
    assert (rating["score"], rating["scale_max"], rating["account_id"], rating["buyer_id"]) == (4, 5, "6", "u71")
    assert loaded.rejects.to_pylist()[0]["kind"] == "hologram"


def test_intercom_campaigns_are_automatic(tmp_path):
    source = {"id": "1", "delivered_as": "automated", "body": "Sale!", "author": ADMIN}
    assert said(read(chat_json, written(tmp_path, intercom(source=source)))) == [("auto", "text", "Sale!")]


# Freshdesk --------------------------------------------------------------------------------------------------------


def freshdesk(number, seconds, **fields):
    return {
        "id": number,
        "body": f"<div>line {number}</div>",
        "body_text": f"line {number}",
        "ticket_id": 35,
        "user_id": 71 if fields.get("incoming") else 5,
        "incoming": False,
        "private": False,
        "source": 0,
        "created_at": iso(seconds),
        "from_email": ADDRESSES[0],
        "to_emails": [ADDRESSES[0]],
    } | fields


def test_freshdesk_conversations(tmp_path):
    content = [
        freshdesk(1, 0, incoming=True),
        freshdesk(2, 30),
        freshdesk(3, 40, source=2, private=True),
        freshdesk(4, 50, source=8),
        freshdesk(5, 60, source=6, incoming=True),
        freshdesk(6, 70, source=99),
    ]
    loaded = read(chat_json, written(tmp_path, content))
    assert loaded.recognised.format == "freshdesk.conversations"
    assert parts(loaded) == (6, 5, {}, {"value_unmapped:kind": 1})
    assert said(loaded) == [
        ("buyer", "text", "line 1"),
        ("human", "text", "line 2"),
        ("human", "note", "line 3"),
        ("human", "note", "line 4"),
        ("system", "system", None),
    ]
    assert set(sides(loaded)) == {("5", "71")}
    assert loaded.rejects.to_pylist()[0]["kind"] == "99"


def test_a_freshdesk_tickets_description_is_the_customers_first_message(tmp_path):
    ticket = {"id": 35, "requester_id": 71, "description_text": "broken", "created_at": iso(0), "subject": NAMES[0]}
    loaded = read(chat_json, written(tmp_path, [ticket | {"conversations": [freshdesk(1, 30)]}]))
    assert said(loaded) == [("buyer", "text", "broken"), ("human", "text", "line 1")]
    assert set(sides(loaded)) == {("5", "71")}


def test_a_freshdesk_reply_alone_is_to_whom_it_is_addressed(tmp_path):
    ((account, buyer),) = sides(read(chat_json, written(tmp_path, [freshdesk(1, 30)])))
    assert account == "5" and len(buyer) == 32


# What all of JSON share -------------------------------------------------------------------------------------------

EACH = {
    "chatwoot.messages": [chatwoot(1, 0, 0), chatwoot(2, 1, 30)],
    "zendesk.tickets": [
        {"id": n, "requester_id": 71, "comments": [comment(n, 71, n), comment(n + 9, 5, 30)]} for n in (1, 2)
    ],
    "intercom.conversations": [intercom(part(2, "comment", 30, body="x")), intercom(id="148")],
    "freshdesk.conversations": [freshdesk(1, 0, incoming=True), freshdesk(2, 30)],
}


def as_lines(records):
    return "\n".join(map(json.dumps, records))


def as_one_behind_another(records):
    return "".join(json.dumps(record, indent=1) for record in records)


@pytest.mark.parametrize("shape", [json.dumps, as_lines, as_one_behind_another])
@pytest.mark.parametrize("key", EACH)
def test_lists_lines_and_objects_without_separators_say_the_same(tmp_path, key, shape):
    path = written(tmp_path, shape(EACH[key]))
    assert chat_json.recognises(path.read_bytes()[:65536], path.name) == key
    loaded, plain = read(chat_json, path), read(chat_json, written(tmp_path, EACH[key]))
    assert rows(loaded) == rows(plain)
    assert loaded.counts.read == loaded.counts.kept == plain.counts.read > 1


@pytest.mark.parametrize("key", EACH)
def test_a_broken_line_is_rejected_by_number_and_the_rest_stays(tmp_path, key):
    whole = read(chat_json, written(tmp_path, EACH[key])).counts.kept
    lines = as_lines(EACH[key]).split("\n")
    loaded = read(chat_json, written(tmp_path, "\n".join([*lines, lines[0][:60], "17"])))
    assert (loaded.counts.kept, loaded.counts.rejected) == (whole, {"broken_line": 1, "record_unknown": 1})
    assert loaded.rejects["line"].to_pylist() == [whole + 1, whole + 2]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (chatwoot(3, 7, 40), "value_unmapped:kind"),
        (chatwoot(3, 0, 40, created_at="soon"), "time_unreadable:sent_at"),
        (chatwoot(3, 0, 40, created_at=None), "empty:sent_at"),
        (comment(3, 71, 40, type="Telegram", created_at=iso(4)), "value_unmapped:kind"),
        (freshdesk(3, 40, source=44), "value_unmapped:kind"),
    ],
)
def test_unknown_types_and_times_are_rejected_by_name(tmp_path, record, reason):
    good = next(EACH[key] for key in EACH if chat_json.recognises(json.dumps(record).encode(), "") == key)
    loaded = read(chat_json, written(tmp_path, [*good, record]), accounts=["5"])
    assert loaded.counts.rejected == {reason: 1}
    assert loaded.rejects["line"].to_pylist() == [loaded.counts.read]


@pytest.mark.parametrize("key", EACH)
def test_nothing_personal_reaches_tables_rejects_or_messages(tmp_path, key):
    text = json.dumps(EACH[key], ensure_ascii=False)
    assert any(found in text for found in (*NAMES, *ADDRESSES))
    told = text.replace('"line 1"', f'"call {ADDRESSES[2]}"').replace("message 1", f"mail {ADDRESSES[0]}")
    bad = told.replace('"created_at": ', f'"created_at": "{ADDRESSES[2]}", "was": ')
    for content in (told, bad):
        loaded = read(chat_json, written(tmp_path, content))
        assert [found for found in (*NAMES, *ADDRESSES, "agent@") if found in everything(loaded)] == []


def test_a_file_without_messages_is_told(tmp_path):
    loaded = read(chat_json, written(tmp_path, {"conversations": [{"conversation_parts": [], "statistics": {}}]}))
    assert (parts(loaded), [notice.code for notice in loaded.warnings]) == ((0, 0, {}, {}), ["no_records"])


def test_every_format_has_a_test():
    assert set(EACH) == set(chat_json.FORMATS)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"a": 1}', "fit no known format"),
        ('[{"message_type": 0, "content": "x",\n"conversation_id', "damaged on line 2"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(tmp_path, monkeypatch, content, said):
    monkeypatch.setenv("CSPERF_LANG", "en")
    with pytest.raises(CsperfError, match=said):
        read(chat_json, written(tmp_path, content))


# Tables of ratings and chats --------------------------------------------------------------------------------------


def table(tmp_path, *lines, delimiter=","):
    path = tmp_path / "table.csv"
    path.write_text("".join(f"{delimiter.join(line)}\n" for line in lines), encoding="utf-8-sig")
    return read(export, path)


def test_the_list_of_wangwang_ratings_has_its_best_at_nought(tmp_path):
    head = "日期 店铺 客服姓名 客服子账号 子账号分组 顾客名称 邀评时间 最新评价时间 最新评价结果 评价来源".split()
    who = ["2025-01-02", "示例旗舰店", NAMES[1], "示例旗舰店:小甲", "售前"]
    times = ["2025-01-02 09:00:00", "2025-01-02 09:05:00"]
    results = ["0", "4", "满意", "-", "9"]
    loaded = table(tmp_path, head, *([*who, f"买家{n}", *times, found, "0"] for n, found in enumerate(results)))
    assert loaded.recognised.format == "wangwang.ratings"
    assert [(row["score"], row["scale_max"]) for row in rows(loaded, "ratings")] == [(5, 5), (1, 5), (4, 5), (None, 5)]
    assert loaded.counts.rejected == {"value_unmapped:score": 1}
    assert rows(loaded, "ratings")[0]["rated_at"] == dt.datetime(2025, 1, 2, 1, 5, tzinfo=dt.UTC)
    assert NAMES[1] not in everything(loaded)


def test_invitations_are_ratings_without_a_score(tmp_path):
    line = ["2025-01-02 08:59:00", "2025-01-02 09:00:00", "买家甲", "示例旗舰店:小甲", "客服邀评"]
    loaded = table(tmp_path, "接待时间 邀评时间 买家 客服 来源".split(), line)
    assert loaded.recognised.format == "sycm.invitations"
    ((row),) = rows(loaded, "ratings")
    assert (row["account_id"], row["buyer_id"], row["score"]) == ("示例旗舰店:小甲", "买家甲", None)
    assert (row["invited_at"], row["rated_at"]) == (dt.datetime(2025, 1, 2, 1, tzinfo=dt.UTC), None)


def test_a_zendesk_view_tells_ratings_only(tmp_path):
    head = ["Summation column", "Id", "Requester", "Requester id", "Requester email", "Assignee", "Subject"]
    head += ["Created at", "Updated at", "Solved at", "Satisfaction Score"]
    times = ["2025-01-02 09:00", "2025-01-03 09:00", "2025-01-02 12:00"]
    lines = [
        ["1", str(n), NAMES[0], "71", ADDRESSES[0], "Ann", NAMES[1], *times, score]
        for n, score in enumerate(["good", "bad", "offered", "unoffered", ""])
    ]
    loaded = table(tmp_path, head, *lines)
    assert loaded.recognised.format == "zendesk.view"
    assert parts(loaded) == (5, 2, {"not_rated": 3}, {})
    assert [(row["score"], row["buyer_id"], row["account_id"]) for row in rows(loaded, "ratings")] == [
        (1, "71", "Ann"),
        (0, "71", "Ann"),
    ]
    assert [found for found in (*NAMES, *ADDRESSES) if found in everything(loaded)] == []


def test_chats_that_a_third_party_exported_from_qianniu(tmp_path):
    head = "客户名 消息序号 发送时间 发送内容 发送账号 账号类型".split()
    loaded = table(
        tmp_path,
        head,
        ["甲", "1", "2025-01-02 09:03:05", "在吗", "甲", "客户"],
        ["甲", "2", "2025-01-02 09:03:20", "亲", "店：01", "客服"],
        ["甲", "3", "2025-01-02 09:03:21", "?", "甲", "机器"],
    )
    assert loaded.recognised.format == "qianniu.sheets"
    assert said(loaded) == [("buyer", "text", "在吗"), ("human", "text", "亲")]
    assert sides(loaded) == [(None, "甲"), ("店:01", "甲")]
    assert loaded.counts.rejected == {"value_unmapped:sender": 1}


def test_accounts_of_other_chats_of_a_folder_do_not_hide_who_the_agents_are(tmp_path):
    """`accounts` is what WhatsApp's chats need; 千牛's tell their agents by the colon."""
    path = tmp_path / "千牛.txt"
    path.write_text("店:01 2025-1-2 9:03:05\n亲\n买家 2025-1-2 9:03:09\n在\n", encoding="utf-8")
    loaded = export.load(path, export.Settings(files="*", accounts=("Example Store",)), Shop("S", "Asia/Shanghai"))
    assert said(loaded) == [("human", "text", "亲"), ("buyer", "text", "在")]


def test_a_sheet_for_each_customer_is_read_and_no_number_in_a_text_stays(tmp_path):
    head = "客户名 消息序号 发送时间 发送内容 发送账号 账号类型".split()
    path = tmp_path / "导出.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        for name in ("甲", "乙"):
            page = book.add_worksheet(name)
            page.write_row(0, 0, head)
            page.write_row(1, 0, [name, "1", "2025-01-02 09:03:05", "打13800000001", name, "客户"])
    loaded = export.load(path, export.Settings(files="*"), Shop("S", "Asia/Shanghai"))
    (more,) = loaded.more
    told = [row for part in (loaded, more) for row in part.tables["messages"].to_pylist()]
    assert [(row["buyer_id"], row["text"]) for row in told] == [("甲", "打***"), ("乙", "打***")]
    assert (loaded.sheet, more.sheet) == ("", "乙") and loaded.counts.read == more.counts.read == 1
