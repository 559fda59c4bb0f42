"""One shop, one month, one set of counting rules: what notebooks and the command line ask for numbers."""

from __future__ import annotations

import calendar
import datetime as dt
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from . import mart, table_door
from .catalogue import ENTRIES, QUESTIONS, entry, keys_of
from .definitions import SETS, Definition
from .derived import RECORDS, Derived, Shelf, covered_days, dated
from .engine import EngineSettings, apart, connect
from .errors import CsperfError, Problem
from .facts import INPUT
from .kept import digest
from .metric import FEN_PER_YUAN, Metric
from .params import Params, load_params
from .rules import in_force
from .store import Store
from .targets import Proposal, TargetSettings, core_metrics
from .targets import propose as propose_targets
from .targets.activity import COLUMNS as ACTIVITY
from .targets.activity import activity_targets, last_activity, overloaded
from .targets.industry import cells_of
from .targets.maturity import settled_until
from .targets.past import review_past
from .targets.platform import RedLineSettings
from .targets.platform import red_lines as platform_red_lines
from .targets.register import Register, published
from .targets.register_file import read_register
from .targets.unchanged import held
from .text import say, ui_language
from .turns.people import people

# What each door needs in the store; chats and calls come first.
DOORS = {"chat": {"messages", "calls"}, "table": {"measured"}}
OF_RECORDS = {*RECORDS, "key_customers"}  # facts that need neither chats nor calls
CASES = "asked_users"  # how busy a day was
WHO = ("agent", "role", "level")
AS_OF = "CSPERF_AS_OF"  # the variable that tells a pack's notebooks from which day they look
LEAD_DAYS = 30  # read before the first day that is looked at: 21 days of history, an order's window, a chain
OF_FACTS = {"shop", "timezone", "hours", "internal_accounts", "listed_buyers"}  # settings, beside the counting rules
KEPT = 4  # sets of facts that stay in memory: a pack measures one month under a few definitions
_kept: dict[str, Derived] = {}
_proposed: dict[str, Proposal] = {}  # the newest: several notebooks of a pack ask for the same


@dataclass(frozen=True)
class Run:
    """What is measured: a shop's settings, the days, the counting rules, where the rows are, what is known.

    as_of: the day on which one looks: of it and later days nothing is known yet (a day is complete on the next one).
    """

    params: Params
    definition: Definition
    store: Store
    month: str
    lang: str
    first_day: dt.date
    last_day: dt.date
    as_of: dt.date

    @property
    def min_n(self) -> int:
        """Below this many cases a value is shown as too few to mean anything."""
        return self.params.min_n

    @cached_property
    def key(self) -> str:
        """Changes when the settings, the counting rules or the store do."""
        settings = self.params.model_dump(mode="json", warnings=False, exclude={"month", "lang", "reports", "door"})
        return digest(settings, self.definition.model_dump(mode="json"), self.store.manifest(), *self._rows)

    @cached_property
    def facts_key(self) -> str:
        """Changes when anything that the facts depend on does: of the settings these are a few."""
        settings = self.params.model_dump(mode="json", warnings=False, include=OF_FACTS)
        return digest(settings, self.definition.model_dump(mode="json"), *self._rows)

    @property
    def _rows(self) -> tuple[Any, dt.date | None]:
        return self.store.fingerprint(), self.store.until

    @property
    def door(self) -> str:
        """Where values come from: `chat` (chats and calls), or `table` (the backend's own tables)."""
        return self.params.door or door_of(self.store)

    @cached_property
    def measured(self) -> pd.DataFrame:
        """The backend's own values and whose they are (table_door.prepared), by the run's rules where it has these."""
        rows = self.table("measured")
        days = sorted({day.date() for c in ("day", "period_start") for day in pd.to_datetime(rows[c]).dropna()})
        who = people(dated(self.table("roster")), dated(self.table("shifts")), days)
        told = table_door.prepared(rows, who, (self.definition.name, self.params.platform or ""))
        return table_door.with_shares_of_sales(told, self._paid())

    def _paid(self) -> pd.DataFrame:
        """By day, the yuan paid in the shop's orders and how many these are."""
        con = connect(EngineSettings())
        orders = self.store.read(con, "orders")
        paid = orders.filter(orders.paid_day.notnull(), orders.paid_fen.notnull()).group_by(day=orders.paid_day)
        days = paid.agg(paid=lambda t: t.paid_fen.sum() / FEN_PER_YUAN, n=lambda t: t.count()).to_pandas()
        return days.assign(day=pd.to_datetime(days["day"]).dt.date)

    def coverage(self) -> pd.DataFrame:
        """Rows of each account on each day (store.coverage), of the door that values come from."""
        tables = self.store.tables()
        chats = "messages" if "messages" in tables or "calls" not in tables else "calls"
        return _coverage("measured" if self.door == table_door.DOOR else chats, *_as_it_lies(self.store)).copy()

    @property
    def days(self) -> list[dt.date]:
        """Of the run's days those of which there is data."""
        seen = self.coverage().dropna(subset="n")["day"]
        return sorted(day for day in set(seen) if self.first_day <= day <= self.last_day)

    def rows(self, name: str) -> ir.Table:
        """The run's days of a table of the store, for those who look at a part of it."""
        return self.store.read(connect(EngineSettings()), name, self.first_day, self.last_day)

    def table(self, name: str) -> pd.DataFrame:
        """A table of the store as it is, whole."""
        if INPUT[name].statement:
            return _statement(name, *_as_it_lies(self.store)).copy()
        with apart() as con:
            return self.store.read(con, name).to_pandas()


class Facts(Mapping[str, ir.Table]):
    """Derived facts by name (facts.DERIVED), each worked out when first asked for, and the run they belong to."""

    def __init__(self, run: Run, tables: Mapping[str, ir.Table]) -> None:
        self.run = run
        self._tables = tables

    def __getitem__(self, name: str) -> ir.Table:
        return self._tables[name]

    def __contains__(self, name: object) -> bool:
        return name in self._tables

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)


def open_run(params_file: str | Path, month: str = "", lang: str = "", definitions: str = "", as_of: str = "") -> Run:
    """A checked run. `month` (YYYY-MM) empty: the one in the file, else the newest that is complete.

    `as_of` (YYYY-MM-DD): what is known is what happened before that day; empty: all that is loaded, as of the day after
    its last. CsperfError where the settings are wrong, nothing was loaded, or the month has no rows.
    """
    params = load_params(params_file, month=month, lang=lang)
    params.platform_rules()  # a wrong one is said at once, not when a page needs it
    as_of = as_of or os.environ.get(AS_OF, "")
    store = _known_store(params, as_of)
    months = store.months()
    if not months:
        raise CsperfError(Problem(*_nothing_known(params, params_file, as_of)))
    if params.door and not DOORS[params.door] & set(store.tables()):
        raise CsperfError(Problem(str(params_file), say(f"run.no_door_{params.door}", path=params_file)))
    chosen = params.month or _newest_complete(store, months)
    if chosen not in months:
        raise CsperfError(Problem(str(params_file), say("run.no_such_month", month=chosen, months=", ".join(months))))
    first, last = month_days(chosen)
    looked = store.until or store.newest_day() or last
    on = looked + dt.timedelta(days=1)
    return Run(params, params.counting_rules(definitions), store, chosen, params.lang, first, last, on)


def _known_store(params: Params, as_of: str) -> Store:
    """The store as it was known on the day `as_of`; whole where that is empty."""
    try:
        until = dt.date.fromisoformat(as_of) - dt.timedelta(days=1) if as_of else None
    except ValueError:
        raise CsperfError(Problem("--as-of", say("run.bad_day", found=as_of))) from None
    return Store(params.store, params.timezone, until)


def _nothing_known(params: Params, path: str | Path, as_of: str) -> tuple[str, str]:
    """What is to be said where no row may be read: nothing was loaded, or nothing before the day."""
    months = Store(params.store, params.timezone).months()
    if as_of and months:
        return "--as-of", say("run.nothing_before", day=as_of, first=months[0])
    return str(path), say("run.nothing_loaded", path=path)


def door_of(store: Store) -> str:
    """Where a shop's values come from unless its file says otherwise: chats and calls where there are any."""
    held = set(store.tables())
    return table_door.DOOR if DOORS["table"] & held and not DOORS["chat"] & held else "chat"


def month_days(month: str) -> tuple[dt.date, dt.date]:
    """First and last day of a month written YYYY-MM."""
    year, number = map(int, month.split("-"))
    return dt.date(year, number, 1), dt.date(year, number, calendar.monthrange(year, number)[1])


def facts(run: Run, since: dt.date | None = None, *, orders: bool = True) -> Facts:
    """The derived facts under the run's counting rules, each worked out when it is first asked for (derived.Derived).

    Of the whole store, because a chain of messages, an order's window and 21 days of history reach over the month's
    edge; with `since`, of messages from LEAD_DAYS before that day on, for those who look at no earlier day. Without
    `orders` there are no purchases, and nothing says which chats led to one.
    """
    asked = f"{run.key} {since} {orders}"
    if asked not in _kept:
        while len(_kept) >= KEPT:
            _kept.pop(next(iter(_kept)))
        first = since and since - dt.timedelta(days=LEAD_DAYS)
        seen = run.store.fingerprint()
        _kept[asked] = Derived(Shelf(run.params, run.definition, run.store, run.facts_key, seen, first, orders))
    return Facts(run, _kept[asked])


def measure(
    source: Run | Facts,
    by: Sequence[str] = ("shop", "month"),
    metrics: Sequence[str] | None = None,
    *,
    min_n: int | None = None,
    spread: bool = False,
) -> pd.DataFrame:
    """Values of the run's days at the grain `by` (columns and `spread`: see mart.measure, table_door.measure).

    `metrics`: catalogue keys or presets (catalogue.PRESETS); default those named in the settings, else all that these
    facts allow.
    """
    run = source.run if isinstance(source, Facts) else source
    least = run.min_n if min_n is None else min_n
    days: dict[str, Any] = {"first_day": run.first_day, "last_day": run.last_day}
    if run.door == table_door.DOOR:
        asked = keys_of(metrics or run.params.metrics or ENTRIES)
        told = table_door.measure(run.measured, asked, list(by), min_n=least, spread=spread, **days)
        return _with_records(source, told, asked, by, min_n=least, spread=spread, **days)
    known = source if isinstance(source, Facts) else facts(source)
    return mart.measure(
        known,
        keys_of(metrics or run.params.metrics or ENTRIES),
        list(by),
        definitions=run.definition.name,
        min_n=least,
        spread=spread,
        **days,
    )


def _with_records(
    source: Run | Facts, told: pd.DataFrame, asked: Iterable[str], by: Sequence[str], **how: Any
) -> pd.DataFrame:
    """The values of a backend's tables, below them those of the shop's own records (tickets, checks, plans)."""
    run = source.run if isinstance(source, Facts) else source
    keys = [key for key in asked if _of_records(run, key)]
    if not keys:
        return told
    known = source if isinstance(source, Facts) else facts(source)
    found = mart.measure(known, keys, list(by), definitions=run.definition.name, door=table_door.DOOR, **how)
    values = pd.concat([told, found], ignore_index=True) if len(found) else told
    others = {key: why for key, why in told.attrs["unavailable"].items() if key not in keys}
    values.attrs["unavailable"] = others | found.attrs["unavailable"]
    return values


def _of_records(run: Run, key: str) -> bool:
    """Whether a metric comes from records that were loaded, and from no table of the backend."""
    needed = ENTRIES[key].facts if key in ENTRIES else set()
    loaded = {*run.store.tables(), "key_customers"}
    return bool(needed) and needed <= OF_RECORDS & loaded and key not in set(run.measured["metric"])


def history(source: Run | Facts, metrics: Sequence[str] | None = None) -> pd.DataFrame:
    """Agents' values up to the run's month, as targets.propose wants them: by month, with sum_squares.

    In months with exempt activity days (the calendar's) sums are by day and leave those days out (PRACTICE 17), speed
    also days of other activities with more cases than planned; these rows name their month too.
    `metrics`: default those of the settings, else the core ones of the platform.
    """
    run = source.run if isinstance(source, Facts) else source
    wanted = _asked_for(run, metrics)
    if run.door == table_door.DOOR:
        return _history_of_tables(run, wanted)
    known = source if isinstance(source, Facts) else facts(source)
    past = replace(run, first_day=_months_before(run.first_day, run.params.targets.history_months))
    off = days_off(source, wanted)
    parts = []
    for last, keys in _by_last_day(run, wanted).items():
        within = Facts(replace(past, last_day=last), known)
        sums = [key for key in keys if off[key] and isinstance(entry(key), Metric)]
        days = measure(within, [*WHO, "day"], sums, spread=True) if sums else pd.DataFrame(columns=["day"])
        ranked = [key for key in keys if key not in sums]
        parts += [_without(days, off)] if sums else []
        parts += [measure(within, [*WHO, "month"], ranked, spread=True)] if ranked else []
    return _with_month(pd.concat(parts, ignore_index=True))


def _asked_for(run: Run, metrics: Sequence[str] | None) -> list[str]:
    """The metrics that are to have targets: the named ones, else the core ones; of tables all that they hold (none)."""
    named = list(metrics or run.params.targets.metrics or run.params.metrics)
    return named or ([] if run.door == table_door.DOOR else core_metrics(run.params.platform))


def last_settled(run: Run, metric: str) -> dt.date:
    """The last day of the run that a metric's targets may rest on: none whose value can still change (PRACTICE 3).

    Of a month of which too few days are settled none is used, unless it is the shop's first.
    """
    last = min(run.last_day, settled_until(metric, run.definition, run.as_of))
    settled = (last - run.first_day).days + 1
    if settled >= min(run.params.targets.min_days, run.last_day.day) or run.store.months()[0] == run.month:
        return last
    return run.first_day - dt.timedelta(days=1)


def days_used(run: Run, metrics: Sequence[str]) -> tuple[dict[str, dt.date], list[dt.date]]:
    """By metric the last day that its targets rest on, and the activity days of their months that are left out."""
    last = {key: last_settled(run, key) for key in metrics}
    first = _months_before(run.first_day, run.params.targets.history_months)
    return last, sorted(day for day in exempt_days(run) if first <= day <= min(run.last_day, run.as_of))


def activities(source: Run | Facts, targets: pd.DataFrame) -> pd.DataFrame:
    """The targets of activity days (targets.activity), from the newest exempt activity that is over; else no rows."""
    run = source.run if isinstance(source, Facts) else source
    found = last_activity(run.table("calendar"), min(run.last_day, run.as_of - dt.timedelta(days=1)))
    if found is None:
        return pd.DataFrame(columns=ACTIVITY)
    name, first, last = found
    around = replace(run, first_day=first.replace(day=1), last_day=min(month_days(f"{last:%Y-%m}")[1], run.last_day))
    keys = list(targets.loc[targets["role"] != "shop", "metric"].unique())
    days = measure(Facts(around, source) if isinstance(source, Facts) else around, ["role", "day"], keys)
    others = exempt_days(run) - {day.date() for day in pd.date_range(first, last)}
    usual, volume = days[~pd.to_datetime(days["day"]).dt.date.isin(others)], run.params.targets.activity_volume
    return activity_targets(usual, targets, name, first, last, volume=volume)


def _by_last_day(run: Run, metrics: Sequence[str]) -> dict[dt.date, list[str]]:
    """The metrics by the last day that their targets may rest on."""
    found: dict[dt.date, list[str]] = {}
    for key in metrics:
        found.setdefault(last_settled(run, key), []).append(key)
    return found


def _history_of_tables(run: Run, named: list[str]) -> pd.DataFrame:
    """The same from the backend's tables: by day where days are known (with `served`), by month where only periods are.

    Days of means without counts show by how much they vary; a period of a metric of which there are days is left out.
    """
    past = replace(run, first_day=_months_before(run.first_day, run.params.targets.history_months))
    wanted = named or table_door.aims(past.measured)
    days = measure(past, [*WHO, "day"], wanted, spread=True)
    last = {key: last_settled(run, key) for key in wanted}
    days = days[_marked(day <= last[key] for day, key in zip(days["day"], days["metric"], strict=True))]
    served = measure(past, ["agent", "day"], list(table_door.WEIGHTS))
    served = served.sort_values("metric", ascending=False).dropna(subset="value").drop_duplicates(["agent_id", "day"])
    days = days.merge(served.rename(columns={"value": "served"})[["agent_id", "day", "served"]], how="left")
    days = _without(days[days["note"].ne(table_door.PROVISIONAL)], days_off(run, wanted))
    told = set(zip(days["agent_id"], days["metric"], pd.to_datetime(days["day"]).dt.strftime("%Y-%m"), strict=True))
    months = measure(past, [*WHO, "month"], wanted, spread=True)
    only = run.store.months()[0] == run.month
    open_ones = [] if only else [key for key in wanted if last[key] < run.last_day]
    months = months[~(months["month"].eq(run.month) & months["metric"].isin(open_ones))]
    keys = zip(months["agent_id"], months["metric"], months["month"], strict=True)
    return _with_month(pd.concat([days, months[_marked(key not in told for key in keys)]], ignore_index=True))


def _with_month(values: pd.DataFrame) -> pd.DataFrame:
    """The values, rows by day with the month of their day."""
    if "day" not in values:
        return values
    of_day = pd.to_datetime(values["day"]).dt.strftime("%Y-%m")
    return values.assign(month=values["month"].fillna(of_day) if "month" in values else of_day)


def _marked(verdicts: Iterable[bool]) -> np.ndarray:
    """The verdicts as a mask: an empty list would choose columns."""
    return np.fromiter(verdicts, dtype=bool)


def shift_values(source: Run | Facts) -> pd.DataFrame:
    """Agents' values by month and shift, of the months and metrics that targets are read from (targets.shifts)."""
    known = source if isinstance(source, Facts) else facts(source)
    run = known.run
    wanted = [key for key in target_metrics(run) if isinstance(entry(key), Metric)]
    past = replace(run, first_day=_months_before(run.first_day, run.params.targets.history_months))
    return measure(Facts(past, known), ["agent", "role", "shift", "month"], wanted)


def target_metrics(run: Run) -> list[str]:
    """The metrics that get targets: those of the settings, else the core ones of the platform."""
    return list(run.params.targets.metrics or run.params.metrics or core_metrics(run.params.platform))


def propose(
    source: Run | Facts, settings: TargetSettings | None = None, *, values: pd.DataFrame | None = None, **more: Any
) -> Proposal:
    """Targets for the month after the run's, from the shop's history, its benchmarks and its platform's rules.

    `settings`: default those of the shop's file; `values`: default `history`; `more` goes to targets.propose.
    """
    run = source.run if isinstance(source, Facts) else source
    settings = settings or run.params.targets
    tables = {name: run.table(name) for name in ("benchmarks", "roster")}
    if values is not None:
        return propose_targets(values, settings=settings, **(tables | more))
    asked = f"{run.key} {run.last_day} {ui_language()} {settings.model_dump_json()}"
    if more or asked not in _proposed:
        values, wanted = history(source, settings.metrics), _asked_for(run, settings.metrics)
        peers = tables["benchmarks"]  # those of metrics that nobody asked for would look as if the shop had no data
        tables["benchmarks"] = peers[peers["metric"].isin(wanted)] if wanted else peers
        found = propose_targets(values, settings=settings, **(tables | {"red_lines": red_lines(run)} | more))
        if more:
            return found
        _proposed.clear()
        _proposed[asked] = found
    return _proposed[asked]


def keep_in_force(run: Run, proposal: Proposal) -> Proposal:
    """The proposal with the values in force next month wherever it cannot be told from them (targets.unchanged)."""
    in_force = published(_register(run), f"{run.last_day + dt.timedelta(days=1):%Y-%m}")
    return held(proposal, in_force, run.params.targets)


def red_lines(run: Run, settings: RedLineSettings | None = None) -> pd.DataFrame:
    """What the platform's rules in force at the end of the run mean for the shop (targets.platform.red_lines).

    Measured under the platform's own counting rules where there is such a set, over the days its settings ask for.
    """
    settings = settings or RedLineSettings()
    rules = [rule for rule in in_force(run.params.platform_rules(), run.last_day) if rule.metric in ENTRIES]
    on_day = run.last_day + dt.timedelta(days=1)
    if not rules:
        return platform_red_lines(pd.DataFrame(columns=["metric", "day"]), [], on_day=on_day, settings=settings)
    own = run.params.platform if run.params.platform in SETS else run.definition.name
    past = replace(
        run,
        definition=run.params.counting_rules(own),
        first_day=on_day - dt.timedelta(days=settings.history_days),
    )
    metrics = sorted({str(rule.metric) for rule in rules})
    sales = any(QUESTIONS[metric] == "sales" for metric in metrics)
    source = past if run.door == table_door.DOOR else facts(past, past.first_day, orders=sales)
    daily = measure(source, ["shop", "day"], metrics)
    means = cells_of(run.table("benchmarks"), "mean")
    return platform_red_lines(daily, rules, on_day=on_day, industry=means, settings=settings)


def past_review(source: Run | Facts) -> pd.DataFrame:
    """How the targets in force in the run's month fared (targets.past.review_past); none published: no rows."""
    run = source.run if isinstance(source, Facts) else source
    in_force = published(_register(run), run.month)
    if in_force.empty:
        return review_past(in_force, pd.DataFrame(columns=["agent_id", "month", "metric"]), lang=run.lang)
    values = history(source, in_force["metric"].unique().tolist())
    roster, settings = run.table("roster"), run.params.targets
    return review_past(in_force, values[values["month"] == run.month], roster=roster, settings=settings, lang=run.lang)


def _register(run: Run) -> Register:
    return read_register(run.params.folder / f"{run.params.shop}.register.csv")


def explain(source: Run | Facts, metric: str, *, agent: str | None = None, day: dt.date | None = None) -> pd.DataFrame:
    """The rows behind a number of the run's days, each with the reason it counts or not (see explain.explain).

    Of values from the backend's tables: the cells (see table_door.explain).
    """
    from .explain import explain as rows_behind

    run = source.run if isinstance(source, Facts) else source
    if run.door == table_door.DOOR and not _of_records(run, metric):
        days = {"first_day": run.first_day, "last_day": run.last_day}
        return table_door.explain(run.measured, metric, agent=agent, day=day, **days)
    known = source if isinstance(source, Facts) else facts(source)
    return rows_behind(known, metric, agent=agent, day=day, first_day=run.first_day, last_day=run.last_day)


def reconcile(run: Run, by: str = "month") -> pd.DataFrame:
    """The backend's numbers beside ours by agent and `by` (day or month), the difference by cause; see reconcile.

    `.attrs`: `used`, the door that targets use; `definitions`, the backend's rules. No rows where one door is shut.
    """
    from .reconcile import COLUMNS, common_days, ladder, missing_days
    from .reconcile import reconcile as beside

    if any(not tables & set(run.store.tables()) for tables in DOORS.values()):
        return pd.DataFrame(columns=COLUMNS)
    chat = replace(run, params=run.params.model_copy(update={"door": "chat"}))
    backend = run.measured
    theirs = run.params.counting_rules(backend["definitions"].iloc[0])
    keys = [key for key in ENTRIES if key in set(backend["metric"]) and ENTRIES[key].facts <= facts(chat).keys()]
    rungs = [(cause, replace(chat, definition=rules)) for cause, rules in ladder(run.definition, theirs)]
    days = measure(rungs[0][1], ["agent", "day"], keys)
    span: dict[str, Any] = {"first_day": run.first_day, "last_day": run.last_day}
    common = table_door.measure(common_days(backend, days), keys, ["agent", by], **span)
    told = [(cause, measure(rung, ["agent", by], keys)) for cause, rung in rungs]
    rows = beside(table_door.measure(backend, keys, ["agent", by], **span), common, told, by)
    alone = missing_days(table_door.measure(backend, keys, ["agent", "day"], **span), days)
    missing = [alone.get(key, pd.NA) for key in zip(rows["agent_id"], rows["metric"], strict=True)]
    rows = rows.assign(days_missing=pd.Series(missing, dtype="Int64")) if by == "month" else rows
    rows.attrs = {"used": run.door, "definitions": theirs.name}
    return rows


def load(params_file: str | Path):
    """Reads the shop's exports into its store; says for each file what became of every row."""
    from .load import load as load_exports

    return load_exports(load_params(params_file).loading)


def _months_before(first: dt.date, months: int) -> dt.date:
    """The first day of the month that begins a stretch of so many, this one included."""
    return (pd.Period(first, "M") - (months - 1)).start_time.date()


def exempt_days(run: Run) -> set[dt.date]:
    """The activity days that the shop's calendar takes out of monthly targets."""
    calendar = run.table("calendar")
    exempt = calendar[calendar["exempt"].fillna(False).astype(bool)]
    return {
        day.date()
        for start, end in zip(exempt["start"], exempt["end"], strict=True)
        for day in pd.date_range(start, end)
    }


def days_off(source: Run | Facts, metrics: Iterable[str]) -> dict[str, set[dt.date]]:
    """By metric the days that its targets and scores leave out: exempt ones, and of speed also overloaded ones."""
    run = source.run if isinstance(source, Facts) else source
    exempt, calendar = exempt_days(run), run.table("calendar")
    found = {key: exempt for key in metrics}
    speedy = [key for key in found if QUESTIONS[key] == "speed"]
    if not speedy or len(calendar) < 2 or calendar["exempt"].fillna(False).all():
        return found
    whole = replace(run, first_day=pd.to_datetime(calendar["start"]).min().date())
    days = measure(Facts(whole, source) if isinstance(source, Facts) else whole, ["shop", "day"], [CASES])
    cases = days.dropna(subset="value").assign(day=lambda rows: pd.to_datetime(rows["day"]).dt.date)
    volume = run.params.targets.activity_volume
    return found | dict.fromkeys(speedy, exempt | overloaded(cases.set_index("day")["value"], calendar, volume=volume))


def _without(days: pd.DataFrame, off: dict[str, set[dt.date]]) -> pd.DataFrame:
    """The rows by day but for the days that their metric leaves out."""
    known = pd.to_datetime(days["day"]).dt.date
    return days[_marked(day not in off[key] for day, key in zip(known, days["metric"], strict=True))]


def _newest_complete(store: Store, months: list[str]) -> str:
    last = _last_covered(*_as_it_lies(store))
    complete = [month for month in months if last and month_days(month)[1] <= last]
    return (complete or months)[-1]


# What every page of a pack asks of the same files ---------------------------------------------------------------------


def _as_it_lies(store: Store) -> tuple[Path, str, dt.date | None, tuple[Any, ...]]:
    """The store's place, zone and last known day, and the files there: where all are the same, so are the rows."""
    return store.root, store.tz, store.until, tuple(store.fingerprint())


@lru_cache(maxsize=16)
def _statement(name: str, root: Path, tz: str, until: dt.date | None, _files: tuple[Any, ...]) -> pd.DataFrame:
    with apart() as con:
        return Store(root, tz, until).read(con, name).to_pandas()


@lru_cache(maxsize=4)
def _coverage(table: str, root: Path, tz: str, until: dt.date | None, _files: tuple[Any, ...]) -> pd.DataFrame:
    return Store(root, tz, until).coverage(table)


@lru_cache(maxsize=4)
def _last_covered(root: Path, tz: str, until: dt.date | None, _files: tuple[Any, ...]) -> dt.date | None:
    return max(covered_days(Store(root, tz, until)), default=None)
