"""The menus of the demo's tenants; prices in halalas and in pence. The restaurant takes orders of every kind, paid in
cash; the salon's is only looked at."""

from wabot.words import AddOn, Branch, Choice, Menu, MenuCategory, MenuItem, Option, OrderType, PaymentMethod


def _both(arabic: str, english: str) -> dict[str, str]:
    return {"ar": arabic, "en": english}


def _item(
    id_: str,
    arabic: str,
    english: str,
    price_minor: int,
    about: tuple[str, str] | None = None,
    *,
    options: tuple[Option, ...] = (),
    add_ons: tuple[AddOn, ...] = (),
    types: tuple[OrderType, ...] = (),
) -> MenuItem:
    return MenuItem(id_, _both(arabic, english), price_minor, _both(*about) if about else {}, options, add_ons, types)


def _choice(id_: str, arabic: str, english: str, price_minor: int = 0) -> Choice:
    return Choice(id_, _both(arabic, english), price_minor)


def _add_on(id_: str, arabic: str, english: str, price_minor: int, most: int = 1) -> AddOn:
    return AddOn(id_, _both(arabic, english), price_minor, most=most)


def _service(id_: str, english: str, price_minor: int, about: str = "") -> MenuItem:
    return MenuItem(id_, {"en": english}, price_minor, {"en": about} if about else {})


_SIZE = Option(_both("الحجم", "Size"), (_choice("small", "صغير", "Small"), _choice("large", "كبير", "Large", 700)))
_SIDE = Option(
    _both("الطبق الجانبي", "Side"),
    (
        _choice("rice", "أرز بالشعيرية", "Vermicelli rice"),
        _choice("fries", "بطاطس مقلية", "Fries"),
        _choice("grilled-vegetables", "خضار مشوية", "Grilled vegetables", 300),
    ),
)
_BREAD = Option(_both("الخبز", "Bread"), (_choice("saj", "خبز صاج", "Saj"), _choice("tannour", "خبز تنور", "Tannour")))
_SUGAR = Option(_both("السكر", "Sugar"), (_choice("with-sugar", "بسكر", "With sugar"),
                                          _choice("without-sugar", "بدون سكر", "Without sugar")))  # fmt: skip
_SAUCES = (_add_on("garlic", "ثومية", "Garlic sauce", 200, 3), _add_on("tahini", "طحينة", "Tahini", 200, 3))
_CREAM = (_add_on("cream", "قشطة", "Clotted cream", 500), _add_on("ice-cream", "بوظة عربية", "Arabic ice cream", 900))
_MINT = (_add_on("extra-mint", "نعناع إضافي", "Extra mint", 100),)
_ON_THE_SPOT = (OrderType.PICKUP, OrderType.DINE_IN, OrderType.CAR)
_BRANCHES = (
    Branch("olaya", _both("فرع العليا", "Al Olaya"), _both("الرياض", "Riyadh"), "+966500000011", 24.6911, 46.6853),
    Branch("yasmin", _both("فرع الياسمين", "Al Yasmin"), _both("الرياض", "Riyadh"), "+966500000012", 24.8257, 46.6412),
)

RESTAURANT = Menu(
    (
        MenuCategory(
            "mezze",
            _both("المقبلات", "Mezze"),
            (
                _item(
                    "hummus",
                    "حمص",
                    "Hummus",
                    1400,
                    ("حمص بالطحينة وزيت الزيتون", "With tahini and olive oil"),
                    options=(_SIZE,),
                ),
                _item(
                    "mutabbal",
                    "متبل",
                    "Mutabbal",
                    1500,
                    ("باذنجان مشوي مع الطحينة", "Smoked aubergine, tahini"),
                    options=(_SIZE,),
                ),
                _item("tabbouleh", "تبولة", "Tabbouleh", 1600, ("بقدونس وبرغل وليمون", "Parsley, bulgur, lemon")),
                _item("fattoush", "فتوش", "Fattoush", 1600, ("خبز محمص ودبس الرمان", "Toasted bread, pomegranate")),
                _item("muhammara", "محمرة", "Muhammara", 1700, ("فليفلة حمراء وجوز", "Red peppers and walnuts")),
                _item("labneh", "لبنة بالنعناع", "Labneh with mint", 1300),
                _item("waraq-enab", "ورق عنب بالزيت", "Stuffed vine leaves", 1800),
                _item("kibbeh", "كبة مقلية", "Fried kibbeh", 2200, ("أربع حبات", "Four pieces")),
                _item("sambousek", "سمبوسك بالجبن", "Cheese sambousek", 1700, ("خمس حبات", "Five pieces")),
                _item("batata-harra", "بطاطا حرة", "Batata harra", 1500, ("بالكزبرة والثوم", "Coriander and garlic")),
                _item("lentil-soup", "شوربة عدس", "Lentil soup", 1200),
                _item("pickles", "مخلل مشكل", "Mixed pickles", 700),
            ),
        ),
        MenuCategory(
            "grill",
            _both("المشاوي", "From the grill"),
            (
                _item(
                    "mixed-grill",
                    "مشاوي مشكلة",
                    "Mixed grill",
                    6800,
                    ("كباب وشقف وشيش طاووق", "For one or two"),
                    options=(_SIDE, _BREAD),
                    add_ons=_SAUCES,
                ),
                _item("kebab-halabi", "كباب حلبي", "Aleppo kebab", 4600, ("لحم غنم مع الصنوبر", "Lamb, pine nuts")),
                _item("kebab-karaz", "كباب بالكرز", "Cherry kebab", 5400, ("من مطبخ حلب", "As Aleppo cooks it")),
                _item(
                    "shish-tawook",
                    "شيش طاووق",
                    "Shish tawook",
                    3900,
                    ("مع الثومية", "With garlic sauce"),
                    options=(_SIDE, _BREAD),
                    add_ons=_SAUCES,
                ),
                _item("shuqaf", "شقف لحم غنم", "Lamb skewers", 5200),
                _item("arayes", "عرايس", "Arayes", 3200, ("خبز محشو باللحم", "Bread stuffed with lamb")),
                _item(
                    "half-chicken",
                    "نصف دجاجة على الفحم",
                    "Half a charcoal chicken",
                    3400,
                    options=(_SIDE,),
                    add_ons=_SAUCES,
                ),
                _item(
                    "shawarma-plate",
                    "صحن شاورما عربي",
                    "Arabic shawarma plate",
                    3300,
                    options=(_BREAD,),
                    add_ons=_SAUCES,
                ),
            ),
        ),
        MenuCategory(
            "sweets",
            _both("الحلويات", "Sweets"),
            (
                _item(
                    "knafeh",
                    "كنافة نابلسية",
                    "Knafeh",
                    2400,
                    ("ساخنة بالجبن", "Hot, with cheese"),
                    options=(_SIZE,),
                    add_ons=_CREAM,
                ),
                _item("baklava", "بقلاوة مشكلة", "Mixed baklava", 2600, ("ربع كيلو", "A quarter of a kilo")),
                _item("halawet-jibn", "حلاوة الجبن", "Halawet el jibn", 2300),
                _item("muhallabia", "مهلبية", "Muhallabia", 1400, ("بماء الزهر", "With orange blossom")),
                _item("rice-pudding", "أرز بحليب", "Rice pudding", 1300),
            ),
        ),
        MenuCategory(
            "drinks",
            _both("المشروبات", "Drinks"),
            (
                _item("lemon-mint", "ليمون بالنعناع", "Lemon and mint", 1400, options=(_SUGAR,), add_ons=_MINT),
                _item("tamarind", "تمر هندي", "Tamarind", 1200),
                _item("jallab", "جلاب", "Jallab", 1300, ("بالصنوبر", "With pine nuts")),
                _item("ayran", "عيران", "Ayran", 800),
                _item("tea", "شاي بالنعناع", "Mint tea", 600, options=(_SUGAR,), add_ons=_MINT, types=_ON_THE_SPOT),
                _item("coffee", "قهوة عربية", "Arabic coffee", 1000, ("بالهيل", "With cardamom"), types=_ON_THE_SPOT),
                _item("water", "ماء", "Water", 300),
            ),
        ),
    ),
    _BRANCHES,
    tuple(OrderType),
    (PaymentMethod.CASH,),
)

SALON = Menu(
    (
        MenuCategory(
            "hair",
            {"en": "Hair"},
            (
                _service("cut-finish", "Cut and finish", 4800, "45 minutes, with a wash"),
                _service("cut-restyle", "Restyle", 6200, "60 minutes, for a new shape"),
                _service("blow-dry", "Blow-dry", 2900, "30 minutes"),
                _service("fringe-trim", "Fringe trim", 1000, "10 minutes"),
                _service("full-colour", "Full colour", 7800, "90 minutes; patch test two days before"),
                _service("highlights", "Half head of highlights", 9500, "2 hours, toner included"),
                _service("balayage", "Balayage", 14500, "3 hours, with a finish"),
                _service("treatment", "Bond repair treatment", 3500, "30 minutes"),
            ),
        ),
        MenuCategory(
            "nails",
            {"en": "Nails"},
            (
                _service("manicure", "Classic manicure", 2600, "40 minutes"),
                _service("gel-manicure", "Gel manicure", 3400, "50 minutes, lasts two weeks"),
                _service("pedicure", "Spa pedicure", 3900, "55 minutes"),
                _service("gel-removal", "Gel removal", 1200, "20 minutes"),
                _service("nail-art", "Nail art, per nail", 300),
            ),
        ),
        MenuCategory(
            "face",
            {"en": "Face and brows"},
            (
                _service("facial-express", "Express facial", 3800, "30 minutes"),
                _service("facial-signature", "Signature facial", 6500, "60 minutes, with a massage"),
                _service("brow-shape", "Brow shape", 1500, "Thread or wax"),
                _service("brow-tint", "Brow shape and tint", 2200),
                _service("lash-lift", "Lash lift and tint", 4900, "Patch test two days before"),
                _service("make-up", "Make-up for an evening", 5500, "60 minutes"),
            ),
        ),
        MenuCategory(
            "massage",
            {"en": "Massage"},
            (
                _service("back-30", "Back, neck and shoulders", 3600, "30 minutes"),
                _service("full-60", "Full body", 6400, "60 minutes"),
                _service("full-90", "Full body, long", 8900, "90 minutes"),
                _service("deep-60", "Deep tissue", 6900, "60 minutes"),
                _service("head-20", "Indian head massage", 2500, "20 minutes"),
            ),
        ),
    )
)
