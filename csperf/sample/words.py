"""What people in the made-up shop say: a few templates, numbered, so that messages hold numbers instead of text."""

from __future__ import annotations

import numpy as np

from .world import BOT_ACCOUNT, WAREHOUSE, World

CANARY_PHONE = "13000000001"  # a buyer gives a phone number in the chat: it must get no further than the store
POOLS: dict[str, tuple[str, ...]] = {
    "ask": (
        "在吗", "这款还有M码吗", "有没有中码", "今天能发货吗", "包邮吗", "能便宜点吗", "身高165穿多大码", "这个颜色和图片一样吗",
        "面料会起球吗", "有优惠券吗", "满减可以叠加吗", "什么时候有活动价", "可以开发票吗", "送运费险吗", "两件有优惠吗", "好的,那我拍蓝色",
        "现在拍什么时候能到", "是正品吗",
    ),
    "serve": (
        "我的快递到哪了", "怎么还没发货", "收到有破损", "想退货怎么操作", "退款什么时候到账", "尺码不合适想换一件", "少发了一件",
        "发票还没收到", "能改地址吗", f"地址错了,联系我{CANARY_PHONE}", "洗了以后掉色", "物流三天没动了", "可以补偿一点吗", "换货的寄出来了吗",
    ),
    "answer": (
        "亲,在的呢", "有的亲,喜欢可以直接拍", "今天16:00前付款当天发", "亲,这款是包邮的", "建议您拍M码", "亲,稍等我帮您查一下",
        "已经帮您登记了", "可以的亲,支持七天无理由", "实物和图片基本一致,光线会有一点色差", "亲,券在首页领取", "已经帮您催促物流了",
        "退款一般1到3天到账", "麻烦您拍张照片发过来", "好的,给您备注好了", "这边给您安排换货", "亲,两件有满减",
    ),
    "smile": ("亲,您好,有什么可以帮您😊", "好的亲,马上为您查询😊", "感谢您的耐心等待🌹", "亲亲,这款卖得很好哦👍", "您放心下单哈😄"),
    "thanks": ("谢谢", "谢谢!", "谢谢亲", "多谢", "感谢", "谢谢您~", "谢了"),
    "welcome": ("不客气,祝您生活愉快", "不用谢亲,欢迎下次光临", "应该的亲🌹"),
    "advert": ("专业代运营,月销翻倍,加微信详聊", "诚信刷单,信誉保障", "快递代发,全国最低价"),
    "outreach": ("亲,您拍下的商品还没有付款哦", "亲,您关注的商品今天有活动", "亲,您的宝贝收到了吗"),
    "bot": ("您好,我是机器人小蜜,请问有什么可以帮您", "为您找到以下答案:默认48小时内发货"),
    "card": ("https://item.example.com/item.htm?id=600000000001\n¥59.00",),
    "recall": ("撤回了一条消息",),
    "sticker": ("[表情]",),
    "assist": ("亲,这款面料是纯棉的(智能辅助)",),
    "auto": ("您好,欢迎光临示例旗舰店,客服正在赶来",),
    "source": ("当前用户来自 商品详情页",),
    "invite": ("邀请您对本次服务进行评价",),
    "close": ("会话已结束",),
}  # fmt: skip
CATEGORIES = (  # code, parent, 中文, English
    ("1", "", "售前咨询", "Before the sale"),
    ("1.1", "1", "商品咨询", "Product"),
    ("1.1.1", "1.1", "商品尺寸", "Size"),
    ("1.1.2", "1.1", "商品材质", "Material"),
    ("1.2", "1", "活动咨询", "Promotion"),
    ("1.2.1", "1.2", "优惠券", "Coupons"),
    ("1.2.2", "1.2", "满减规则", "Discount rules"),
    ("2", "", "售后", "After the sale"),
    ("2.1", "2", "物流", "Delivery"),
    ("2.1.1", "2.1", "催发货", "When will it be sent"),
    ("2.1.2", "2.1", "查快递", "Where is it"),
    ("2.2", "2", "退换货", "Returns"),
    ("2.2.1", "2.2", "退款进度", "Refund"),
    ("2.2.2", "2.2", "换货", "Exchange"),
    ("9", "", "其它", "Other"),
    ("9.1", "9", "其它", "Other"),
    ("9.1.1", "9.1", "其它", "Other"),
)
LEAVES = {True: ("1.1.1", "1.1.2", "1.2.1", "1.2.2", "9.1.1"), False: ("2.1.1", "2.1.2", "2.2.1", "2.2.2", "9.1.1")}
NO_LEAF = "2.2"


class Words:
    """Numbered texts of one world; `cheer` is how often each agent smiles."""

    def __init__(self, rng: np.random.Generator, world: World, presale: np.ndarray) -> None:
        codes = sorted({*LEAVES[True], *LEAVES[False], NO_LEAF})
        closing = [f"您当前咨询的内容为{code}(此信息无需回复)" for code in codes]
        self.accounts = [*(a.account for a in world.agents), BOT_ACCOUNT, WAREHOUSE]
        passing = [f"由 {a} 转交给 {b}" for a in self.accounts[:-1] for b in self.accounts[:-2]]
        pools = {**POOLS, "closing": tuple(closing), "pass": tuple(passing)}
        self.texts: list[str] = [text for pool in pools.values() for text in pool]
        sizes = np.cumsum([0, *(len(p) for p in pools.values())])
        self._span = dict(zip(pools, zip(sizes, sizes[1:], strict=False), strict=False))
        self.cheer = rng.uniform(0.05, 0.4, len(world.agents))
        self.cheers = np.array([not t.isascii() and any(ord(c) >= 0x1F300 for c in t) for t in self.texts])
        choice = rng.integers(0, 5, len(presale))
        leaf = np.array([[codes.index(c) for c in LEAVES[p]] for p in (False, True)])[presale.astype(int), choice]
        self.coded = rng.random(len(presale)) >= 0.05  # the others close with a code that is no leaf
        self._codes = np.where(self.coded, leaf, codes.index(NO_LEAF)) + self._span["closing"][0]

    def draw(self, rng: np.random.Generator, pool: str, n: int) -> np.ndarray:
        """`n` texts of a pool."""
        return rng.integers(*self._span[pool], n)

    def first(self, pool: str) -> int:
        """The only text of a pool."""
        return self._span[pool][0]

    def code_of(self, chat: np.ndarray) -> np.ndarray:
        """The closing line of each chat."""
        return self._codes[chat]

    def pass_to(self, giver: np.ndarray, to: np.ndarray) -> np.ndarray:
        """The line that says who hands over to whom."""
        return self._span["pass"][0] + giver * (len(self.accounts) - 2) + to
