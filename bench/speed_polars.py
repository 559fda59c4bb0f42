"""The contender in polars: lazy frames, the same rules and the same knowledge of the data as speed_sql."""

from __future__ import annotations

import sys
from functools import reduce
from pathlib import Path

import polars as pl

from bench.peak import note
from bench.speed_metrics import SUMS
from bench.speed_sql import COLUMNS, DAY, EMOJI, GAP, HORIZON

HOUR = 3_600_000_000
TIMES = {"started_at", "replied_at", "ended_at", "inquired_at"}
US = pl.col("us")
ASKS, REPLIES = ~pl.col("r"), pl.col("r")


def events(store: Path, agents: pl.LazyFrame) -> pl.LazyFrame:
    """Questions and replies in order, with their segment and their session."""
    local = (US + 8 * HOUR) % DAY
    rows = pl.scan_parquet(store / "messages/*.parquet").filter(pl.col("sender").is_in(["buyer", "human"]))
    rows = rows.join(agents, on="account_id").select(
        "buyer_id", "agent", "day", "sequence", "row_id", us=pl.col("sent_at").dt.epoch("us"), r=pl.col("sender") == "human",
        has_emoji=(pl.col("sender") == "human") & pl.col("text").str.contains(EMOJI),
    )  # fmt: skip
    rows = rows.sort("buyer_id", "us", "sequence", "r").with_row_index("ord")
    rows = rows.with_columns(
        seg=REPLIES.cum_sum().over("buyer_id") - REPLIES.cast(pl.UInt32), silence=US - US.shift(1).over("buyer_id")
    )
    segment = rows.group_by("buyer_id", "seg").agg(
        turn_ord=pl.col("ord").filter(ASKS).min(), turn_us=US.filter(ASKS).min(), close_us=US.filter(REPLIES).max()
    )
    rows = rows.join(segment, on=["buyer_id", "seg"], how="left").sort("ord")
    may_end = (pl.col("ord") == pl.col("turn_ord")).fill_null(False) | (REPLIES & pl.col("turn_ord").is_null())
    breaks = may_end & (pl.col("silence") >= GAP).fill_null(True)
    return rows.with_columns(
        s_us=pl.when(breaks).then(US).forward_fill().over("buyer_id"),
        in_hours=(local >= 8 * HOUR) & (local < 23 * HOUR),
    )


def own(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The same rows in their agents' eyes: own segments within the session, the next reply whatever the session."""
    return rows.with_columns(
        seg=REPLIES.cum_sum().over("buyer_id", "agent", "s_us") - REPLIES.cast(pl.UInt32),
        close_us=pl.when(REPLIES).then(US).backward_fill().over("buyer_id", "agent"),
    )


def messages(rows: pl.LazyFrame) -> pl.LazyFrame:
    wait = pl.col("close_us") - US
    asked = rows.filter(ASKS).with_columns(wait_us=pl.when(wait <= HORIZON).then(wait))
    return asked.select("agent", "buyer_id", "day", "us", "in_hours", "row_id", "s_us", "wait_us")


def turns(rows: pl.LazyFrame, key: list[str]) -> pl.LazyFrame:
    first = pl.col("ord").filter(ASKS).arg_min()
    found = rows.group_by(key).agg(
        turn_us=US.filter(ASKS).min(), close_us=US.filter(REPLIES).max(), messages=ASKS.sum().cast(pl.Int64),
        **{name: pl.col(name).filter(ASKS).get(first, null_on_oob=True) for name in ("day", "in_hours", "row_id")},
    )  # fmt: skip
    wait = pl.col("close_us") - pl.col("turn_us")
    found = found.filter(pl.col("messages") > 0).with_columns(wait_us=pl.when(wait <= HORIZON).then(wait))
    return found.with_columns(
        answered=pl.col("wait_us").is_not_null(), answered_us=pl.when(pl.col("wait_us").is_not_null()).then("close_us")
    )


def sessions(rows: pl.LazyFrame, turned: pl.LazyFrame) -> pl.LazyFrame:
    first = {name: pl.col(name).first() for name in ("day", "in_hours", "row_id")}
    span = {"start_us": US.min(), "end_us": US.max()}
    shop = rows.group_by("buyer_id", "s_us", maintain_order=True).agg(
        agents=pl.col("agent").n_unique().cast(pl.Int64), agent_started=pl.col("r").first(), **span, **first
    )
    whole = shop.select("buyer_id", "s_us", "agents", "agent_started")
    agents = rows.group_by("agent", "buyer_id", "s_us", maintain_order=True).agg(**span, **first)
    agents = agents.join(whole, on=["buyer_id", "s_us"])
    talks = pl.concat(
        [
            shop.with_columns(agent=pl.lit(0, pl.Int64)).select(
                sorted([*whole.collect_schema(), *span, *first, "agent"])
            ),
            agents.select(sorted([*whole.collect_schema(), *span, *first, "agent"])),
        ]
    )
    wait, inside = pl.col("wait_us"), pl.col("in_hours")
    opening = pl.col("turn_us").arg_min()
    asked = turned.group_by("agent", "buyer_id", "s_us").agg(
        asked_day=pl.col("day").get(opening), asked_hours=inside.get(opening), opening_wait=wait.get(opening),
        turns=pl.len().cast(pl.Int64), answered_turns=pl.col("answered").sum().cast(pl.Int64),
        turns_in_hours=inside.sum().cast(pl.Int64), wait_sum_us=wait.filter(inside).sum(),
        wait_n=wait.filter(inside).count().cast(pl.Int64), any_unanswered=(inside & ~pl.col("answered")).any(),
        wait_sum_allday_us=wait.sum(), wait_n_allday=wait.count().cast(pl.Int64),
        any_unanswered_allday=(~pl.col("answered")).any(),
    )  # fmt: skip
    counts = (
        "turns",
        "answered_turns",
        "turns_in_hours",
        "wait_sum_us",
        "wait_n",
        "wait_sum_allday_us",
        "wait_n_allday",
    )
    joined = talks.join(asked, on=["agent", "buyer_id", "s_us"], how="left")
    return joined.with_columns(
        day=pl.coalesce("asked_day", "day"), in_hours=pl.coalesce("asked_hours", "in_hours"), asked=pl.col("turns").is_not_null(),
        answered=(pl.col("answered_turns") > 0).fill_null(False),
        handle_us=pl.when(pl.col("answered_turns") > 0).then(pl.col("end_us") - pl.col("start_us")),
        first_wait_us=pl.when(~pl.col("agent_started")).then("opening_wait"),
        any_unanswered=pl.col("any_unanswered").fill_null(False), any_unanswered_allday=pl.col("any_unanswered_allday").fill_null(False),
        **{name: pl.col(name).fill_null(0) for name in counts},
    )  # fmt: skip


def bought(store: Path) -> pl.LazyFrame:
    """Orders with what was paid back in time, and whether the buyer bought again."""
    orders = pl.scan_parquet(store / "orders/*.parquet")
    refunds = pl.scan_parquet(store / "refunds/*.parquet").filter(pl.col("outcome") == "succeeded")
    back = refunds.select("order_id", "finished_at", refund_fen="amount_fen").join(
        orders.select("order_id", "paid_at"), on="order_id"
    )
    in_time = pl.col("finished_at").dt.epoch("us") - pl.col("paid_at").dt.epoch("us") <= 15 * DAY
    back = back.filter(in_time).group_by("order_id").agg(pl.col("refund_fen").sum())
    rows = orders.join(back, on="order_id", how="left").with_columns(
        created_us=pl.col("created_at").dt.epoch("us"), paid_us=pl.col("paid_at").dt.epoch("us"), paid=pl.col("paid_at").is_not_null(),
        refunded=pl.col("refund_fen").is_not_null(), net_fen=(pl.col("paid_fen") - pl.col("refund_fen").fill_null(0)).clip(lower_bound=0),
        bought_day=pl.coalesce("paid_day", "created_day"),
    )  # fmt: skip
    days = rows.filter("paid").select("buyer_id", "bought_day").unique().sort("buyer_id", "bought_day")
    days = days.with_columns(later=pl.col("bought_day").shift(-1).over("buyer_id") - pl.col("bought_day"))
    rows = rows.join(days, on=["buyer_id", "bought_day"], how="left")
    passed = pl.col("paid") & (pl.col("created_day").max() - pl.col("bought_day") >= pl.duration(days=30))
    return rows.with_columns(
        bought_again=pl.when(passed).then((pl.col("later") <= pl.duration(days=30)).fill_null(False))
    )


def credited(orders: pl.LazyFrame, rows: pl.LazyFrame, agents: pl.LazyFrame, turned: pl.LazyFrame) -> pl.LazyFrame:
    """The last reply of the day before each order, and the question it followed."""
    pre = agents.filter(pl.col("role") != "after").select("agent")
    replies = (
        rows.filter("r")
        .join(pre, on="agent", how="semi")
        .select("buyer_id", "agent", "s_us", reply_us="us")
        .sort("reply_us")
    )
    found = (
        orders.select("order_id", "buyer_id", "created_us")
        .sort("created_us")
        .join_asof(
            replies, left_on="created_us", right_on="reply_us", by="buyer_id", tolerance=DAY, strategy="backward"
        )
    )
    found = found.filter(pl.col("agent").is_not_null()).sort("reply_us")
    shop = (
        turned.filter(pl.col("agent") == 0)
        .select("buyer_id", "s_us", inquired_us="turn_us", inquired_day="day")
        .sort("inquired_us")
    )
    return found.join_asof(shop, left_on="reply_us", right_on="inquired_us", by=["buyer_id", "s_us"]).drop(
        "buyer_id", "created_us"
    )


def purchases(orders: pl.LazyFrame, earned: pl.LazyFrame) -> pl.LazyFrame:
    both = orders.join(earned, on="order_id", how="left").with_columns(credited=pl.col("agent").is_not_null())
    both = pl.concat([both.with_columns(agent=pl.lit(0, pl.Int64)), both.filter("credited")]).with_columns(
        day="bought_day"
    )
    best = both.sort(~pl.col("credited"), ~pl.col("paid"), "order_id")
    once = ["agent", "buyer_id"]
    return best.with_columns(
        first_of_buyer_day=pl.col("paid") & (pl.int_range(pl.len()).over(*once, "day", "paid") == 0),
        first_of_created_day=pl.int_range(pl.len()).over(*once, "created_day") == 0,
    )


def buyer_days(said: pl.LazyFrame, turned: pl.LazyFrame, orders: pl.LazyFrame, earned: pl.LazyFrame) -> pl.LazyFrame:
    key, wait, inside = ["agent", "buyer_id", "day"], pl.col("wait_us"), pl.col("in_hours")
    days = said.group_by(key).agg(
        first_us=US.min(), messages=pl.len().cast(pl.Int64), messages_in_hours=inside.sum().cast(pl.Int64),
        max_wait_us=wait.filter(inside).max(), unanswered=(inside & wait.is_null()).any(), max_wait_allday_us=wait.max(),
        unanswered_allday=wait.is_null().any(), answered=wait.is_not_null().any(), in_hours=inside.any(),
    )  # fmt: skip
    opened = turned.group_by(key).agg(turns=pl.len().cast(pl.Int64))
    paid = orders.select("order_id", "buyer_id", "paid", "refunded", "created_us", "paid_us", "paid_day")
    flags = (
        earned.filter(pl.col("inquired_day").is_not_null())
        .join(paid, on="order_id")
        .group_by("buyer_id", day="inquired_day")
        .agg(ordered=pl.lit(True), paid=pl.col("paid").any(), net_paid=(pl.col("paid") & ~pl.col("refunded")).any())
    )
    since, after = pl.col("first_us") - pl.col("paid_us"), pl.col("created_us") - pl.col("first_us")
    history = days.select(*key, "first_us").join(paid, on="buyer_id").group_by(key).agg(
        before=((since > 0) & (since <= 21 * DAY)).any(), after=after.is_between(0, DAY).any(),
        same_day_paid=((pl.col("paid_day") == pl.col("day")) & (since <= 0)).any(),
    )  # fmt: skip
    joined = (
        days.join(opened, on=key, how="left")
        .join(flags, on=["buyer_id", "day"], how="left")
        .join(history, on=key, how="left")
    )
    joined = joined.with_columns(
        pl.col("ordered", "paid", "net_paid", "same_day_paid", "before", "after").fill_null(False),
        pl.col("turns").fill_null(0),
    )
    return joined.with_columns(inquiry=pl.col("ordered") | ~(pl.col("before") & ~pl.col("after")))


def metrics(facts: dict[str, pl.LazyFrame]) -> pl.LazyFrame:
    """All sums by agent and day: one pass over each fact (and its column of days)."""
    passes: dict[tuple[str, str], list[pl.Expr]] = {}
    for name, part in SUMS.items():
        value = pl.when(pl.sql_expr(part.among)).then(pl.col(part.value).cast(pl.Int64)).sum().alias(name)
        passes.setdefault((part.fact, part.day), []).append(value)
    tables = [
        facts[fact].filter(pl.col("agent") > 0).with_columns(one=pl.lit(1)).group_by("agent", day=pl.col(day)).agg(sums)
        for (fact, day), sums in passes.items()
    ]
    return reduce(lambda left, right: left.join(right, on=["agent", "day"], how="full", coalesce=True), tables)


def run(store: Path, out: Path) -> None:
    """Writes the four facts and the sums by agent and day as Parquet."""
    agents = pl.scan_parquet(store / "roster/*.parquet").select("account_id", "role").sort("account_id")
    agents = agents.with_row_index("agent", offset=1).with_columns(pl.col("agent").cast(pl.Int64)).collect().lazy()
    rows = events(store, agents).collect().lazy()
    mine = own(rows)
    shop, key = rows.with_columns(agent=pl.lit(0, pl.Int64)), ["agent", "buyer_id", "s_us", "seg"]
    said = pl.concat([messages(shop), messages(mine)]).collect().lazy()
    turned = pl.concat([turns(shop, key), turns(mine, key)]).collect().lazy()
    talked = sessions(rows, turned).collect().lazy()
    orders = bought(store).collect().lazy()
    earned = credited(orders, rows, agents, turned).collect().lazy()
    started = talked.select("agent", "buyer_id", "s_us", "agent_started")
    earliest = pl.col("turn_us").min().over("agent", "buyer_id", "s_us")
    turned = turned.join(started, on=["agent", "buyer_id", "s_us"]).with_columns(
        opening=(pl.col("turn_us") == earliest) & ~pl.col("agent_started")
    )
    facts = {
        "turns": turned, "sessions": talked, "buyer_messages": said, "purchases": purchases(orders, earned).collect().lazy(),
        "buyer_days": buyer_days(said, turned, orders, earned).collect().lazy(),
        "agent_messages": rows.filter("r").select("agent", "day", "has_emoji"),
        "agent_days": rows.filter("r").select("agent", "day", worked=pl.lit(1)).unique(),
    }  # fmt: skip
    named = metrics(facts).join(agents.drop("role"), on="agent").drop("agent").rename({"account_id": "agent_id"})
    named.collect().write_parquet(out / "metrics.parquet")
    session_id = pl.format("bench/{}/{}", "buyer_id", "s_us").alias("session_id")
    facts["turns"] = facts["turns"].with_columns(session_id, started_at="turn_us", replied_at="answered_us")
    facts["sessions"] = facts["sessions"].with_columns(session_id, started_at="start_us", ended_at="end_us")
    facts["purchases"] = facts["purchases"].with_columns(inquired_at="inquired_us")
    for name, columns in COLUMNS.items():
        told = facts[name].drop("account_id", strict=False).join(agents.drop("role"), on="agent", how="left")
        timed = [pl.col(column).cast(pl.Datetime("us", "UTC")) for column in columns if column in TIMES]
        told.rename({"account_id": "agent_id"}).with_columns(timed).select(columns).sink_parquet(
            out / f"{name}.parquet", compression="zstd", compression_level=1
        )


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
    note(Path(sys.argv[2]))
