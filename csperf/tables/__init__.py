"""One table per function, returned and never shown or saved. Labels come from the catalogue and text/tables.yaml.

A `Table` holds the rows as they go to a file (`frame`: numbers, keys as column names) and as they stand on the page
(`gt`: words, formatted figures, a title that says what is to be seen). n stands beside values; "–" is no data, never 0.
"""

from __future__ import annotations

from .activity import activity_targets, days_used
from .aftercare import after_agents, after_figures, came_back, checked_items, open_refunds, overdue_complaints
from .cards import target_cards
from .categories import category_agents, category_days, category_spikes
from .findings import findings
from .people import (
    awards,
    coaching,
    conduct,
    goals,
    growth,
    pay,
    pay_cost,
    promotion,
    promotion_steps,
    quotas,
    suggestions,
)
from .performance import (
    AGENT_DAY,
    CALL_DAY,
    KEY,
    PERFORMANCE,
    RESULT,
    SHOP_DAY,
    SPEED,
    VOLUME,
    agent_days,
    agents,
    figures,
    first_with_data,
    key_figures,
    main_account_ids,
    shop_days,
    shown_by,
)
from .progress import progress, progress_people
from .quality import gaps, loading, rejects, unknown_accounts
from .reconciled import reconciled, reconciled_days
from .review import backtests, past_targets, ratchets, red_lines
from .scores import allocation, gaming, score_changes, score_parts, scores
from .side_by_side import industry_origin, platform_rules, rule_words, three_sources
from .signals import bands, standings, unusual_months, verdicts
from .staffing import fair_load, mixes, over_cap, staffing_hours, staffing_queues, supervision
from .table import MIME, Table, names, too_few
from .targets import adjusted_agents, by_shift, contradictions, level_spread, past_attainment, targets
from .training import by_hand, counted_turns, explained, turns_of_day
from .weights import correlations, cross_checks, how_sure, raters, screening, weights

__all__ = [
    "AGENT_DAY",
    "CALL_DAY",
    "KEY",
    "MIME",
    "PERFORMANCE",
    "RESULT",
    "SHOP_DAY",
    "SPEED",
    "VOLUME",
    "Table",
    "activity_targets",
    "adjusted_agents",
    "after_agents",
    "after_figures",
    "agent_days",
    "agents",
    "allocation",
    "awards",
    "backtests",
    "bands",
    "by_hand",
    "by_shift",
    "came_back",
    "category_agents",
    "category_days",
    "category_spikes",
    "checked_items",
    "coaching",
    "conduct",
    "contradictions",
    "correlations",
    "counted_turns",
    "cross_checks",
    "days_used",
    "explained",
    "fair_load",
    "figures",
    "findings",
    "first_with_data",
    "gaming",
    "gaps",
    "goals",
    "growth",
    "how_sure",
    "industry_origin",
    "key_figures",
    "level_spread",
    "loading",
    "main_account_ids",
    "mixes",
    "names",
    "open_refunds",
    "over_cap",
    "overdue_complaints",
    "past_attainment",
    "past_targets",
    "pay",
    "pay_cost",
    "platform_rules",
    "progress",
    "progress_people",
    "promotion",
    "promotion_steps",
    "quotas",
    "ratchets",
    "raters",
    "reconciled",
    "reconciled_days",
    "red_lines",
    "rejects",
    "rule_words",
    "score_changes",
    "score_parts",
    "scores",
    "screening",
    "shop_days",
    "shown_by",
    "staffing_hours",
    "staffing_queues",
    "standings",
    "suggestions",
    "supervision",
    "target_cards",
    "targets",
    "three_sources",
    "too_few",
    "turns_of_day",
    "unknown_accounts",
    "unusual_months",
    "verdicts",
    "weights",
]
