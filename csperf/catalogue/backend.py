"""What only a backend's own tables tell: no chat, order or rating of ours adds up to it."""

from __future__ import annotations

from ..metric import told

ENTRIES = (
    told(
        key="service_points",
        zh="客服服务分",
        en="Service points of the platform",
        unit="points",
        step=0.1,
        better="higher",
        made_of={"zh": "平台给出的服务分", "en": "as the platform shows it"},
        maturity_days=7,
        source="FORMATS 4.2 多多客服 客服服务分; the platform does not say how it comes about",
    ),
    told(
        key="invite_share",
        zh="邀评率",
        en="Sessions with an invitation to rate",
        unit="share",
        better="higher",
        made_of={"zh": "平台给出的邀评率", "en": "as the platform shows it"},
        source="FORMATS 4.3 京东客服管家 邀评率",
    ),
    told(
        key="assisted_orders",
        zh="协助下单 / 落实付款人数",
        en="Buyers helped to order or to pay",
        unit="count",
        better="higher",
        role="pre",
        made_of={
            "zh": "协助下单的买家数，表里没有时为静默下单本人落实付款的买家数",
            "en": "buyers helped to order, else those followed up until they paid",
        },
        maturity_days=2,
        source="PRACTICE 4, FORMATS 4.1 赤兔 协助下单人数, 静默下单本人落实付款-人数",
    ),
    told(
        key="rest_h",
        zh="小休时长",
        en="Hours of short breaks per worked day",
        unit="hours",
        better="neutral",
        min_n=1,
        made_of={"zh": "小休时长 ÷ 上班天数", "en": "hours of short breaks ÷ days worked"},
        source="PRACTICE 4, FORMATS 4.3 飞鸽 PC小休时长",
    ),
)
