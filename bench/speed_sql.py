"""The contender written by hand: DuckDB SQL for the bench's shop, as short and quick as its rules allow.

It knows that nothing happens there which the package must be ready for (transfers, bots, recalls, colleagues, closing
phrases), numbers buyers and accounts before it sorts, sorts each scope once, and writes each result once.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from bench.peak import note
from bench.speed_metrics import SUMS

HOURS = "(us + 28800000000) % 86400000000 BETWEEN 28800000000 AND 82799999999"  # 8 to 23, eight hours east
HORIZON, GAP, DAY = 259_200_000_000, 1_800_000_000, 86_400_000_000
EMOJI = r"[\x{1F300}-\x{1FAFF}\x{2600}-\x{27BF}]|\[[\x{4e00}-\x{9fa5}]{1,4}\]|/:[^\s]{2,5}"

STEPS = [
    "CREATE TEMP TABLE agents AS SELECT account_id, role, row_number() OVER (ORDER BY account_id) AS agent FROM roster",
    "CREATE TEMP TABLE buyers AS SELECT buyer_id, row_number() OVER () AS buyer FROM (SELECT DISTINCT buyer_id FROM raw)",
    # One sort for the shop: the segment that a reply ends, and whether silence came before.
    f"""CREATE TEMP TABLE told AS
        SELECT *, us - lag(us) OVER w AS silence, coalesce(sum(r::INT) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS seg,
               row_number() OVER w AS ord
        FROM (SELECT buyer, agent, epoch_us(sent_at) AS us, sequence, day, sender = 'human' AS r, row_id,
                     sender = 'human' AND regexp_matches(text, '{EMOJI}') AS has_emoji
              FROM raw JOIN buyers USING (buyer_id) JOIN agents USING (account_id) WHERE sender IN ('buyer', 'human'))
        WINDOW w AS (PARTITION BY buyer ORDER BY us, sequence, r)""",
    """CREATE TEMP TABLE segments AS
       SELECT buyer, seg, min(ord) FILTER (NOT r) AS turn_ord, min(us) FILTER (NOT r) AS turn_us, max(us) FILTER (r) AS close_us
       FROM told GROUP BY buyer, seg""",
    # A session begins at the first question of a turn, or at a reply to nothing, after half an hour of silence.
    f"""CREATE TEMP TABLE events AS
        SELECT *, max(CASE WHEN breaks THEN us END) OVER w AS s_us, {HOURS} AS in_hours
        FROM (SELECT told.*, turn_ord, turn_us, close_us,
                     (ord = turn_ord OR (r AND turn_ord IS NULL)) AND coalesce(silence >= {GAP}, true) AS breaks
              FROM told JOIN segments USING (buyer, seg))
        WINDOW w AS (PARTITION BY buyer ORDER BY ord ROWS UNBOUNDED PRECEDING)""",
    # The second sort: an agent's own segments within the session, and its next reply whatever the session.
    """CREATE TEMP TABLE own AS
       SELECT *, coalesce(sum(r::INT) OVER (PARTITION BY buyer, agent, s_us ORDER BY ord ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS own_seg,
              min(CASE WHEN r THEN us END) OVER (PARTITION BY buyer, agent ORDER BY ord ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next_us
       FROM events""",
    f"""CREATE TEMP TABLE messages AS
        SELECT 0 AS agent, buyer, day, us, in_hours, row_id, s_us, CASE WHEN close_us - us <= {HORIZON} THEN close_us - us END AS wait_us
        FROM events WHERE NOT r
        UNION ALL
        SELECT agent, buyer, day, us, in_hours, row_id, s_us, CASE WHEN next_us - us <= {HORIZON} THEN next_us - us END
        FROM own WHERE NOT r""",
    f"""CREATE TEMP TABLE turn_rows AS
        SELECT *, answered_us - turn_us AS wait_us, answered_us IS NOT NULL AS answered FROM (
          SELECT 0 AS agent, buyer, s_us, any_value(seg) AS seg, min(us) AS turn_us, arg_min(day, ord) AS day, arg_min(in_hours, ord) AS in_hours,
                 arg_min(row_id, ord) AS row_id, count(*) AS messages, any_value(CASE WHEN close_us - turn_us <= {HORIZON} THEN close_us END) AS answered_us
          FROM events WHERE NOT r GROUP BY buyer, s_us, turn_ord
          UNION ALL
          SELECT agent, buyer, s_us, own_seg, min(us) FILTER (NOT r), arg_min(day, ord) FILTER (NOT r), arg_min(in_hours, ord) FILTER (NOT r),
                 arg_min(row_id, ord) FILTER (NOT r), count(*) FILTER (NOT r),
                 CASE WHEN max(us) FILTER (r) - min(us) FILTER (NOT r) <= {HORIZON} THEN max(us) FILTER (r) END
          FROM own GROUP BY agent, buyer, s_us, own_seg HAVING count(*) FILTER (NOT r) > 0)""",
    """CREATE TEMP TABLE talks AS
       SELECT 0 AS agent, buyer, s_us, min(us) AS start_us, max(us) AS end_us, arg_min(day, ord) AS day, arg_min(in_hours, ord) AS in_hours,
              arg_min(row_id, ord) AS row_id, arg_min(r, ord) AS agent_started, count(DISTINCT agent) AS agents
       FROM events GROUP BY buyer, s_us""",
    """INSERT INTO talks
       SELECT e.agent, buyer, s_us, min(us), max(us), arg_min(e.day, ord), arg_min(e.in_hours, ord), arg_min(e.row_id, ord),
              any_value(talks.agent_started), any_value(agents)
       FROM events e JOIN talks USING (buyer, s_us) GROUP BY e.agent, buyer, s_us""",
    """CREATE TEMP TABLE asked AS
       SELECT agent, buyer, s_us, arg_min(day, turn_us) AS day, arg_min(in_hours, turn_us) AS in_hours,
              min(turn_us) AS asked_us, nullif(arg_min(coalesce(wait_us, -1), turn_us), -1) AS opening_wait_us,
              count(*) AS turns, count(*) FILTER (answered) AS answered_turns, count(*) FILTER (in_hours) AS turns_in_hours,
              coalesce(sum(wait_us) FILTER (in_hours), 0) AS wait_sum_us, count(wait_us) FILTER (in_hours) AS wait_n,
              bool_or(in_hours AND NOT answered) AS any_unanswered, coalesce(sum(wait_us), 0) AS wait_sum_allday_us,
              count(wait_us) AS wait_n_allday, bool_or(NOT answered) AS any_unanswered_allday
       FROM turn_rows GROUP BY agent, buyer, s_us""",
    """CREATE TEMP TABLE turns AS
       SELECT t.agent, t.buyer, t.s_us, t.turn_us, t.day, t.in_hours, t.row_id, t.messages, t.answered_us, t.wait_us, t.answered,
              t.turn_us = a.asked_us AND NOT s.agent_started AS opening
       FROM turn_rows t JOIN asked a USING (agent, buyer, s_us) JOIN talks s USING (agent, buyer, s_us)""",
    """CREATE TEMP TABLE sessions AS
       SELECT s.agent, s.buyer, s.s_us, s.start_us, s.end_us, s.row_id, s.agent_started, s.agents,
              coalesce(a.day, s.day) AS day, coalesce(a.in_hours, s.in_hours) AS in_hours, a.turns IS NOT NULL AS asked,
              coalesce(a.answered_turns > 0, false) AS answered,
              CASE WHEN a.answered_turns > 0 THEN end_us - start_us END AS handle_us,
              CASE WHEN NOT s.agent_started THEN opening_wait_us END AS first_wait_us,
              coalesce(any_unanswered, false) AS any_unanswered, coalesce(any_unanswered_allday, false) AS any_unanswered_allday,
              COLUMNS('^(turns|answered_turns|turns_in_hours|wait_sum_us|wait_n|wait_sum_allday_us|wait_n_allday)$')
       FROM talks s LEFT JOIN asked a USING (agent, buyer, s_us)""",
    # Orders: what was paid back in time, and the last reply of the day before that earned them.
    f"""CREATE TEMP TABLE bought AS
        SELECT o.*, buyer, epoch_us(created_at) AS created_us, epoch_us(paid_at) AS paid_us, paid_at IS NOT NULL AS paid,
               refund_fen IS NOT NULL AS refunded, CASE WHEN paid_fen IS NOT NULL THEN greatest(paid_fen - coalesce(refund_fen, 0), 0) END AS net_fen,
               coalesce(paid_day, created_day) AS bought_day
        FROM orders o LEFT JOIN buyers USING (buyer_id) LEFT JOIN (
          SELECT r.order_id, sum(r.amount_fen) AS refund_fen FROM refunds r JOIN orders o USING (order_id)
          WHERE outcome = 'succeeded' AND epoch_us(r.finished_at) - epoch_us(o.paid_at) <= 15 * {DAY} GROUP BY r.order_id) USING (order_id)""",
    """CREATE TEMP TABLE again AS
       SELECT buyer_id, bought_day, lead(bought_day) OVER (PARTITION BY buyer_id ORDER BY bought_day) - bought_day AS later
       FROM (SELECT DISTINCT buyer_id, bought_day FROM bought WHERE paid)""",
    f"""CREATE TEMP TABLE credited AS
        SELECT c.*, max(t.turn_us) AS inquired_us, max(t.day) AS inquired_day FROM (
          SELECT order_id, any_value(b.buyer) AS buyer, arg_max(e.agent, e.us) AS agent, arg_max(e.s_us, e.us) AS s_us, max(e.us) AS reply_us
          FROM bought b JOIN events e USING (buyer) JOIN agents ON agents.agent = e.agent
          WHERE e.r AND e.us BETWEEN created_us - {DAY} AND created_us AND agents.role <> 'after' GROUP BY order_id) c
        LEFT JOIN turns t ON t.agent = 0 AND t.buyer = c.buyer AND t.s_us = c.s_us AND t.turn_us <= c.reply_us
        GROUP BY ALL""",
    """CREATE TEMP TABLE purchases AS
       SELECT *, buyer_id IS NOT NULL AND paid AND 1 = row_number() OVER (
                PARTITION BY agent, buyer_id, day, paid ORDER BY credited DESC, order_id) AS first_of_buyer_day,
              1 = row_number() OVER (PARTITION BY agent, buyer_id, created_day ORDER BY credited DESC, paid DESC, order_id) AS first_of_created_day
       FROM (SELECT b.order_id, b.buyer_id, bought_day AS day, created_day, amount_fen, paid_fen, net_fen, quantity, paid, refunded, inquired_us,
                    c.agent IS NOT NULL AS credited, unnest(CASE WHEN c.agent IS NULL THEN [0] ELSE [0, c.agent] END) AS agent,
                    CASE WHEN paid AND (SELECT max(created_day) FROM bought) - bought_day >= 30 THEN coalesce(later <= 30, false) END AS bought_again
             FROM bought b LEFT JOIN credited c USING (order_id) LEFT JOIN again USING (buyer_id, bought_day))""",
    """CREATE TEMP TABLE days AS
       SELECT agent, buyer, day, min(us) AS first_us, count(*) AS messages, count(*) FILTER (in_hours) AS messages_in_hours,
              max(wait_us) FILTER (in_hours) AS max_wait_us, bool_or(in_hours AND wait_us IS NULL) AS unanswered,
              max(wait_us) AS max_wait_allday_us, bool_or(wait_us IS NULL) AS unanswered_allday, bool_or(wait_us IS NOT NULL) AS answered,
              bool_or(in_hours) AS in_hours
       FROM messages GROUP BY agent, buyer, day""",
    f"""CREATE TEMP TABLE buyer_days AS
        SELECT d.*, coalesce(t.turns, 0) AS turns, coalesce(e.ordered, false) AS ordered, coalesce(e.paid, false) AS paid,
               coalesce(e.net_paid, false) AS net_paid, coalesce(h.same_day_paid, false) AS same_day_paid,
               coalesce(e.ordered, false) OR NOT (coalesce(h.before, false) AND NOT coalesce(h.after, false)) AS inquiry
        FROM days d
        LEFT JOIN (SELECT agent, buyer, day, count(*) AS turns FROM turns GROUP BY ALL) t USING (agent, buyer, day)
        LEFT JOIN (SELECT c.buyer, inquired_day AS day, true AS ordered, bool_or(b.paid) AS paid, bool_or(b.paid AND NOT b.refunded) AS net_paid
                   FROM credited c JOIN bought b USING (order_id) WHERE inquired_day IS NOT NULL GROUP BY ALL) e USING (buyer, day)
        LEFT JOIN (SELECT d.agent, d.buyer, d.day, bool_or(first_us > paid_us AND first_us - paid_us <= 21 * {DAY}) AS before,
                          bool_or(created_us - first_us BETWEEN 0 AND {DAY}) AS after,
                          bool_or(paid_day = d.day AND paid_us >= first_us) AS same_day_paid
                   FROM days d JOIN bought USING (buyer) GROUP BY ALL) h USING (agent, buyer, day)""",
    "CREATE VIEW agent_messages AS SELECT agent, day, has_emoji FROM events WHERE r",
    "CREATE VIEW agent_days AS SELECT DISTINCT agent, day, 1 AS worked FROM events WHERE r",
    "CREATE VIEW buyer_messages AS FROM messages",
]
COLUMNS = {
    "turns": "agent_id buyer_id session_id row_id day in_hours started_at replied_at messages wait_us answered opening".split(),
    "sessions": """agent_id buyer_id session_id row_id day in_hours started_at ended_at asked answered agent_started agents handle_us
                   first_wait_us any_unanswered turns answered_turns turns_in_hours wait_sum_us wait_n""".split(),
    "buyer_days": """agent_id buyer_id day turns messages messages_in_hours max_wait_us unanswered answered in_hours inquiry ordered paid
                     net_paid same_day_paid""".split(),
    "purchases": """agent_id order_id buyer_id day created_day inquired_at amount_fen paid_fen net_fen quantity credited paid refunded
                    first_of_buyer_day first_of_created_day bought_again""".split(),
}
SESSION_ID = "'bench/' || buyer_id || '/' || s_us"
RESULTS = {  # what columns of results are called in the tables above
    "turns": f"SELECT *, {SESSION_ID} AS session_id, turn_us AS started_us, answered_us AS replied_us FROM turns JOIN buyers USING (buyer)",
    "sessions": f"""SELECT * REPLACE ({", ".join(f"coalesce({name}, 0)::BIGINT AS {name}" for name in COLUMNS["sessions"][-5:])}),
                    {SESSION_ID} AS session_id, start_us AS started_us, end_us AS ended_us FROM sessions JOIN buyers USING (buyer)""",
    "buyer_days": "SELECT * FROM buyer_days JOIN buyers USING (buyer)",
    "purchases": "SELECT * FROM purchases",
}


def metrics() -> str:
    """All sums by agent and day: one pass over each fact (and its column of days)."""
    passes: dict[tuple[str, str], list[str]] = {}
    for name, part in SUMS.items():
        value = "1" if part.value == "one" else part.value
        column = f"coalesce(sum({value}) FILTER ({part.among.replace('one', '1')}), 0)::BIGINT AS {name}"
        passes.setdefault((part.fact, part.day), []).append(column)
    tables = [
        f"(SELECT agent, {day} AS day, {', '.join(columns)} FROM {fact} WHERE agent > 0 GROUP BY agent, {day})"
        for (fact, day), columns in passes.items()
    ]
    return f"SELECT * FROM {' FULL JOIN '.join(tables[:1] + [f'{table} USING (agent, day)' for table in tables[1:]])}"


def _spelled(column: str) -> str:
    if column.endswith("_at"):
        return f"make_timestamptz({column.removesuffix('_at')}_us) AS {column}"
    return "account_id AS agent_id" if column == "agent_id" else column


def run(store: Path, out: Path) -> None:
    """Writes the four facts and the sums by agent and day as Parquet."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    for view, table in {"raw": "messages", "orders": "orders", "refunds": "refunds", "roster": "roster"}.items():
        con.execute(f"CREATE VIEW {view} AS FROM read_parquet('{store / table}/*.parquet')")
    for step in STEPS:
        con.execute(step)
    for name, rows in RESULTS.items():
        columns = ", ".join(_spelled(column) for column in COLUMNS[name])
        rows = f"SELECT {columns} FROM ({rows}) LEFT JOIN agents USING (agent)"
        con.execute(f"COPY ({rows}) TO '{out / name}.parquet' (COMPRESSION zstd, COMPRESSION_LEVEL 1)")
    con.execute(
        f"COPY (SELECT account_id AS agent_id, * EXCLUDE (agent, account_id, role) FROM ({metrics()}) JOIN agents USING (agent)) TO '{out}/metrics.parquet'"
    )


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
    note(Path(sys.argv[2]))
