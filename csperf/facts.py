"""The contract: the tables that loaders fill and the tables derived from them, column by column.

`?` may be null. Times are UTC inside; a `*_day` or `day` column is the local day in the shop's zone, written
once at load so that no engine has to know time zones. Money is int64 fen, durations int64 microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis import _
from ibis.expr.datatypes import dtype
from ibis.expr.schema import Schema

if TYPE_CHECKING:
    import pandera.ibis as pandera

SENDERS = ("buyer", "human", "auto", "assist", "bot", "system", "colleague")
KINDS = ("text", "card", "sticker", "recall", "transfer", "close", "note", "rating_invite", "system")
ORDER_STATES = ("unpaid", "paid", "shipped", "completed", "closed")
ROLES = ("pre", "after", "mixed", "manager", "bot")
CHECKERS = ("superior", "qa", "customer", "peer")  # S1-44: who may check
PLANS = ("plan", "budget", "survey", "process")
FEEDBACK = ("feedback", "info")  # an opinion to answer, a message to pass on
FULL_POINTS = 100
TREE_LEVELS = 3  # of categories (S2-13); agents give the code of the lowest
PPM = 1_000_000
PERIOD = r"^\d{4}(-(0[1-9]|1[0-2])|-Q[1-4])?$"  # a month, a quarter or a year
LEVELS = ("junior", "mid", "senior")  # what the forms offer; a shop may have others
# What rosters say for the contract's words: the one place that knows them. 新手 is left out, it tells how long somebody
# has been here; a shop that tells 高级 from 资深 writes `values:` of its own.
SPOKEN: dict[str, dict[str, str]] = {
    "role": {"售前": "pre", "售后": "after", "混合": "mixed", "主管": "manager", "店长": "manager", "机器人": "bot"}
    | {"售前客服": "pre", "售后客服": "after", "混合岗": "mixed", "pre-sale": "pre", "after-sale": "after"}
    | {role: role for role in ROLES},
    "level": {"初级": "junior", "中级": "mid", "高级": "senior", "资深": "senior", "middle": "mid"}
    | {level: level for level in LEVELS},
}
SHORT = {
    "str": "string",
    "int": "int64",
    "float": "float64",
    "bool": "boolean",
    "time": "timestamp('UTC', 6)",
    "date": "date",
}
ORIGIN = "source_file: str, source_line: int"


@dataclass(frozen=True)
class Column:
    """One column: its Ibis type, and whether it may be null."""

    name: str
    type: str
    null: bool


@dataclass(frozen=True)
class Table:
    """One table of the contract.

    `days` maps a local-day column to the time column it comes from; the first of them that is not null
    decides the month's file in the store. `rules` names what makes a row unusable (reason -> Ibis boolean,
    true = reject). `key` is what makes two rows the same record. `statement`: its files state what is, so that a file
    of the same name with other content takes its place; the files of other tables are logs of what happened.
    `told_days`: day columns that a source may fill where the time is not known.
    `dated`: day columns that the files themselves tell. `provenance`: columns that say where a value stood, so that the
    same value elsewhere is the same. `before`: what other columns said while a time was yet to come. `once_told`: columns
    that stay filled when a later export, which has no such column, tells of the same record.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    days: dict[str, str] = field(default_factory=dict)
    dated: tuple[str, ...] = ()
    provenance: tuple[str, ...] = ()
    rules: dict[str, object] = field(default_factory=dict)
    statement: bool = False
    told_days: tuple[str, ...] = ()
    before: dict[str, dict[str, Any]] = field(default_factory=dict)
    once_told: tuple[str, ...] = ()

    @property
    def schema(self) -> Schema:
        """The Ibis schema, columns in order."""
        return Schema({c.name: dtype(c.type).copy(nullable=c.null) for c in self.columns})

    @property
    def arrow(self) -> pa.Schema:
        """The same as Arrow, for empty tables and for writing Parquet."""
        return pa.schema([pa.field(c.name, dtype(c.type).to_pyarrow()) for c in self.columns])

    @property
    def day_columns(self) -> tuple[str, ...]:
        """Columns of local days, of which the first that is filled says when a row belongs."""
        return self.dated or tuple(self.days)

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that must be filled in every row."""
        return tuple(c.name for c in self.columns if not c.null)

    def validator(self) -> pandera.DataFrameSchema:
        """What must hold once the bad rows are out: the types, and nothing missing that is required."""
        import pandera.ibis as pandera  # a second of work that only loading needs

        return pandera.DataFrameSchema(
            {c.name: pandera.Column(dtype(c.type), nullable=c.null) for c in self.columns}, strict=True, name=self.name
        )


def _columns(text: str) -> tuple[Column, ...]:
    pairs = (item.split(":") for item in text.replace("\n", " ").split(",") if item.strip())
    return tuple(
        Column(name.strip(), SHORT[kind.strip().rstrip("?")], kind.strip().endswith("?")) for name, kind in pairs
    )


def _table(name: str, text: str, *, key: str = "", days: dict | None = None, **more: Any) -> Table:
    day_columns = "".join(f", {day}: date?" for day in days or {})
    return Table(name, _columns(f"{text}{day_columns}, {ORIGIN}"), tuple(key.split()), days or {}, **more)


CODE_LEVEL = _.code.split(".").length()
OFF_SCALE = (_.score < 0) | (_.score > _.scale_max) | (_.scale_max <= 0)


def _one_of(column: str, allowed: tuple[str, ...]):
    return _[column].notnull() & ~_[column].isin(allowed)


INPUT: dict[str, Table] = {
    t.name: t
    for t in (
        _table(
            "messages",
            """row_id: str, shop_id: str, account_id: str?, buyer_id: str, sent_at: time, sequence: int, sender: str, kind: str,
            text: str?, message_id: str?, reply_to: str?, conversation_id: str?, to_account: str?""",
            key="row_id",
            days={"day": "sent_at"},
            rules={"sender_unknown": _one_of("sender", SENDERS), "kind_unknown": _one_of("kind", KINDS)},
        ),
        _table(
            "orders",
            """shop_id: str, order_id: str, buyer_id: str?, created_at: time?, paid_at: time?, grouped_at: time?, closed_at: time?,
            amount_fen: int, paid_fen: int?, quantity: int, status: str, status_raw: str?, account_id: str?""",
            key="shop_id order_id",
            days={"created_day": "created_at", "paid_day": "paid_at"},
            told_days=("created_day",),
            once_told=("buyer_id", "account_id", "grouped_at", "closed_at"),
            before={
                "closed_at": {"status": _.paid_at.isnull().ifelse("unpaid", "paid")},
                "paid_at": {"status": "unpaid", "paid_fen": None},
            },
            rules={
                "status_unknown": _one_of("status", ORDER_STATES),
                "amount_negative": _.amount_fen < 0,
                "quantity_negative": _.quantity < 0,
                "no_time": _.created_at.isnull() & _.paid_at.isnull() & _.created_day.isnull(),
            },
        ),
        _table(
            "refunds",
            """shop_id: str, refund_id: str, order_id: str, requested_at: time, finished_at: time?, amount_fen: int, outcome: str,
            platform_intervened: bool?, merchant_liable: bool?""",
            key="shop_id refund_id",
            days={"day": "requested_at", "finished_day": "finished_at"},
            before={"finished_at": {"outcome": "open"}},
            once_told=("platform_intervened", "merchant_liable"),
            rules={
                "outcome_unknown": _one_of("outcome", ("succeeded", "closed", "open")),
                "amount_negative": _.amount_fen < 0,
                "ends_before_start": _.finished_at < _.requested_at,
            },
        ),
        _table(
            "complaints",
            """complaint_id: str, shop_id: str, buyer_id: str?, account_id: str?, order_id: str?, opened_at: time, cause_at: time?,
            resolved_at: time?, satisfied: bool?, kind: str""",
            key="shop_id complaint_id",
            days={"day": "opened_at"},
            before={"resolved_at": {"satisfied": None}},
            rules={"ends_before_start": (_.resolved_at < _.opened_at) | (_.cause_at < _.opened_at)},
        ),
        _table(
            "ratings",
            "shop_id: str, buyer_id: str?, account_id: str?, invited_at: time?, rated_at: time?, score: float?, scale_max: float",
            key="shop_id buyer_id account_id invited_at rated_at",
            days={"day": "rated_at", "invited_day": "invited_at"},
            rules={
                "score_off_scale": OFF_SCALE,
                "no_time": _.invited_at.isnull() & _.rated_at.isnull(),
            },
        ),
        _table(
            "calls",
            """shop_id: str, call_id: str, customer_id: str?, account_id: str?, direction: str, queued_at: time, answered_at: time?,
            ended_at: time, hold_us: int?, wrap_us: int?, outcome: str, transferred: bool?, wait_us: int?, talk_us: int?""",
            key="shop_id call_id",
            days={"day": "queued_at"},
            rules={
                "outcome_unknown": _one_of("outcome", ("answered", "abandoned", "blocked")),
                "duration_negative": (_.hold_us < 0) | (_.wrap_us < 0) | (_.wait_us < 0) | (_.talk_us < 0),
                "ends_before_start": _.ended_at < _.queued_at,
            },
        ),
        _table(
            "tickets",
            "shop_id: str, ticket_id: str, at: time, event: str, account_id: str?, team: str?",
            key="shop_id ticket_id at event account_id",
            days={"day": "at"},
            rules={
                "event_unknown": _one_of(
                    "event",
                    (
                        "created",
                        "assigned",
                        "replied",
                        "waiting",
                        "resumed",
                        "escalated",
                        "resolved",
                        "reopened",
                        "closed",
                    ),
                )
            },
        ),
        _table(
            "roster",
            """shop_id: str, account_id: str, agent_id: str, name: str, role: str, level: str?, team: str?, started: date, ended: date?,
            valid_from: date, valid_to: date?""",
            key="shop_id account_id valid_from",
            statement=True,
            rules={
                "role_unknown": _one_of("role", ROLES),
                "ends_before_start": (_.ended < _.started) | (_.valid_to <= _.valid_from),
            },
        ),
        _table(
            "shifts",
            "shop_id: str, agent_id: str, start: time, end: time, shift: str",
            key="shop_id agent_id start",
            statement=True,
            days={"day": "start"},
            rules={"ends_before_start": _.end <= _.start},
        ),
        _table(
            "benchmarks",
            """shop_id: str, metric: str, definitions: str, cell: str, value: float, n: int?, period_start: date, period_end: date,
            tier: str?, category: str?, source: str, read_by: str""",
            key="shop_id metric definitions cell period_start period_end",
            statement=True,
            rules={"cell_unknown": _one_of("cell", ("own", "mean", "top10_mean", "tier_mean", "tier_excellent"))},
        ),
        _table(
            "measured",
            # A backend's own value of one account. value is numerator / denominator where the backend shows both counts,
            # else the cell; shown is the cell. n null: nobody knows how many cases it stands for.
            """shop_id: str, agent_id: str, day: date?, period_start: date?, period_end: date?, metric: str, definitions: str,
            value: float?, numerator: float?, denominator: float?, n: int?, provisional: bool, shown: float?,
            platform: str?, sheet: str?, heading: str?, cell: str?""",
            key="shop_id agent_id day period_start period_end metric definitions",
            dated=("day", "period_start"),
            provenance=("platform", "sheet", "heading", "cell"),
            rules={
                "no_period": _.day.isnull() & (_.period_start.isnull() | _.period_end.isnull()),
                "ends_before_start": _.period_end < _.period_start,
            },
        ),
        _table(
            "categories",
            "code: str, parent: str?, name_zh: str, name_en: str",
            key="code",
            statement=True,
            rules={
                "no_parent:parent": ~_.parent.isin(_.code),
                "not_below:code": ~_.code.startswith(_.parent.concat(".")) | (_.parent.isnull() & (CODE_LEVEL > 1)),
                "too_deep:code": CODE_LEVEL > TREE_LEVELS,
                "too_high:code": (CODE_LEVEL < TREE_LEVELS) & ~_.code.isin(_.parent.fill_null("")),
            },
        ),
        _table(
            "quality_checks",
            """shop_id: str, check_id: str, account_id: str, at: time, source: str, item: str, score: float?, passed: bool?,
            checker: str""",
            key="shop_id check_id item",
            days={"day": "at"},
            rules={
                "source_unknown": _one_of("source", CHECKERS),
                "score_off_scale": (_.score < 0) | (_.score > FULL_POINTS),
            },
        ),
        _table(
            "visits",
            "shop_id: str, kind: str, due_at: time, done_at: time?, agent_id: str, buyer_id: str?, key_customer: bool",
            key="shop_id kind due_at agent_id buyer_id",
            statement=True,  # a register with dates to come, filled in as they are met
            days={"day": "due_at"},
        ),
        _table(
            "feedback",
            "shop_id: str, kind: str, due_at: time, done_at: time?, agent_id: str, buyer_id: str?, key_customer: bool",
            key="shop_id kind due_at agent_id buyer_id",
            statement=True,
            days={"day": "due_at"},
            rules={"kind_unknown": _one_of("kind", FEEDBACK)},
        ),
        _table(
            "plans",
            "shop_id: str, kind: str, period: str, item: str, planned: float, done: float?",
            key="shop_id kind period item",
            statement=True,
            rules={
                "kind_unknown": _one_of("kind", PLANS),
                "period_unreadable": ~_.period.re_search(PERIOD),
                "amount_negative": (_.planned < 0) | (_.done < 0),
            },
        ),
        _table(
            "surveys",
            "shop_id: str, survey_id: str, asked_at: time, answered_at: time?, score: float?, scale_max: float, subject: str",
            key="shop_id survey_id",
            days={"day": "asked_at"},
            rules={"score_off_scale": OFF_SCALE},
        ),
        _table(
            "calendar",
            "shop_id: str, name: str, start: date, end: date, phase: str, exempt: bool",
            key="shop_id name start",
            statement=True,
            rules={
                "phase_unknown": _one_of("phase", ("warm-up", "main")),
                "ends_before_start": _.end < _.start,
            },
        ),
    )
}

WHO = "shop_id: str, scope: str, agent_id: str?, account_id: str?, role: str?, level: str?, shift: str?, category_code: str?, day: date"
REFUSED = "excluded: bool, reason: str?"
VERDICT = f"in_hours: bool, {REFUSED}"

DERIVED: dict[str, Table] = {
    name: Table(name, _columns(f"{WHO}, {text}"))
    for name, text in {
        # A buyer's message, once for the shop and once for each agent who owned it.
        "buyer_messages": f"""row_id: str, buyer_id: str, session_id: str, sent_at: time, wait_us: int?, wait_counted_us: int?,
            wait_work_us: int?, transferred_in: bool, {VERDICT}""",
        # A human's message (counted or not), once for the shop and once for the agent.
        "agent_messages": f"row_id: str, buyer_id: str, session_id: str?, sent_at: time, kind: str, has_emoji: bool, {VERDICT}",
        # Consecutive buyer messages before a counted human reply. row_id is that of the message that opened it.
        "turns": f"""row_id: str, buyer_id: str, session_id: str, started_at: time, replied_at: time?, messages: int, wait_us: int?,
            wait_counted_us: int?, wait_work_us: int?, answered: bool, opening: bool, zero_s: bool, transferred_in: bool,
            transferred_out: bool, {VERDICT}""",
        # A conversation. One shop row, and one row for each agent who was assigned or replied, same session_id.
        # asked: it has a question; answered: a counted turn was answered; turns_in_hours and wait_sum_us, wait_n: of its
        # in-hours turns (wait_counted_us); any_unanswered: any of those has no answer; handle_us null unless answered.
        # *_allday: the same over all its turns.
        "sessions": f"""row_id: str, buyer_id: str, session_id: str, started_at: time, ended_at: time, asked_at: time?, asked: bool,
            answered: bool, turns: int, answered_turns: int, turns_in_hours: int, wait_sum_us: int, wait_n: int,
            any_unanswered: bool, wait_sum_allday_us: int, wait_n_allday: int, any_unanswered_allday: bool, first_wait_us: int?, first_reply_limit_us: int, handle_us: int?, active_us: float?, agents: int,
            agent_started: bool, abandoned: bool, transferred_in: bool, transferred_out: bool, replier: str?, {VERDICT}""",
        # A buyer on a local day with a counted message. max_wait_us and unanswered: over its in-hours messages (raw waits).
        # *_allday: over all its messages. inquiry and the conversion flags: see purchases; null where orders carry no buyer.
        "buyer_days": f"""row_id: str, buyer_id: str, first_question_at: time, turns: int, messages: int, messages_in_hours: int,
            max_wait_us: int?, unanswered: bool, max_wait_allday_us: int?, unanswered_allday: bool, answered: bool, any_fail_us: int, inquiry: bool?, ordered: bool?, paid: bool?,
            grouped: bool?, net_paid: bool?, same_day_paid: bool?, {VERDICT}""",
        # An order. Shop rows: every order, `credited` says whether an agent earned it. Agent rows: credited orders only.
        # share_ppm: millionths of the order that the row is; all of it, unless attribution `split` shares it among agents:
        # then the amounts and the quantity are the agent's own part too, and the parts add up to the order.
        # day is the local day of paid_at, else created_at; created_day that of created_at, else of paid_at.
        # So that buyers can be added up: first_of_buyer_day is true on one row of each buyer x day among the paid orders of
        # its scope (and agent), a credited one if there is any; first_of_created_day on one row of each buyer x created_day
        # among all its orders, a credited one before others, then a paid one. False where the buyer is not known.
        # bought_again: the buyer paid another order, whoever earned it, on one of the repurchase_days after day; null where
        # those days had not passed on the created_day of the latest order, where it is not paid, or names no buyer.
        # disputed: a refund of the order succeeded, the platform stepped in and held the merchant at fault; null where no
        # refunds were loaded, or their export does not tell.
        "purchases": """row_id: str, order_id: str, buyer_id: str?, created_day: date, created_at: time?, paid_at: time?,
            grouped_at: time?, closed_at: time?, inquired_at: time?, amount_fen: int, paid_fen: int?, net_fen: int?, quantity: int,
            status: str, credited: bool?, paid: bool, grouped: bool, closed_unpaid: bool, refunded: bool,
            first_of_buyer_day: bool, first_of_created_day: bool, bought_again: bool?, disputed: bool?,
            share_ppm: int""",
        # A roster agent on a covered day (scope agent), and their sums (scope shop: one row a day, worked = agents who worked).
        "agent_days": "row_id: str, scheduled: int, worked: int, replied: int, shift_us: int?, online_us: int?",
        # Calls with their agent; scope shop holds every call, scope agent the ones an agent took.
        "calls": """row_id: str, call_id: str, direction: str, queued_at: time, answered_at: time?, ended_at: time, wait_us: int?,
            talk_us: int?, hold_us: int?, wrap_us: int?, outcome: str, transferred: bool?, customer_id: str?""",
        # A request for a refund. Agent rows: the agent who last wrote to the buyer from window_h before the request until
        # the refund was over. finished_day: of finished_at, else of the request. refund_us: from the request until the
        # money was given back; contact_us: until the first human message after it. Null where there is none.
        "refunds": f"""row_id: str, refund_id: str, order_id: str, buyer_id: str?, requested_at: time, finished_at: time?,
            finished_day: date, amount_fen: int, outcome: str, intervened: bool?, liable: bool?, refund_us: int?,
            contact_us: int?, {REFUSED}""",
        # A complaint. cause_us, result_us: from its opening until the cause was found, and until it was solved.
        # causes_told: whether the shop records when causes are found.
        "complaints": """row_id: str, complaint_id: str, buyer_id: str?, kind: str, opened_at: time, cause_at: time?,
            resolved_at: time?, cause_us: int?, result_us: int?, causes_told: bool, satisfied: bool?""",
        # An invitation to rate, a rating, or both. day: of the rating, else of the invitation; invited_day the other way
        # round. points_ppm: score / scale_max, in millionths of a point of 100. answers_told: its file holds ratings.
        "ratings": """row_id: str, buyer_id: str?, invited_at: time?, rated_at: time?, invited_day: date, rated: bool,
            answers_told: bool, points_ppm: int?""",
        # What one buyer came for: chats with a question, and incoming calls, less than issue_gap_days apart. Agent rows: each
        # agent who took part; first_contact, last_contact: in its first, in its last one. abandoned: nobody ever answered;
        # answered: its last contact was; complained: the buyer complained between its start and gap_days after its end.
        # settled: those days have passed. solve_us: from its start to the end of its last contact.
        "issues": """row_id: str, buyer_id: str, opened_at: time, ended_at: time, contacts: int, agents: int,
            first_contact: bool, last_contact: bool, answered: bool, abandoned: bool, complained: bool, settled: bool,
            solve_us: int""",
        # A ticket, from its log. Agent rows: whoever had it last. hand_offs: changes of team (of account where no teams are
        # told). resolved: as it stands now; solve_us: from its first event to the last time it was resolved, waiting_us and
        # working_us the parts of that (of unresolved ones: of the time until its last event). closed_again: closings of a
        # ticket that was closed. complete: every event says who did it, and where teams are told which team.
        "tickets": """row_id: str, ticket_id: str, opened_at: time, resolved_at: time?, state: str, events: int, hand_offs: int,
            agents: int, reopened: int, closed_again: int, resolved: bool, complete: bool, solve_us: int?, waiting_us: int,
            working_us: int""",
        # An item of a quality check. points_ppm: its score of 100, in millionths of a point.
        "quality_checks": """row_id: str, check_id: str, item: str, source: str, checker: str, at: time, points_ppm: int?,
            passed: bool?""",
        # Something due to a customer: a visit; an opinion to answer or a message to pass on (kind).
        "visits": "row_id: str, kind: str, due_at: time, done_at: time?, buyer_id: str?, key_customer: bool, done: bool",
        "feedback": "row_id: str, kind: str, due_at: time, done_at: time?, buyer_id: str?, on_time: bool",
        # A purchase by a key customer (one of the visits), on the day on which key_lost_days had passed since. lost: without
        # another purchase.
        "key_customers": "row_id: str, buyer_id: str, bought_day: date, lost: bool",
        # An item of a plan; day is the last of its period. In millionths, since amounts may be anything; saved_ppm: planned
        # less done.
        "plans": "row_id: str, kind: str, period: str, item: str, planned_ppm: int, done_ppm: int?, saved_ppm: int?",
        # A question asked of somebody; points_ppm as in ratings, null without an answer.
        "surveys": "row_id: str, survey_id: str, subject: str, asked_at: time, answered_at: time?, points_ppm: int?",
    }.items()
}


def conform(table: ir.Table, name: str, *more: str) -> ir.Table:
    """The columns of DERIVED[name], in order and type; those the table lacks (orders fill some later) are null.

    `more`: columns of the table that stay beside them.
    """
    wanted = DERIVED[name].columns
    filled = table.mutate(**{c.name: ibis.null(c.type) for c in wanted if c.name not in table.columns})
    return filled.select(**{c.name: filled[c.name].cast(c.type) for c in wanted}, **{c: filled[c] for c in more})
