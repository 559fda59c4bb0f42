"""The contender in plain pandas: the same rules and the same knowledge of the data as speed_sql, all rows in memory."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from bench.peak import note
from bench.speed_metrics import SUMS
from bench.speed_sql import COLUMNS, DAY, GAP, HORIZON

HOUR = 3_600_000_000
FACES = r"[\U0001F300-\U0001FAFF\u2600-\u27BF]|\[[\u4e00-\u9fa5]{1,4}\]|/:[^\s]{2,5}"
OWN = ["agent", "buyer_id", "s_us"]


def events(store: Path, agents: pd.DataFrame) -> pd.DataFrame:
    """Questions and replies in order, with their segment and their session."""
    columns = ["account_id", "buyer_id", "sent_at", "sequence", "sender", "day", "row_id", "text"]
    raw = pd.read_parquet(store / "messages", columns=columns, filters=[("sender", "in", ["buyer", "human"])])
    rows = raw.merge(agents[["account_id", "agent"]], on="account_id")
    rows["us"], rows["r"] = _micros(rows.pop("sent_at")), rows.pop("sender") == "human"
    rows["has_emoji"] = rows["r"] & rows.pop("text").str.contains(FACES, regex=True)
    rows = rows.sort_values(["buyer_id", "us", "sequence", "r"], ignore_index=True).drop(
        columns=["account_id", "sequence"]
    )
    rows["ord"] = np.arange(len(rows))
    buyer = rows.groupby("buyer_id", sort=False)
    rows["seg"] = buyer["r"].cumsum() - rows["r"]
    rows["silence"] = rows["us"] - buyer["us"].shift()
    asked, told = rows[~rows["r"]], rows[rows["r"]]
    key = ["buyer_id", "seg"]
    segments = asked.groupby(key, sort=False).agg(turn_ord=("ord", "min"), turn_us=("us", "min"))
    segments = segments.join(told.set_index(key)["us"].rename("close_us"), how="outer")
    rows = rows.merge(segments, left_on=key, right_index=True, how="left").sort_values("ord", ignore_index=True)
    may_end = (rows["ord"] == rows["turn_ord"]) | (rows["r"] & rows["turn_ord"].isna())
    breaks = may_end & (rows["silence"].isna() | (rows["silence"] >= GAP))
    rows["s_us"] = rows["us"].where(breaks).groupby(rows["buyer_id"], sort=False).ffill().astype("int64")
    rows["in_hours"] = ((rows["us"] + 8 * HOUR) % DAY).between(8 * HOUR, 23 * HOUR - 1)
    return rows


def own(rows: pd.DataFrame) -> pd.DataFrame:
    """The same rows in their agents' eyes: own segments within the session, the next reply whatever the session."""
    seg = rows.groupby(OWN, sort=False)["r"].cumsum() - rows["r"]
    keys = [rows["buyer_id"], rows["agent"]]
    return rows.assign(seg=seg, close_us=rows["us"].where(rows["r"]).groupby(keys, sort=False).bfill())


def messages(rows: pd.DataFrame) -> pd.DataFrame:
    asked = rows[~rows["r"]]
    wait = asked["close_us"] - asked["us"]
    columns = ["agent", "buyer_id", "day", "us", "in_hours", "row_id", "s_us"]
    return asked[columns].assign(wait_us=wait.where(wait <= HORIZON))


def turns(rows: pd.DataFrame) -> pd.DataFrame:
    key = [*OWN, "seg"]
    first = dict(
        turn_us=("us", "first"), day=("day", "first"), in_hours=("in_hours", "first"), row_id=("row_id", "first")
    )
    found = rows[~rows["r"]].groupby(key, sort=False).agg(**first, messages=("us", "size"))
    found = found.join(rows[rows["r"]].groupby(key, sort=False)["us"].max().rename("close_us")).reset_index()
    wait = found["close_us"] - found["turn_us"]
    found["wait_us"] = wait.where(wait <= HORIZON)
    found["answered"] = found["wait_us"].notna()
    found["answered_us"] = found["close_us"].where(found["answered"])
    return found


def sessions(rows: pd.DataFrame, turned: pd.DataFrame) -> pd.DataFrame:
    span = dict(start_us=("us", "min"), end_us=("us", "max"), row_id=("row_id", "first"))
    span |= dict(start_day=("day", "first"), start_hours=("in_hours", "first"))
    shop = rows.groupby(OWN[1:], sort=False).agg(**span, agents=("agent", "nunique"), agent_started=("r", "first"))
    mine = (
        rows.groupby(OWN, sort=False)
        .agg(**span)
        .reset_index()
        .merge(shop[["agents", "agent_started"]], left_on=OWN[1:], right_index=True)
    )
    talks = pd.concat([shop.reset_index().assign(agent=0), mine], ignore_index=True)
    inside = turned["in_hours"]
    seen = turned.assign(
        wait_in=turned["wait_us"].where(inside), missed=inside & ~turned["answered"], missed_allday=~turned["answered"]
    ).sort_values("turn_us")
    asked = seen.groupby(OWN, sort=False).agg(
        asked_day=("day", "first"), asked_hours=("in_hours", "first"), opening_us=("turn_us", "first"), turns=("turn_us", "size"),
        answered_turns=("answered", "sum"), turns_in_hours=("in_hours", "sum"), wait_sum_us=("wait_in", "sum"),
        wait_n=("wait_in", "count"), any_unanswered=("missed", "any"), wait_sum_allday_us=("wait_us", "sum"),
        wait_n_allday=("wait_us", "count"), any_unanswered_allday=("missed_allday", "any"),
    ).reset_index()  # fmt: skip
    opening = seen.drop_duplicates(OWN)[[*OWN, "wait_us"]].rename(columns={"wait_us": "opening_wait"})
    joined = talks.merge(asked.merge(opening, on=OWN), on=OWN, how="left")
    joined["asked"] = joined["turns"].notna()
    joined["answered"] = joined["answered_turns"] > 0
    joined["handle_us"] = (joined["end_us"] - joined["start_us"]).where(joined["answered"])
    joined["first_wait_us"] = joined["opening_wait"].where(~joined["agent_started"])
    joined["day"] = joined["asked_day"].where(joined["asked"], joined["start_day"])
    joined["in_hours"] = joined["asked_hours"].where(joined["asked"], joined["start_hours"]).astype(bool)
    for name in ("any_unanswered", "any_unanswered_allday"):
        joined[name] = joined[name].eq(True)
    for name in (
        "turns",
        "answered_turns",
        "turns_in_hours",
        "wait_sum_us",
        "wait_n",
        "wait_sum_allday_us",
        "wait_n_allday",
    ):
        joined[name] = joined[name].fillna(0).astype("int64")
    return joined


def bought(store: Path) -> pd.DataFrame:
    """Orders with what was paid back in time, and whether the buyer bought again."""
    orders, refunds = pd.read_parquet(store / "orders"), pd.read_parquet(store / "refunds")
    orders["created_us"], orders["paid_us"] = _micros(orders["created_at"]), _micros(orders["paid_at"])
    orders["paid"] = orders["paid_at"].notna()
    orders["bought_day"] = pd.to_datetime(orders["paid_day"].fillna(orders["created_day"]))
    orders["created_day"], orders["paid_day"] = (
        pd.to_datetime(orders["created_day"]),
        pd.to_datetime(orders["paid_day"]),
    )
    back = refunds[refunds["outcome"] == "succeeded"].merge(orders[["order_id", "paid_us"]], on="order_id")
    back = back[_micros(back["finished_at"]) - back["paid_us"] <= 15 * DAY].groupby("order_id")["amount_fen"].sum()
    refund = orders["order_id"].map(back)
    orders["refunded"] = refund.notna()
    orders["net_fen"] = (orders["paid_fen"] - refund.fillna(0)).clip(lower=0)
    days = (
        orders.loc[orders["paid"], ["buyer_id", "bought_day"]].drop_duplicates().sort_values(["buyer_id", "bought_day"])
    )
    days["later"] = days.groupby("buyer_id")["bought_day"].shift(-1) - days["bought_day"]
    orders = orders.merge(days, on=["buyer_id", "bought_day"], how="left")
    passed = orders["paid"] & (orders["created_day"].max() - orders["bought_day"] >= pd.Timedelta(days=30))
    orders["bought_again"] = (orders["later"] <= pd.Timedelta(days=30)).astype("boolean").where(passed)
    return orders


def credited(orders: pd.DataFrame, rows: pd.DataFrame, agents: pd.DataFrame, turned: pd.DataFrame) -> pd.DataFrame:
    """The last reply of the day before each order, and the question it followed."""
    pre = agents.loc[agents["role"] != "after", "agent"]
    replies = (
        rows.loc[rows["r"] & rows["agent"].isin(pre), [*OWN, "us"]]
        .rename(columns={"us": "reply_us"})
        .sort_values("reply_us")
    )
    asked = orders[["order_id", "buyer_id", "created_us"]].sort_values("created_us")
    found = pd.merge_asof(asked, replies, left_on="created_us", right_on="reply_us", by="buyer_id", tolerance=DAY)
    found = (
        found.dropna(subset="agent")
        .astype({"agent": "int64", "s_us": "int64", "reply_us": "int64"})
        .sort_values("reply_us")
    )
    shop = turned.loc[turned["agent"] == 0, ["buyer_id", "s_us", "turn_us", "day"]].sort_values("turn_us")
    shop = shop.rename(columns={"turn_us": "inquired_us", "day": "inquired_day"})
    found = pd.merge_asof(found, shop, left_on="reply_us", right_on="inquired_us", by=["buyer_id", "s_us"])
    return found[["order_id", "agent", "inquired_us", "inquired_day"]]


def purchases(orders: pd.DataFrame, earned: pd.DataFrame) -> pd.DataFrame:
    both = orders.merge(earned, on="order_id", how="left")
    both["credited"] = both["agent"].notna()
    both = pd.concat([both.assign(agent=0), both[both["credited"]]], ignore_index=True).astype({"agent": "int64"})
    both = both.sort_values(["credited", "paid", "order_id"], ascending=[False, False, True]).assign(
        day=both["bought_day"]
    )
    once = ["agent", "buyer_id"]
    both["first_of_buyer_day"] = both["paid"] & (both.groupby([*once, "day", "paid"]).cumcount() == 0)
    both["first_of_created_day"] = both.groupby([*once, "created_day"]).cumcount() == 0
    return both


def buyer_days(said: pd.DataFrame, turned: pd.DataFrame, orders: pd.DataFrame, earned: pd.DataFrame) -> pd.DataFrame:
    key, wait, inside = ["agent", "buyer_id", "day"], said["wait_us"], said["in_hours"]
    seen = said.assign(
        wait_in=wait.where(inside), missed=inside & wait.isna(), missed_allday=wait.isna(), met=wait.notna()
    )
    days = seen.groupby(key, sort=False).agg(
        first_us=("us", "min"), messages=("us", "size"), messages_in_hours=("in_hours", "sum"), max_wait_us=("wait_in", "max"),
        unanswered=("missed", "any"), max_wait_allday_us=("wait_us", "max"), unanswered_allday=("missed_allday", "any"),
        answered=("met", "any"), in_hours=("in_hours", "any"),
    )  # fmt: skip
    days = days.join(turned.groupby(key, sort=False).size().rename("turns")).fillna({"turns": 0}).reset_index()
    paid = orders[["order_id", "buyer_id", "paid", "refunded", "created_us", "paid_us", "paid_day"]]
    flags = (
        earned.dropna(subset="inquired_day")
        .merge(paid, on="order_id")
        .assign(day=lambda t: t["inquired_day"], ordered=True)
    )
    flags = (
        flags.assign(net_paid=flags["paid"] & ~flags["refunded"])
        .groupby(["buyer_id", "day"])[["ordered", "paid", "net_paid"]]
        .any()
    )
    pairs = days[[*key, "first_us"]].merge(paid, on="buyer_id")
    since, after = pairs["first_us"] - pairs["paid_us"], pairs["created_us"] - pairs["first_us"]
    pairs = pairs.assign(
        before=(since > 0) & (since <= 21 * DAY), after=after.between(0, DAY),
        same_day_paid=(pairs["paid_day"] == pd.to_datetime(pairs["day"])) & (since <= 0),
    )  # fmt: skip
    history = pairs.groupby(key)[["before", "after", "same_day_paid"]].any()
    days = days.merge(flags, left_on=["buyer_id", "day"], right_index=True, how="left").merge(
        history, left_on=key, right_index=True, how="left"
    )
    for name in ("ordered", "paid", "net_paid", "same_day_paid", "before", "after"):
        days[name] = days[name].eq(True)
    return days.assign(inquiry=days["ordered"] | ~(days["before"] & ~days["after"]))


def metrics(facts: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """All sums by agent and day: one pass over each fact (and its column of days)."""
    passes: dict[tuple[str, str], dict[str, pd.Series]] = {}
    for name, part in SUMS.items():
        table = facts[part.fact]
        value = table[part.value].where(table.eval(part.among), 0)
        passes.setdefault((part.fact, part.day), {})[name] = value.astype("int64")
    tables = []
    for (fact, day), columns in passes.items():
        keys = [facts[fact]["agent"], pd.to_datetime(facts[fact][day]).rename("day")]
        sums = pd.DataFrame(columns).groupby(keys).sum()
        tables.append(sums[sums.index.get_level_values("agent") > 0])
    return pd.concat(tables, axis=1).reset_index()


def run(store: Path, out: Path) -> None:
    """Writes the four facts and the sums by agent and day as Parquet."""
    agents = pd.read_parquet(store / "roster")[["account_id", "role"]].sort_values("account_id", ignore_index=True)
    agents["agent"] = np.arange(1, len(agents) + 1)
    rows = events(store, agents)
    mine, shop = own(rows), rows.assign(agent=0)
    said = pd.concat([messages(shop), messages(mine)], ignore_index=True)
    turned = pd.concat([turns(shop), turns(mine)], ignore_index=True)
    talked, orders = sessions(rows, turned), bought(store)
    earned = credited(orders, rows, agents, turned)
    turned = turned.merge(talked[[*OWN, "agent_started", "opening_us"]], on=OWN)
    turned["opening"] = (turned["turn_us"] == turned["opening_us"]) & ~turned["agent_started"]
    spoken = rows.loc[rows["r"], ["agent", "day", "has_emoji"]]
    facts = {
        "turns": turned, "sessions": talked, "buyer_messages": said, "purchases": purchases(orders, earned),
        "buyer_days": buyer_days(said, turned, orders, earned), "agent_messages": spoken,
        "agent_days": spoken[["agent", "day"]].drop_duplicates().assign(worked=1),
    }  # fmt: skip
    facts = {name: table.assign(one=1) for name, table in facts.items()}
    names = agents.set_index("agent")["account_id"]
    sums = metrics(facts)
    sums.assign(agent_id=sums["agent"].map(names)).drop(columns="agent").to_parquet(out / "metrics.parquet")
    for name, columns in COLUMNS.items():
        _named(facts[name].assign(agent_id=facts[name]["agent"].map(names)))[columns].to_parquet(
            out / f"{name}.parquet", compression="zstd", index=False
        )


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the times and the session's name that results have."""
    spelled = {
        "turn_us": "started_at",
        "answered_us": "replied_at",
        "start_us": "started_at",
        "end_us": "ended_at",
        "inquired_us": "inquired_at",
    }
    times = {at: pd.to_datetime(rows[us], unit="us", utc=True) for us, at in spelled.items() if us in rows}
    rows = rows.assign(**times)
    return (
        rows.assign(session_id="bench/" + rows["buyer_id"] + "/" + rows["s_us"].astype(str)) if "s_us" in rows else rows
    )


def _micros(times: pd.Series) -> pd.Series:
    """Microseconds since 1970; missing stays missing."""
    return times.dt.as_unit("us").astype("int64").where(times.notna())


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
    note(Path(sys.argv[2]))
