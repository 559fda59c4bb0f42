"""What must hold of the plain oracle on any shop, before anything is held against it."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta, timezone

import pytest
import shops
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import KEYS, derive, metrics, purchases, quantile, waits

from csperf.definitions import SETS, Definition
from csperf.facts import DERIVED, INPUT

EXTRA = (
    Definition(name="receiver", transfer="receiver"),
    Definition(name="last", clock_start="last", zero_s="exclude", agent_started="include", bot_only="include"),
    Definition(name="clip", hours=("08:00", "23:00"), spill="clip", card_is_question=False, auto_counts=True),
    Definition(name="short", reply_horizon_s=600, session_max_s=3600, credit_needs="substantive", attribution="most"),
)
DEFINITIONS = (*SETS.values(), *EXTRA)
definitions = st.sampled_from(DEFINITIONS)
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SHARES = [key for key in KEYS if "share" in key or key.startswith(("reply_", "effective_reply", "conversion_"))]
NOT_SHARES = ("conversion_same_day",)


def answer(shop: shops.MadeShop, definition: Definition) -> dict[str, list[dict]]:
    found = derive(shop.messages, definition, **shop.settings)
    found["purchases"] = purchases(shop.messages, shop.orders, shop.refunds, found, definition, **shop.settings)
    return found


def as_text(table: list[dict]) -> list[str]:
    return sorted(repr(sorted(row.items())) for row in table)


@QUICK
@given(shop=shops.mixed_shops(), definition=definitions)
def test_rows_have_the_columns_of_the_contract(shop, definition):
    for name, rows in answer(shop, definition).items():
        promised = {column.name: column for column in DERIVED[name].columns}
        elsewhere = {"source_file", "source_line", "disputed"}  # what refunds say of an order stands in oracle.records
        for row in rows:
            assert set(promised) - set(row) <= elsewhere
            assert [c for c, column in promised.items() if c in row and row[c] is None and not column.null] == []


@QUICK
@given(shop=shops.mixed_shops(), definition=definitions, seed=st.integers(0, 1000))
def test_order_of_rows_does_not_matter(shop, definition, seed):
    before = answer(shop, definition)
    for name in ("messages", "orders", "refunds", "roster", "shifts"):
        random.Random(seed).shuffle(getattr(shop, name))
    after = answer(shop, definition)
    assert {name: as_text(rows) for name, rows in before.items()} == {n: as_text(rows) for n, rows in after.items()}


@QUICK
@given(shop=shops.mixed_shops(), definition=definitions)
def test_each_shop_question_is_in_one_turn(shop, definition):
    """Every question of the shop is a buyer_messages row; those that are no closing phrase add up to the turns."""
    found = derive(shop.messages, definition, **shop.settings)
    asked = [r for r in found["buyer_messages"] if r["scope"] == "shop"]
    turns = [r for r in found["turns"] if r["scope"] == "shop"]
    assert max(Counter(r["row_id"] for r in asked).values(), default=1) == 1
    closing = {r["row_id"] for r in asked if r["reason"] == "closing_phrase"}
    if not definition.closing_phrases:
        assert sum(t["messages"] for t in turns) == len(asked)
    assert not closing & {t["row_id"] for t in turns}
    assert {t["session_id"] for t in turns} <= {s["session_id"] for s in found["sessions"]}


@QUICK
@given(shop=shops.mixed_shops(), definition=definitions)
def test_sessions_agree_with_their_turns(shop, definition):
    found = derive(shop.messages, definition, **shop.settings)
    shop_ids = {s["session_id"] for s in found["sessions"] if s["scope"] == "shop"}
    keys = Counter((s["scope"], s["account_id"], s["session_id"]) for s in found["sessions"])
    assert set(keys.values()) <= {1}
    for session in found["sessions"]:
        assert session["session_id"] in shop_ids
        assert session["answered_turns"] <= session["turns"]
        assert session["asked"] == (session["turns"] > 0)
        assert (session["handle_us"] is not None) == session["answered"]
        assert session["started_at"] <= session["ended_at"]
        own = [t for t in found["turns"] if all(t[c] == session[c] for c in ("scope", "account_id", "session_id"))]
        assert sum(t["opening"] for t in own) <= 1
        assert session["turns"] == sum(t["reason"] in (None, session["reason"]) for t in own)


@QUICK
@given(shop=shops.mixed_shops(), definition=definitions)
def test_waits_are_never_negative_nor_beyond_the_horizon(shop, definition):
    found = derive(shop.messages, definition, **shop.settings)
    longest = definition.reply_horizon_s if definition.horizon == "seconds" else 86_400
    for row in found["turns"] + found["buyer_messages"]:
        if row["wait_us"] is not None:
            assert 0 <= row["wait_us"] <= longest * 1_000_000
            assert row["wait_work_us"] <= longest * 1_000_000
    for turn in found["turns"]:
        assert turn["answered"] == (turn["wait_us"] is not None)
        assert definition.cap_s is None or turn["wait_counted_us"] <= definition.cap_s * 1_000_000


@QUICK
@given(shop=shops.mixed_shops(), definition=definitions)
def test_agents_of_a_roster_bot_have_no_rows(shop, definition):
    for rows in answer(shop, definition).values():
        assert all(row["account_id"] != shops.BOT and row["agent_id"] != "bot" for row in rows)


@QUICK
@given(shop=shops.mixed_shops(), definition=definitions)
def test_an_order_is_earned_once(shop, definition):
    rows = answer(shop, definition)["purchases"]
    earned = Counter(r["order_id"] for r in rows if r["scope"] == "agent")
    assert set(earned.values()) <= {1}
    assert {r["order_id"] for r in rows if r["scope"] == "shop" and r["credited"]} == set(earned)
    assert sorted(r["order_id"] for r in rows if r["scope"] == "shop") == sorted(o["order_id"] for o in shop.orders)


@QUICK
@given(shop=shops.mixed_shops(), definition=definitions)
def test_who_converts_asked(shop, definition):
    for row in answer(shop, definition)["buyer_days"]:
        if row["inquiry"] is not None:
            assert not row["ordered"] or row["inquiry"]
            assert not (row["paid"] or row["grouped"]) or row["ordered"]
            assert not row["net_paid"] or row["paid"]


@QUICK
@given(shop=shops.mixed_shops(), definition=definitions)
def test_shares_lie_between_nothing_and_all(shop, definition):
    found = answer(shop, definition)
    for key in SHARES:
        for top, bottom in metrics(found, key).values():
            assert top >= 0
            assert key in NOT_SHARES or (bottom is not None and top <= bottom), key


@pytest.mark.parametrize("definition", SETS.values(), ids=list(SETS))
def test_an_empty_shop_has_no_numbers(definition):
    found = answer(shops.MadeShop([]), definition)
    assert all(rows == [] for rows in found.values())
    assert all(metrics(found, key) == {} for key in KEYS)
    assert waits(found) == {}


@pytest.mark.parametrize("definition", SETS.values(), ids=list(SETS))
def test_two_of_every_buyer_change_no_share(definition):
    """Every buyer and order doubled under another name: shares and means stay, counts double."""
    shop = shops.made_shop(3, buyers=8)
    once = [m for m in shop.messages if m["buyer_id"].startswith("b")]
    again = [m | {"buyer_id": f"{m['buyer_id']}-again"} for m in once]
    before = derive(once, definition, **shop.settings)
    after = derive(shops.numbered(once + again), definition, **shop.settings)
    for key in ("reply_3min_turn", "reply_30s_msg", "mean_wait_turn_s", "reply_3min_user", "effective_session_share"):
        single = metrics(before, f"{key}_allday")
        assert single
        assert {k: (2 * a, 2 * (b or 0)) for k, (a, b) in single.items()} == metrics(after, f"{key}_allday")


def test_the_generator_reaches_every_corner():
    """Over fifty shops: every reason, every flag, both answers of each, under the shop's own set."""
    seen: Counter = Counter()
    for seed in range(50):
        shop = shops.made_shop(seed)
        for definition in (SETS["shop"], SETS["douyin"], SETS["jd"], EXTRA[1]):
            found = answer(shop, definition)
            for name, rows in found.items():
                for row in rows:
                    seen.update((name, column, row[column]) for column in row if isinstance(row[column], bool | None))
                    seen[name, "reason", row.get("reason")] += 1
    for reason in ("bot_only", "colleague", "listed_buyer", "passed_on", "zero_second"):
        assert seen["turns", "reason", reason] >= 5, reason
    assert seen["buyer_messages", "reason", "closing_phrase"] >= 5
    both = {
        "turns": ("answered", "opening", "zero_s", "transferred_in", "transferred_out", "in_hours"),
        "sessions": ("asked", "answered", "agent_started", "any_unanswered", "abandoned", "transferred_in"),
        "buyer_days": ("inquiry", "ordered", "paid", "grouped", "net_paid", "same_day_paid", "unanswered", "answered"),
        "purchases": ("credited", "paid", "grouped", "closed_unpaid", "refunded", "first_of_buyer_day"),
    }
    for name, columns in both.items():
        for column in columns:
            assert min(seen[name, column, True], seen[name, column, False]) >= 5, (name, column)


def test_tables_have_the_schema_of_the_contract():
    shop = shops.made_shop(1)
    for name in ("messages", "orders", "refunds", "roster", "shifts"):
        assert shop.arrow(name).schema.equals(INPUT[name].arrow)
        assert len(shop.frame(name)) == len(getattr(shop, name))


def test_a_shop_is_its_seed():
    assert shops.made_shop(7).messages == shops.made_shop(7).messages
    assert shops.made_shop(7).messages != shops.made_shop(8).messages


def test_times_of_another_zone_are_the_same_moments():
    shop = shops.made_shop(5)
    before = derive(shop.messages, SETS["shop"], **shop.settings)
    ahead = timedelta(hours=2)
    for row in shop.messages:
        row["sent_at"] = row["sent_at"].astimezone(timezone(ahead))
    assert derive(shop.messages, SETS["shop"], **shop.settings) == before


def test_quantiles_lie_between_neighbours():
    assert quantile([10, 20, 30, 40], 0.5) == 25
    assert quantile([10, 20, 30, 40], 0.9) == pytest.approx(37)
    assert quantile([7], 0.9) == 7
