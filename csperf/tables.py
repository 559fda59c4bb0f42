"""One table per function, returned and never shown or saved. Labels come from the catalogue and text/tables.yaml.

A `Table` holds the rows as they go to a file (`frame`: numbers, keys as column names) and as they stand on the page
(`gt`: words, formatted figures, a title that says what is to be seen). n stands beside values; "–" is no data, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from great_tables import GT, loc, style

from .catalogue import entry
from .explain import in_words
from .load import reason_words
from .mart import N_SMALL
from .rules import PlatformRule, stale
from .targets import SNAPSHOT_DAYS, in_order
from .text import say, words
from .text.numbers import MISSING, day_words, labelled, number, quantity

MIME = "application/vnd.csperf.table+json"
_CLOCKS = ("started_at", "replied_at")
DAYS_ON_PAGE = 7
SHORT_LABEL = 16  # characters of a row's label that never break
REJECTS_ON_PAGE = 20
SHOP_DAY = [
    *("sessions_per_day", "effective_sessions_per_day", "buyers_per_day"),
    *("agents_online", "mean_wait_turn_s", "handle_min"),
]
AGENT_DAY = [
    *("sessions_per_day", "effective_sessions_per_day", "bought_per_day"),
    *("conversion_same_day", "mean_wait_turn_s", "handle_min"),
]
CALL_DAY = ["calls_per_day", "abandon_share", "call_wait_s", "aht_s"]
# What a page compares people by: the first of each that the shop has data for.
SPEED = ["mean_wait_turn_s", "first_reply_s", "aht_s"]
RESULT = ["conversion_paid_user", "conversion_ordered_user", "effective_session_share"]
VOLUME = ["sessions_per_day", "calls_per_day"]
PERFORMANCE = [
    *("sessions_per_day", "effective_session_share", "reply_30s_msg", "first_reply_s", "mean_wait_turn_s"),
    *(
        "handle_min",
        "conversion_paid_user",
        "order_value_yuan",
        "items_per_buyer",
        "calls_per_day",
        "call_wait_s",
        "aht_s",
    ),
]
CELLS = ("own", "mean", "top10_mean", "top10_doorstep", "tier_mean", "tier_excellent")
SPREAD = ("easy90", "easy75", "middle", "hard25", "hard10")


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """The rows for a file (`frame`) and the same rows for the page (`gt`), under the name their file gets."""

    name: str
    frame: pd.DataFrame
    gt: GT

    def __repr__(self) -> str:
        return f"<Table {self.name}: {len(self.frame)} rows>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        rows = [[_plain(cell) for cell in row] for row in self.frame.itertuples(index=False)]
        data = {"name": self.name, "columns": [str(c) for c in self.frame.columns], "rows": rows}
        return {"text/html": self.gt.as_raw_html(), MIME: data}


def loading(manifest: Mapping[str, Any], *, lang: str = "zh") -> Table:
    """What became of every row of every file; `manifest`: the store's."""
    fates = ["read", "kept", "duplicate", "replaced", "filtered", "folded", "rejected"]
    rows = [(name, *(_count(about[fate]) for fate in fates)) for name, about in manifest["files"].items()]
    files = pd.DataFrame(rows, columns=["file", *fates])
    total = {fate: number(files[fate].sum(), "count") for fate in fates}
    title = say("tables.loading", lang, files=len(files), **total)
    shown = _shown(files, lang, dict.fromkeys(fates, "count"))
    return Table("loading", files, _gt("loading", shown, title, lang, stub="file", note="loading_note"))


def _count(fate: int | Mapping[str, int]) -> int:
    """A number of rows, or the sum of the numbers by reason."""
    return sum(fate.values()) if isinstance(fate, Mapping) else fate


def rejects(manifest: Mapping[str, Any], *, lang: str = "zh") -> Table:
    """Rows that could not be used, by file and reason, most frequent first; `manifest`: the store's."""
    rows = [
        (name, reason, n) for name, about in manifest["files"].items() for reason, n in about["rejected"].items() if n
    ]
    frame = pd.DataFrame(rows, columns=["file", "reason", "rows"])
    frame = frame.sort_values(["rows", "file", "reason"], ascending=[False, True, True], ignore_index=True)
    total = int(frame["rows"].sum())
    title = say("tables.rejects" if total else "tables.rejects_none", lang, n=number(total, "count"))
    page = frame.head(REJECTS_ON_PAGE)
    shown = _shown(
        page.assign(reason=[reason_words(reason, lang) for reason in page["reason"]]), lang, {"rows": "count"}
    )
    return Table("rejects", frame, _gt("rejects", shown, title, lang, note="rejects_note"))


def gaps(
    days: pd.DataFrame,
    first_day: date,
    last_day: date,
    *,
    shifts: pd.DataFrame | None = None,
    roster: pd.DataFrame | None = None,
    lang: str = "zh",
) -> Table:
    """Days with rows per account and, where shifts are known, the days on duty without any.

    `days`: store.coverage(), n null where the whole shop has nothing, 0 where only this account has nothing.
    """
    span = pd.date_range(first_day, last_day, freq="D")
    grid = days.assign(day=pd.to_datetime(days["day"])).pivot(index="account_id", columns="day", values="n")
    grid = grid.reindex(columns=span).astype(float).sort_index()
    duty = _on_duty(shifts, roster)
    rows = []
    for account, counts in grid.iterrows():
        absent = [day.date() for day, n in counts.items() if n == 0 and (account, day.date()) in duty]
        said = say("tables.and", lang).join(day_words(day, lang) for day in absent)
        rows.append((account, int((counts > 0).sum()), int(counts.notna().sum()), len(absent), said))
    frame = pd.DataFrame(rows, columns=["account_id", "days_with_data", "days", "absent", "absent_days"])
    title = _gaps_title(len(span), [day.date() for day in span if grid[day].isna().all()], lang)
    note = "gaps_note" if duty else "gaps_note_no_shifts"
    frame = frame if duty else frame.drop(columns=["absent", "absent_days"])
    shown = _shown(frame, lang, dict.fromkeys(("days_with_data", "days", "absent"), "count"))
    text = ("absent_days",) if duty else ()
    return Table(
        "coverage_gaps", frame, _gt("coverage_gaps", shown, title, lang, stub="account_id", note=note, text=text)
    )


def _on_duty(shifts: pd.DataFrame | None, roster: pd.DataFrame | None) -> set[tuple[str, date]]:
    """(account, day) on which somebody behind the account had a shift."""
    if shifts is None or roster is None or shifts.empty or roster.empty:
        return set()
    both = shifts[["agent_id", "day"]].merge(
        roster[["agent_id", "account_id", "valid_from", "valid_to"]], on="agent_id"
    )
    both = both.assign(**{c: pd.to_datetime(both[c]) for c in ("day", "valid_from", "valid_to")})
    both = both[(both["valid_from"] <= both["day"]) & ~(both["valid_to"] <= both["day"])]
    return {(account, day.date()) for account, day in zip(both["account_id"], both["day"], strict=True)}


def unknown_accounts(days: pd.DataFrame, roster: pd.DataFrame, *, lang: str = "zh") -> Table:
    """Accounts that chat but stand on no roster: they count as a person of their own. `days`: store.coverage()."""
    listed = set(roster["account_id"]) if len(roster) else set()
    found = days[days["account_id"].notna() & ~days["account_id"].isin(listed) & (days["n"] > 0)]
    frame = found.groupby("account_id", as_index=False).agg(
        rows=("n", "sum"), first_day=("day", "min"), last_day=("day", "max")
    )
    title = say("tables.unknown" if len(frame) else "tables.unknown_none", lang, n=len(frame), listed=len(listed))
    shown = _shown(frame, lang, {"rows": "count"})
    return Table("unknown_accounts", frame, _gt("unknown_accounts", shown, title, lang, stub="account_id"))


def shop_days(values: pd.DataFrame, *, lang: str = "zh") -> Table:
    """汇总表: the shop day by day. `values`: by shop and day."""
    frame = _wide(values, ["day"], [*SHOP_DAY, *CALL_DAY], totals=True)
    shown = _shown_metrics(frame, ["day"], lang, totals=True)
    title = _shop_days_title(frame, lang)
    return Table("shop_day", _values_only(frame), _gt("shop_day", shown, title, lang, stub="day", note="day_note"))


def _shop_days_title(frame: pd.DataFrame, lang: str) -> str:
    """How many came in how many days, and when it was busiest: conversations, else calls."""
    for metric in VOLUME:
        total = frame.get(metric, pd.Series(dtype=float)).dropna()
        if len(total):
            slots = {"n": number(total.sum(), "count"), "days": len(total), "most": number(total.max(), "count")}
            day = day_words(_day(frame.loc[total.idxmax(), "day"]), lang)
            return say(f"tables.shop_days_{metric}", lang, day=day, **slots)
    return say("tables.shop_days_empty", lang)


def agent_days(
    values: pd.DataFrame,
    *,
    lang: str = "zh",
    names: Mapping[str, str] | None = None,
    main_accounts: Iterable[str] | None = None,
) -> Table:
    """客服绩效日报表: agent by day, main accounts apart; the page shows the last seven days, the file all.

    `main_accounts`: agents that stand for the shop's main account; default: an id that others continue (店 of 店:01).
    """
    frame = _wide(values, ["agent_id", "day"], [*AGENT_DAY, *CALL_DAY], totals=True)
    mains = set(main_account_ids(frame["agent_id"]) if main_accounts is None else main_accounts)
    frame.insert(2, "main_account", frame["agent_id"].isin(mains))
    frame = frame.sort_values(["main_account", "day", "agent_id"], ignore_index=True)
    last = sorted(frame["day"].unique())[-DAYS_ON_PAGE:]
    page = frame[frame["day"].isin(last) & frame.drop(columns=["agent_id", "day", "main_account"]).notna().any(axis=1)]
    labels = [
        say("tables.main_account", lang) if m else day_words(_day(d), lang)
        for m, d in zip(page["main_account"], page["day"], strict=True)
    ]
    # Within the main account's group the day tells rows apart, elsewhere the person does.
    who = [day_words(_day(r.day), lang) if r.main_account else _who(r.agent_id, names) for r in page.itertuples()]
    shown = _shown_metrics(page.drop(columns="main_account"), ["agent_id", "day"], lang, totals=True)
    shown = shown.assign(**{say("tables.agent_id", lang): who, say("tables.day", lang): labels})
    people = frame.loc[~frame["main_account"], "agent_id"].nunique()
    title = say("tables.agent_days", lang, days=len(last), people=people)
    gt = _gt("agent_day", shown, title, lang, stub="agent_id", group="day", note="agent_days_note")
    return Table("agent_day", _values_only(frame), gt)


def agents(
    values: pd.DataFrame,
    team: pd.DataFrame,
    metrics: Sequence[str],
    *,
    lang: str = "zh",
    names: Mapping[str, str] | None = None,
) -> Table:
    """Agents of one period side by side, value and n for each metric, the shop's own value in the last row.

    `values`: by agent; `team`: by shop, because buyers who wrote to two agents make sums over agents wrong.
    """
    metrics = [metric for metric in metrics if (values["metric"] == metric).any()]
    rows = pd.concat([values, team.assign(agent_id=None)])
    rows = rows[rows["metric"].isin(metrics)]
    rows = rows.assign(cell=_value_n(rows, lang), agent_id=rows["agent_id"].fillna(""))
    frame = rows.loc[rows["agent_id"] != "", ["agent_id", "metric", "value", "n", "note"]].reset_index(drop=True)
    cells = rows.pivot(index="agent_id", columns="metric", values="cell").reindex(columns=metrics).fillna(MISSING)
    cells = cells[[agent == "" or bool((row != MISSING).any()) for agent, row in cells.iterrows()]]
    body = [[_who(agent, names) or say("tables.whole_shop", lang), *row] for agent, row in cells.iterrows()]
    body = body[1:] + body[:1]  # the shop's id is empty and sorts first
    heads = [labelled(getattr(entry(m), lang), entry(m).unit, lang) for m in metrics]
    shown = pd.DataFrame(body, columns=[say("tables.agent_id", lang), *heads])
    title = say("tables.agents", lang, people=len(body) - 1)
    gt = _gt("agents", shown, title, lang, stub="agent_id", note="agents_note")
    bold = loc.body(rows=[len(shown) - 1]), loc.stub(rows=[len(shown) - 1])
    return Table("agents", frame, gt.tab_style(style.text(weight="bold"), list(bold)))


def turns_of_day(
    turns: pd.DataFrame, timezone: str, *, lang: str = "zh", names: Mapping[str, str] | None = None
) -> Table:
    """The turns behind one agent's mean of one day. `turns`: rows of the fact, in order; times are told in `timezone`.

    The file has started_at, replied_at (local clock), wait_s (null: no answer), counted.
    """
    clock = {c: pd.to_datetime(turns[c], utc=True).dt.tz_convert(timezone).dt.strftime("%H:%M:%S") for c in _CLOCKS}
    frame = pd.DataFrame(clock).assign(wait_s=turns["wait_us"] / 1e6, counted=counted_turns(turns))
    shown = frame.assign(counted=[say(f"tables.{'yes' if c else 'no'}", lang) for c in frame["counted"]])
    first = turns.iloc[0]
    slots = {"who": _who(first["agent_id"], names), "day": day_words(_day(first["day"]), lang)}
    title = say("tables.turns", lang, n=len(frame), counted=int(frame["counted"].sum()), **slots)
    shown = _shown(shown, lang, {"wait_s": "count"})
    return Table("turns_of_day", frame, _gt("turns_of_day", shown, title, lang, note="turns_note"))


def counted_turns(turns: pd.DataFrame) -> pd.Series:
    """Which turns enter the mean reply time: in service hours, not excluded, with a wait to count."""
    return turns["in_hours"] & ~turns["excluded"] & turns["wait_counted_us"].notna()


def by_hand(hand: float, csperf: float, metric: str, *, lang: str = "zh") -> Table:
    """The same number twice: worked out by hand and by csperf, and whether they agree."""
    known = entry(metric)
    same = math.isclose(hand, csperf, rel_tol=1e-9, abs_tol=1e-9)
    frame = pd.DataFrame({"way": ["by_hand", "csperf"], metric: [hand, csperf]})
    shown = pd.DataFrame(
        {
            say("tables.way", lang): [say("tables.way_by_hand", lang), say("tables.way_csperf", lang)],
            labelled(getattr(known, lang), known.unit, lang): [number(hand, known.unit), number(csperf, known.unit)],
        }
    )
    title = say("tables.same" if same else "tables.not_same", lang, value=quantity(csperf, known.unit, lang))
    return Table("by_hand", frame, _gt("by_hand", shown, title, lang))


def explained(rows: pd.DataFrame, *, lang: str = "zh", top: int = 15) -> Table:
    """The rows behind a number, counted and left out, as cs.explain gives them; the page shows the first `top`."""
    # Numerator and denominator list the same rows twice; one side is enough to see which count.
    one_side = rows[rows["side"] == rows["side"].iloc[0]] if len(rows) else rows
    page = one_side.head(top)
    shown = page[["row_id", "day", "value", "counted", "reason"]].assign(
        counted=[say(f"tables.{'yes' if counted else 'no'}", lang) for counted in page["counted"]],
        reason=in_words(page["reason"], lang),
    )
    shown = _shown(shown, lang, {"value": "count"})
    slots = {"n": number(len(one_side), "count"), "counted": number(one_side["counted"].sum(), "count")}
    title = say("tables.explained", lang, **slots)
    return Table("explained", rows, _gt("explained", shown, title, lang, note="explained_note"))


def three_sources(
    sources: pd.DataFrame,
    targets: pd.DataFrame,
    rules: Iterable[PlatformRule] = (),
    *,
    on_day: date | None = None,
    lang: str = "zh",
) -> Table:
    """行业 / 本店 / 平台: per metric x role own newest value, the industry's cells, the platform's line, remarks.

    `sources`: targets.sources(...); `targets`: derive_targets(...), whose rows without level carry the shop's value.
    """
    whole = targets[targets["level"].isna()].reset_index(drop=True)
    cells = sources.pivot_table(index=["metric", "role"], columns="cell", values="value", aggfunc="first").reindex(
        columns=CELLS
    )
    frame = whole[["metric", "role", "shop_value", "n_agent_months"]].merge(
        cells.reset_index(), how="left", on=["metric", "role"]
    )
    ruled = {rule.metric: rule for rule in rules}
    frame["platform_rule"] = [rule_words(ruled[m], on_day, lang) if m in ruled else None for m in frame["metric"]]
    frame["remark"] = [
        _source_remarks(sources, m, r, lang) for m, r in zip(frame["metric"], frame["role"], strict=True)
    ]
    shown = _metric_rows(frame, ["shop_value", *CELLS], lang)
    for text in ("platform_rule", "remark"):
        shown[say(f"tables.{text}", lang)] = [_words(value, lang) for value in frame[text]]
    title = say(
        "tables.three_sources", lang, metrics=frame["metric"].nunique(), industry=int(frame["mean"].notna().sum())
    )
    gt = _gt(
        "three_sources",
        shown,
        title,
        lang,
        group="role",
        stub="metric",
        note="three_sources_note",
        text=("platform_rule", "remark"),
    )
    return Table("three_sources", frame, gt)


def industry_origin(sources: pd.DataFrame, *, lang: str = "zh") -> Table:
    """Where each industry value was read: period, tier, category, source, reader."""
    columns = ["metric", "cell", "value", "period_start", "period_end", "days", "tier", "category", "source", "read_by"]
    frame = sources[sources["cell"] != "top10_doorstep"][columns].drop_duplicates(["metric", "cell"], ignore_index=True)
    values = [number(v, entry(m).unit) for v, m in zip(frame["value"], frame["metric"], strict=True)]
    cells = [say(f"tables.{c}", lang) for c in frame["cell"]]
    metrics = [getattr(entry(m), lang) for m in frame["metric"]]
    said = frame.assign(value=values, cell=cells, metric=metrics).rename(columns={"days": "period_days"})
    shown = _shown(said, lang, {"period_days": "count"})
    title = say("tables.origin" if len(frame) else "tables.origin_none", lang, days=SNAPSHOT_DAYS)
    return Table("industry_origin", frame, _gt("industry_origin", shown, title, lang, note="origin_note"))


def level_spread(spread: pd.DataFrame, *, lang: str = "zh") -> Table:
    """The shop's own distribution by level: the value that 90, 75, 50, 25 and 10 % of the agent-months met."""
    shown = _metric_rows(
        spread.rename(columns={"agents": "agents_count"}),
        SPREAD,
        lang,
        before=("level", "agents_count", "agent_months"),
    )
    title = say(
        "tables.level_spread", lang, metrics=spread["metric"].nunique(), n=number(spread["agent_months"].max(), "count")
    )
    return Table(
        "level_spread", spread, _gt("level_spread", shown, title, lang, group="role", stub="metric", note="spread_note")
    )


def targets(targets: pd.DataFrame, *, lang: str = "zh") -> Table:
    """The proposal: base, target and stretch per metric, role and level, how many met it, and why this number."""
    shown = _metric_rows(targets, ["base", "target", "stretch", "shop_value"], lang, before=("level",))
    shown[say("tables.attainment", lang)] = [number(a, "share") for a in targets["attainment"]]
    shown[say("tables.n_agents", lang)] = [number(n, "count") for n in targets["n_agents"]]
    shown[say("tables.n_agent_months", lang)] = [number(n, "count") for n in targets["n_agent_months"]]
    shown[say("tables.grade", lang)] = [say(f"tables.grade_{g}", lang) for g in targets["grade"]]
    shown[say("tables.reason", lang)] = [_status_words(row, lang) for row in targets.itertuples()]
    slots = {
        "metrics": targets["metric"].nunique(),
        "new": int(targets.loc[targets["level"].isna(), "left_out_new"].max() or 0),
    }
    title = say("tables.targets", lang, trial=int((targets["grade"] == "trial").sum()), rows=len(targets), **slots)
    gt = _gt("targets", shown, title, lang, group="role", stub="metric", note="targets_note", text=("reason",))
    return Table("targets", targets, gt)


def past_attainment(past: pd.DataFrame, *, lang: str = "zh") -> Table:
    """How many met the target in each past month: "7/12" per month, metric by metric."""
    rows = past[past["level"].isna()]
    cells = [say("tables.met_of", lang, met=m, agents=a) for m, a in zip(rows["met"], rows["agents"], strict=True)]
    wide = rows.assign(cell=cells).pivot(index=["metric", "role", "target"], columns="month", values="cell")
    wide = in_order(wide.reset_index())
    shown = _metric_rows(wide, ["target"], lang)
    for month in sorted(rows["month"].unique()):
        shown[month[2:4] + "/" + month[5:]] = wide[month].fillna(MISSING)
    low = rows[rows["share"] < 0.10]
    title = say(
        "tables.past", lang, months=rows["month"].nunique(), low=len(low), high=int((rows["share"] > 0.90).sum())
    )
    return Table(
        "past_attainment",
        past,
        _gt("past_attainment", shown, title, lang, group="role", stub="metric", note="past_note"),
    )


def platform_rules(rules: Iterable[PlatformRule], on_day: date, *, lang: str = "zh") -> Table:
    """The platform's rules in force on a day, each with its grade and when it was last checked."""
    frame = pd.DataFrame([_rule_row(rule, on_day, lang) for rule in rules], columns=list(_RULE_COLUMNS))
    waiting = int((frame["verified"] == say("tables.no", lang)).sum()) if len(frame) else 0
    title = say("tables.rules" if len(frame) else "tables.rules_none", lang, n=len(frame), waiting=waiting)
    shown = _shown(frame, lang, {})
    return Table(
        "platform_rules",
        frame,
        _gt("platform_rules", shown, title, lang, note="rules_note", text=("rule", "consequence", "source")),
    )


def too_few(values: pd.DataFrame) -> pd.Series:
    """Rows whose n is too small for the value to mean anything; a count is what it is, however small."""
    counts = values["metric"].map({metric: entry(metric).kind == "count" for metric in values["metric"].unique()})
    return (values["note"] == N_SMALL) & ~counts.astype(bool)


def main_account_ids(agent_ids: Iterable[str]) -> set[str]:
    """Ids that other ids continue after a colon: 店 is the main account of 店:01 (S2-28)."""
    ids = set(agent_ids)
    return {main for main in ids if any(other.startswith((f"{main}:", f"{main}：")) for other in ids)}


def first_with_data(values: pd.DataFrame, metrics: Sequence[str]) -> str:
    """The first of `metrics` that any row has a value for; the first of all where none has."""
    have = set(values.loc[values["value"].notna(), "metric"])
    return next((metric for metric in metrics if metric in have), metrics[0])


def names(roster: pd.DataFrame) -> dict[str, str]:
    """agent_id -> name, the newest entry of the roster."""
    if roster is None or roster.empty:
        return {}
    return roster.sort_values("valid_from").groupby("agent_id")["name"].last().to_dict()


def _gt(
    name: str,
    shown: pd.DataFrame,
    title: str,
    lang: str,
    *,
    stub: str = "",
    group: str = "",
    note: str = "",
    text: Sequence[str] = (),
) -> GT:
    """A table of words and formatted figures. `stub`, `group`, `text` name columns by their key in text/tables.yaml."""
    word = {key: say(f"tables.{key}", lang) for key in (stub, group, *text) if key}
    # great_tables reads group and stub labels as they are, so nulls must be words by now.
    table = GT(shown, rowname_col=word.get(stub), groupname_col=word.get(group), id=f"table-{name}")
    figures = [c for c in shown.columns if c not in word.values() and _is_figures(shown[c])]
    table = table.cols_align("left").cols_align("right", columns=figures)
    wide, special = [word[key] for key in text], {word.get(stub), word.get(group)}
    table = table.tab_style(
        style.css("white-space: nowrap"),
        loc.body(columns=[c for c in shown.columns if c not in special and c not in wide]),
    )
    table = table.tab_style(style.css("min-width: 12em"), loc.body(columns=wide)) if wide else table
    if stub:
        short = shown[word[stub]].astype(str).str.len().max() <= SHORT_LABEL if len(shown) else True
        table = table.tab_style(style.css("white-space: nowrap" if short else "min-width: 11em"), loc.stub())
    table = table.tab_header(title=title).tab_options(
        table_font_size="14px",
        table_font_names=["system-ui", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif"],
        heading_align="left",
        heading_title_font_size="15px",
        heading_title_font_weight="600",
        data_row_padding="4px",
        row_group_font_weight="600",
        table_margin_left="0",
        container_overflow_y="visible",
    )
    if stub:
        table = table.tab_stubhead(word[stub])
    return table.tab_source_note(say(f"tables.{note}", lang)) if note else table


def _is_figures(column: pd.Series) -> bool:
    """Whether most cells of a column are figures or dashes, which stand right."""
    cells = column.astype(str)
    return bool(cells.str.fullmatch(r"[-+–\d.,%/ ()n=<]*").mean() > 0.6)


def _shown(frame: pd.DataFrame, lang: str, units: Mapping[str, str]) -> pd.DataFrame:
    """The frame with words for heads and cells; columns in `units` are figures of that unit."""
    shown = pd.DataFrame(index=range(len(frame)))
    for column in frame.columns:
        head = labelled(say(f"tables.{column}", lang), units.get(column, "count"), lang)
        cells = (number(v, units[column]) if column in units else _words(v, lang) for v in frame[column])
        shown[head] = pd.Series(list(cells), dtype=object)
    return shown


def _words(value: object, lang: str) -> str:
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    if isinstance(value, pd.Timestamp) and (value.hour or value.minute or value.second):
        return f"{value:%H:%M:%S}"
    return day_words(value, lang) if isinstance(value, date) else str(value)


def _wide(values: pd.DataFrame, keys: Sequence[str], metrics: Sequence[str], *, totals: bool = False) -> pd.DataFrame:
    """One column per metric in the given order; what is per agent and day in the catalogue is a total here.

    `<metric>_few` holds n where it is too small for the value to mean anything; the page then shows n instead.
    """
    rows = values[values["metric"].isin(metrics)]
    total = rows["metric"].isin(_totals()) if totals else pd.Series(False, index=rows.index)
    rows = rows.assign(shown=rows["numerator"].where(total, rows["value"]), few=rows["n"].where(too_few(rows) & ~total))
    have = [metric for metric in metrics if (rows["metric"] == metric).any()]
    wide, few = (
        rows.pivot(index=list(keys), columns="metric", values=c).reindex(columns=have) for c in ("shown", "few")
    )
    few.columns = [f"{metric}_few" for metric in have]
    wide.columns.name = None
    return wide.join(few).reset_index()


def _values_only(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame for the file: the value stays, with its n in `<metric>_few` only where it is too small."""
    return frame.drop(columns=[c for c in frame.columns if c.endswith("_few") and frame[c].isna().all()])


def _totals() -> set[str]:
    return {key.removeprefix("total_") for key in words("report", "en") if key.startswith("total_")}


def _shown_metrics(frame: pd.DataFrame, keys: Sequence[str], lang: str, *, totals: bool = False) -> pd.DataFrame:
    """Keys as words, metric columns as figures under the catalogue's names."""
    shown = _shown(frame[list(keys)], lang, {})
    for metric in (c for c in frame.columns if c not in keys and not c.endswith("_few")):
        known, few = entry(metric), frame[f"{metric}_few"]
        total = totals and metric in _totals()
        head = say(f"report.total_{metric}", lang) if total else labelled(getattr(known, lang), known.unit, lang)
        figures = [number(value, known.unit) for value in frame[metric]]
        shown[head] = [
            f if pd.isna(n) else say("tables.only_n", lang, n=int(n)) for f, n in zip(figures, few, strict=True)
        ]
    return shown


def _metric_rows(frame: pd.DataFrame, columns: Sequence[str], lang: str, before: Sequence[str] = ()) -> pd.DataFrame:
    """Rows of metric x role: each metric's figures in its own unit, the role as group, the metric as stub."""
    known = [entry(metric) for metric in frame["metric"]]
    shown = pd.DataFrame({say("tables.metric", lang): [labelled(getattr(e, lang), e.unit, lang) for e in known]})
    shown.insert(0, say("tables.role", lang), [say(f"tables.role_{role}", lang) for role in frame["role"]])
    for column in before:
        whole = say("tables.all_levels", lang) if column == "level" else MISSING
        shown[say(f"tables.{column}", lang)] = [whole if pd.isna(v) else _level(v, lang) for v in frame[column]]
    for column in columns:
        figures = [number(value, e.unit) for value, e in zip(frame[column], known, strict=True)]
        shown[say(f"tables.{column}", lang)] = figures
    return shown


def _value_n(rows: pd.DataFrame, lang: str) -> list[str]:
    """ "81.2% (412)" for each row; where n is too small only n, where there is nothing a dash."""
    cells = []
    for row, few in zip(rows.itertuples(), too_few(rows), strict=True):
        figure, n = number(row.value, entry(row.metric).unit), number(row.n, "count")
        if few and figure != MISSING:
            cells.append(say("tables.few", lang, n=n))
        else:
            cells.append(figure if figure == MISSING or n == MISSING else f"{figure} ({n})")
    return cells


def _gaps_title(days: int, missing: list[date], lang: str) -> str:
    """The conclusion: all days of the period are there, or which are not."""
    if len(missing) == days:
        return say("tables.gaps_empty", lang)
    said = say("tables.and", lang).join(day_words(day, lang) for day in missing)
    slots = {"share": number(1 - len(missing) / days, "share"), "days": days, "missing": said, "n": len(missing)}
    return say("tables.gaps_shop" if missing else "tables.gaps", lang, **slots)


def _source_remarks(sources: pd.DataFrame, metric: str, role: str, lang: str) -> str | None:
    """What the industry's values would mean in this shop: a sentence per finding, naming the values it concerns."""
    rows = sources[(sources["metric"] == metric) & (sources["role"] == role) & (sources["cell"] != "own")]
    cells: dict[str, list[str]] = {}
    for row in rows.itertuples():
        for code in filter(None, row.codes.split(";")):
            cells.setdefault(code, []).append(say(f"tables.{row.cell}", lang))
    join = say("tables.and", lang).join
    return " ".join(say(f"tables.code_{code}", lang, cells=join(found)) for code, found in cells.items()) or None


def _status_words(row: Any, lang: str) -> str:
    codes = [say(f"tables.status_{code}", lang) for code in row.status.split(";") if code]
    return " ".join([row.reason, *codes])


def _level(value: object, lang: str) -> str:
    """A level's word where it is one of the usual three, else as the roster has it."""
    return words("tables", lang).get(f"level_{value}", _words(value, lang))


def _who(agent_id: str, known: Mapping[str, str] | None) -> str:
    return (known or {}).get(agent_id, agent_id)


def _day(value: Any) -> date:
    return pd.Timestamp(value).date()


def _plain(value: object) -> object:
    """A cell as JSON knows it: null, number, text."""
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return None
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, (bool, int, float, str)) else str(value)


_RULE_COLUMNS = (
    "name",
    "rule",
    "hours",
    "window",
    "consequence",
    "since",
    "source",
    "source_grade",
    "checked_on",
    "verified",
)


def rule_words(rule: PlatformRule, on_day: date | None, lang: str) -> str:
    """The rule's line in a sentence, with what is open about it; an unverified rule names no fine."""
    unit = entry(rule.metric).unit if rule.metric else "count"
    if rule.threshold is not None:
        slots = {"comparison": say(f"tables.{rule.comparison}", lang), "value": quantity(rule.threshold, unit, lang)}
        line = say("tables.rule_line", lang, **slots)
    else:
        line = say(f"tables.rule_{rule.relative_to or 'open'}", lang)
    volume = say("tables.rule_volume", lang, n=rule.min_volume) if rule.min_volume else ""
    return line + volume + _rule_doubt(rule, on_day, lang)


def _rule_doubt(rule: PlatformRule, on_day: date | None, lang: str) -> str:
    if rule.checked_on is None:
        return "" if rule.usable else say("tables.rule_unverified", lang)
    if on_day and stale([rule], on_day):
        return say("tables.rule_stale", lang, days=(on_day - rule.checked_on).days)
    return ""


def _rule_row(rule: PlatformRule, on_day: date, lang: str) -> tuple:
    name = rule.name_zh if lang == "zh" else rule.name_en
    hours = "–".join(str(part)[:5] for part in rule.hours) if isinstance(rule.hours, tuple) else None
    consequence = getattr(rule.consequence, lang) if rule.consequence and rule.usable else None
    said = consequence or say("tables.no_fine" if not rule.usable else "tables.unknown_consequence", lang)
    verified = say(f"tables.{'yes' if rule.usable and not stale([rule], on_day) else 'no'}", lang)
    grade = say(f"tables.rule_grade_{rule.grade}", lang)
    window = _window(rule.window, lang)
    return (
        name,
        rule_words(rule, on_day, lang),
        hours,
        window,
        said,
        _iso(rule.since),
        rule.source,
        grade,
        _iso(rule.checked_on),
        verified,
    )


def _window(window: str | None, lang: str) -> str:
    if window is None:
        return MISSING
    if window[:-1].isdigit():
        return say("tables.window_days", lang, days=window[:-1])
    return say(f"tables.window_{window}", lang)


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
