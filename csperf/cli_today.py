"""What `csperf today PARAMS` says: the latest day that was loaded, the platform's daily lines, and slow replies."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from .definitions import SETS
from .engine import EngineSettings, connect
from .errors import CsperfError, Problem
from .lists import open_refunds
from .rules import PlatformRule, in_force
from .run import Facts, Run, facts, measure, open_run
from .tables import names
from .text import say
from .text.numbers import day_words, number
from .today import Watch, is_over, slow_replies, watch, watched

REFUND_DAYS = 30  # before the day: who wrote to a buyer earlier is not looked for


def said(params_file: Path, day: dt.date | None, slow_s: int, times: int, lang: str, now: dt.datetime) -> list[str]:
    """The lines to print. CsperfError without chats, and for a day of which there are none."""
    run = _of_day(params_file, day, lang)
    return [_how_far(run, lang, now), *_lines(run, lang), *_slow(run, slow_s, times, lang), *_refunds(run, lang)]


def _of_day(params_file: Path, day: dt.date | None, lang: str) -> Run:
    """The run of one day: the one asked for, else the latest."""
    run = open_run(params_file, lang=lang)
    if "messages" not in run.store.tables():
        raise CsperfError(Problem(str(params_file), say("today.no_chats")))
    days = set(run.store.coverage("messages").dropna(subset="n")["day"])
    day = day or max(days)
    if day not in days:
        raise CsperfError(Problem("--day", say("today.no_such_day", day=day, last=max(days))))
    return replace(run, month=f"{day:%Y-%m}", first_day=day, last_day=day)


def _how_far(run: Run, lang: str, now: dt.datetime) -> str:
    day = day_words(run.first_day, lang)
    if is_over(run.first_day, run.params.timezone, now):
        return say("today.whole_day", lang, day=day)
    messages = run.store.read(connect(EngineSettings()), "messages", run.first_day, run.first_day)
    last = pd.Timestamp(messages.sent_at.max().execute())
    last = last.tz_localize("UTC") if last.tzinfo is None else last
    return say("today.until", lang, day=day, time=f"{last.tz_convert(run.params.timezone):%H:%M}")


def _lines(run: Run, lang: str) -> Iterator[str]:
    """Where the day stands before each of the platform's daily lines, under the platform's own counting rules."""
    rules = watched(in_force(run.params.platform_rules(), run.first_day))
    if not rules:
        yield say("today.no_rules", lang)
        return
    own = run.params.platform if run.params.platform in SETS else run.definition.name
    counted = replace(run, definition=run.params.counting_rules(own or ""))
    keys = sorted({str(rule.metric) for rule in rules})
    values = measure(facts(counted, run.first_day, orders=False), ["shop", "day"], keys).set_index("metric")
    for rule in rules:
        row = values.loc[rule.metric] if rule.metric in values.index else None
        yield " ".join(_line(rule, row, lang)) if lang == "en" else "".join(_line(rule, row, lang))


def _line(rule: PlatformRule, row: pd.Series | None, lang: str) -> Iterator[str]:
    name = rule.name_zh if lang == "zh" else rule.name_en
    if row is None or not row["denominator"] > 0:
        yield say("today.no_value", lang, rule=name)
        return
    found = watch(rule, round(row["numerator"]), round(row["denominator"]))
    slots = {"good": found.good, "n": found.n, "value": number(row["value"], "share")}
    yield say("today.stands", lang, rule=name, line=number(rule.threshold, "share"), **slots)
    yield from watch_words(found, lang)
    if not rule.usable:
        yield say("today.unverified", lang)


def watch_words(found: Watch, lang: str) -> Iterator[str]:
    """What is to be done about a rule today."""
    if found.to_volume:
        yield say("today.below_volume", lang, to_volume=found.to_volume)
    if found.broken:
        yield say("today.broken", lang)
    if found.needed is None and found.answering is None:
        yield say("today.hopeless", lang)
    if found.needed:
        yield say("today.needed", lang, needed=found.needed)
    if found.needed != 0 and found.answering:
        yield say("today.answering", lang, answering=found.answering)
    if not found.broken and not (found.to_volume and found.needed):  # of so few any may be missed: no help
        key = "safe" if found.spare is None else "spare" if found.spare else "none_spare"
        yield say(f"today.{key}", lang, spare=found.spare)


def _slow(run: Run, slow_s: int, times: int, lang: str) -> Iterator[str]:
    """Who replied slowly how often."""
    known: Facts = facts(run, run.first_day, orders=False)
    rows, called = slow_replies(known, run.first_day, slow_s, times), names(run.table("roster"))
    if rows.empty:
        yield say("today.no_slow", lang, slow=slow_s, times=times)
    for row in rows.itertuples():
        at = pd.to_datetime(row.at, utc=True).tz_convert(run.params.timezone)
        slots = {"slow_n": row.slow, "waiting": row.waiting, "n": row.n, "at": f"{at:%H:%M}", "slow": slow_s}
        longest = number(round(row.longest_s), "count")
        yield say("today.slow", lang, name=called.get(row.agent_id, row.agent_id), longest=longest, **slots)


def _refunds(run: Run, lang: str) -> Iterator[str]:
    """Refunds that wait and about which nobody has written to the buyer yet, the oldest first."""
    if "refunds" not in run.store.tables():
        return
    known = facts(run, run.first_day - dt.timedelta(days=REFUND_DAYS))
    rows = open_refunds(known["refunds"], run.first_day, run.params.timezone)
    called = names(run.table("roster"))
    if rows.empty:
        yield say("today.no_refunds", lang, days=REFUND_DAYS)
    for row in rows.itertuples():
        key = "served_by" if isinstance(row.agent_id, str) else "served_by_nobody"
        before = say(f"today.{key}", lang, name=called.get(row.agent_id, row.agent_id))
        slots = {"refund": row.refund_id, "order": row.order_id, "at": f"{row.requested_at:%m-%d %H:%M}"}
        yield say("today.refund", lang, **slots, before=before)
