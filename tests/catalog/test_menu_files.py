"""Menu files as owners send them: what is understood, and how every mistake is named with its place."""

from dataclasses import replace

import pytest

from tests.catalog.menus import SAR, SMALL
from wabot.catalog import menu_file, menu_toml
from wabot.catalog.menu_file import Checked, Form
from wabot.words import (
    Menu,
    MenuCategory,
    MenuItem,
    Names,
    OrderType,
    PaymentMethod,
)

NOTHING = Menu()
KEBAB = "[[categories]]\nname_en = 'G'\n[[categories.items]]\nname_en = 'K'\n"
ITEM = "categories[1].items[1]"
HEAD = "category_ar,category_en,name_ar,name_en,price,options,add_ons,types,id"


def sheet(*rows: str, head: str = HEAD, present: Menu = NOTHING, types: tuple[OrderType, ...] | None = ()) -> Checked:
    body = "\r\n".join([head, *rows]).encode()
    return menu_file.read(body, Form.CSV, SAR, present, types=types)


def toml(text: str, present: Menu = NOTHING) -> Checked:
    return menu_file.read(text.encode(), Form.TOML, SAR, present)


def said(found: Checked) -> list[str]:
    return [f"{note.place}: {note.what}" for note in found.errors]


def items(found: Checked) -> list[MenuItem]:
    return [item for category in found.menu.categories for item in category.items]


def by_name(menu: Menu) -> dict[str, str]:
    return {str(item.name): item.id for category in menu.categories for item in category.items}


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("\ufeffcategory_en,name_en,price\nGrill,Kebab,46\n".encode(), "a byte order mark"),
        (b"category_en;name_en;price\nGrill;Kebab;46,00\n", "semicolons and a decimal comma"),
        (b"sep=;\ncategory_en;name_en;price\nGrill;Kebab;46\n", "a line that names the separator"),
        ("category_en\tname_en\tprice\nGrill\tKebab\t46\n".encode("utf-16"), "UTF-16 with tabs"),
        ("category_en,name_en,price\r\n\r\nGrill,Kebab,٤٦٫٠٠\r\n,,\r\n".encode(), "CRLF, blank rows, Arabic digits"),
        (b"Category EN, Name-EN ,PRICE\nGrill, Kebab ,46 SAR\n", "headers as people write them"),
        (b"category_en,name_en,price\rGrill,Kebab,46\r", "the line ends of old"),
    ],
)
def test_a_spreadsheet_s_file_is_understood(body: bytes, what: str) -> None:
    found = menu_file.read(body, Form.CSV, SAR, Menu())
    assert found.errors == (), what
    assert found.menu.categories == (
        MenuCategory("grill", {"en": "Grill"}, (MenuItem("kebab", {"en": "Kebab"}, 4600),)),
    )


def test_rows_without_a_category_belong_to_the_one_above() -> None:
    found = sheet(
        "المشاوي,Grill,,Kebab,46,,,,",
        ",,,Arayes,32,,,,",
        ",Drinks,,Cola,5,,,,",
        ",,,Water,3,,,,",
        "المشاوي,,,Tawook,39,,,,",
    )
    assert found.errors == ()
    assert [[item.name["en"] for item in category.items] for category in found.menu.categories] == [
        ["Kebab", "Arayes", "Tawook"], ["Cola", "Water"]]  # fmt: skip


def test_options_add_ons_and_types_are_read_from_their_cells() -> None:
    [item] = items(sheet(
        ",Grill,,Kebab,46,الحجم / Size: Small; كبير / Large +7 | Bread: Saj;Tannour +1.5 #tan,"
        "Garlic \\+ lemon +2 [0-3]؛ Tahini #t [1-1]#t2,\"pickup, dine-in\","
    .replace(" #t [1-1]#t2", " [1-1] #t")))  # fmt: skip
    size, bread = item.options
    assert size.name == {"ar": "الحجم", "en": "Size"}
    assert [(choice.id, choice.name, choice.price_minor) for choice in (*size.choices, *bread.choices)] == [
        ("small", {"en": "Small"}, 0), ("large", {"ar": "كبير", "en": "Large"}, 700),
        ("saj", {"en": "Saj"}, 0), ("tan", {"en": "Tannour"}, 150)]  # fmt: skip
    assert [(one.id, one.name, one.price_minor, one.least, one.most) for one in item.add_ons] == [
        ("garlic-lemon", {"en": "Garlic + lemon"}, 200, 0, 3), ("t", {"en": "Tahini"}, 0, 1, 1)]  # fmt: skip
    assert item.types == (OrderType.PICKUP, OrderType.DINE_IN)


def test_what_a_spreadsheet_was_kept_from_reading_as_a_formula_is_itself_again() -> None:
    [item] = items(sheet(",Grill,,'=Kebab,46,,,,"))
    assert item.name == {"en": "=Kebab"}
    [item] = items(sheet(",Grill,,'Twas,46,,,,"))
    assert item.name == {"en": "'Twas"}


@pytest.mark.parametrize(
    ("row", "where", "what"),
    [
        (",Grill,,Kebab,free,,,,", "row 2, price", "'free' is not a price: write it like 14.50"),
        (",Grill,,Kebab,,,,,", "row 2, price", "is missing"),
        (",Grill,,Kebab,-4,,,,", "row 2, price", "below nothing"),
        (",Grill,,Kebab,4.505,,,,", "row 2, price", "finer than SAR can be"),
        (",Grill,,,4,,,,", "row 2", "has no name: give one in Arabic or English"),
        (",Grill,," + "K" * 301 + ",4,,,,", "row 2, name_en", "has 301 characters: at most 300"),
        (",Grill,,Kebab,4,Size,,,", "row 2, options", "'Size' is not one option such as Size: Small; Large +7"),
        (",Grill,,Kebab,4,Size:,,,", "row 2, options", "an option has at least one"),
        (",Grill,,Kebab,4,Size: S; s,,,", "row 2, options", "'s' is the name of row 2, options too"),
        (",Grill,,Kebab,4,Size: S +x,,,", "row 2, options", "'x' is not a price"),
        (",Grill,,Kebab,4,Size: S [1-2],,,", "row 2, options", "cannot be read"),
        (",Grill,,Kebab,4,a / b / c: S,,,", "row 2, options", "more than two languages"),
        (",Grill,,Kebab,4,,Garlic [3-1],,", "row 2, add_ons", "it can be had 3 to 1 times"),
        (",Grill,,Kebab,4,,Garlic [0-0],,", "row 2, add_ons", "it can be had 0 to 0 times"),
        (",Grill,,Kebab,4,,Garlic [0-100],,", "row 2, add_ons", "1 to 99"),
        (",Grill,,Kebab,4,,Garlic [many],,", "row 2, add_ons", "cannot be read: write it like Garlic sauce +2 [0-3]"),
        (",Grill,,Kebab,4,,A #x; B #x,,", "row 2, add_ons", "'x' is the id of row 2, add_ons too"),
        (",Grill,,Kebab,4,,,drone,", "row 2, types", "'drone' is not one of delivery, pickup, dine_in, car"),
        (",Grill,,Kebab,4,,,,a b", "row 2, id", "'a b' is no id"),
        (",Grill,,Kebab,4,,,," + "a" * 65, "row 2, id", "at most 64"),
        (",,,Kebab,4,,,,", "row 2", "names no category"),
        (",Grill,,Kebab, with rice,4,,,,k1", "row 2", "a comma in a text needs quotation marks"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_row_and_column(row: str, where: str, what: str) -> None:
    found = sheet(row)
    assert [note.place for note in found.errors if what in note.what] == [where], said(found)


def test_all_mistakes_are_named_not_only_the_first() -> None:
    found = sheet(",Grill,,Kebab,free,,,,", ",Grill,,KEBAB ,46,,,,", ",Grill,,Arayes,3,,,,x", ",Drinks,,Cola,3,,,,x")
    assert said(found) == [
        "row 2, price: 'free' is not a price: write it like 14.50",
        "row 5, id: 'x' is the id of row 4 too, within the menu",
        "row 3, name_en: 'KEBAB' is the name of row 2 too: customers could not tell them apart",
    ]


def test_the_same_name_in_another_category_is_no_mistake() -> None:
    found = sheet(",Grill,,Large,46,,,,", ",Drinks,,Large,5,,,,")
    assert (found.errors, [item.id for item in items(found)]) == ((), ["large", "drinks-large"])


@pytest.mark.parametrize(
    ("body", "where", "what"),
    [
        (b"", "the file", "is empty: its first row names the columns: category_ar"),
        (b"category_en,name_en\n", "row 1", "has none for the price"),
        (b"Kebab,46\n", "row 1", "has none for a category, a name, the price"),
        (b"category_en,name_en,price,price\n", "row 1", "has the column price twice"),
        (b"category_en,name_en,price\n", "the file", "there is not one item"),
        ("category_en,name_en,price\nGrill,كباب,46\n".encode("cp1256"), "the file", "is not UTF-8"),
        (b"x" * (5 << 20), "the file", "has more than 4 MB"),
        (b'category_en,name_en,price\nGrill,"' + b"x" * 200_000 + b'",4\n', "the file", "is not CSV"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_refused_as_a_whole(body: bytes, where: str, what: str) -> None:
    [note] = menu_file.read(body, Form.CSV, SAR, Menu()).errors
    assert note.place == where
    assert what in note.what


def test_a_column_that_is_not_known_is_said_and_left_out() -> None:
    found = sheet(",Grill,,Kebab,46,,,,,yes", head=HEAD + ",spicy")
    assert found.errors == ()
    assert ("row 1", "the column 'spicy' is not known and was left out") in [(n.place, n.what) for n in found.warnings]


def test_one_category_id_has_one_name() -> None:
    found = sheet(
        "g,Grill,,Kebab,46", "g,Grll,,Arayes,32", "g,,,Tawook,3", head="category_id,category_en,name_ar,name_en,price"
    )
    assert said(found) == ["row 3: names its category otherwise than row 2, by the same category_id"]


def test_csv_leaves_what_it_cannot_hold_as_it_was() -> None:
    found = sheet(",Grill,,Kebab,50,,,,", present=SMALL, types=None)
    assert (found.menu.branches, found.menu.types, found.menu.payments) == (SMALL.branches, SMALL.types, SMALL.payments)
    assert [item.price_minor for item in items(found)] == [5000]


def test_kinds_of_order_can_be_said_beside_the_file_and_are_paid_in_cash_unless_said() -> None:
    found = sheet(",Grill,,Kebab,50,,,,", types=(OrderType.PICKUP,))
    assert (found.menu.types, found.menu.payments) == ((OrderType.PICKUP,), (PaymentMethod.CASH,))
    assert sheet(",Grill,,Kebab,50,,,,", present=SMALL, types=()).menu.types == ()


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("types = [", "the file", "is not TOML"),
        ("types = 'pickup'", "types", "is a list of words: delivery, pickup, dine_in, car"),
        ("types = ['drone']", "types", "'drone' is not one of"),
        ("types = ['pickup']\npayments = []", "payments", "an order must be paid somehow"),
        ("types = ['pickup']\npayments = ['online']", "payments", "online needs the order platform"),
        ("currency = 'KWD'", "currency", "is KWD, but the prices are taken as SAR"),
        ("categories = 3", "categories", "is a list of tables"),
        ("categories = [3]", "categories[1]", "is a table"),
        (KEBAB, ITEM + ".price", "is missing"),
        ("[[categories]]\nname_en = 3.5", "categories[1].name_en", "is a text in quotation marks"),
        (KEBAB + "price = 4.505", ITEM + ".price", "finer"),
        (KEBAB + "price = 0xFF" + "F" * 5000, ITEM + ".price", "more than any"),
        (KEBAB + "price = 1\nadd_ons = [{name_en = 'x', most = 'a'}]", ITEM + ".add_ons[1].most", "is a whole"),
        ("[[branches]]\nname_en = 'B'\nlatitude = 91\nlongitude = 4", "branches[1].latitude", "from -90 to 90"),
        ("[[branches]]\nname_en = 'B'\nlatitude = 24.5", "branches[1]", "give both or none"),
        ("[[branches]]\nname_en = 'B'\nlatitude = '24.5'", "branches[1].latitude", "is a number of degrees"),
        ("[[branches]]\nname_en = 'B'\n[[branches]]\nname_en = 'b'", "branches[2].name_en", "the name of branches[1]"),
        ("[[branches]]\nid = 'b'", "branches[1]", "has no name"),
    ],
)  # fmt: skip
def test_a_mistake_in_toml_is_named_with_its_path(text: str, where: str, what: str) -> None:
    found = toml(text)
    assert [note.place for note in found.errors if what in note.what] == [where], said(found)


def test_what_will_look_otherwise_than_it_was_meant_is_said_and_let_in() -> None:
    found = toml(
        "types = ['pickup']\n[[categories]]\nname_en = 'A very long name of a category'\ncolour = 'red'\n"
        "[[categories.items]]\nname_en = 'Kebab'\nprice = 4\ntypes = ['car']\n"
        f"description_en = '{'x' * 701}'\n[[branches]]\nname_en = 'B'\nlatitude = 0\nlongitude = 0\n"
        "[[categories]]\nname_en = 'Empty'\n"
    )
    assert found.errors == ()
    assert [(note.place, note.what[:32]) for note in found.warnings] == [
        ("categories[1].colour", "is not known and was left out; k"),
        ("categories[1].name_en", "'A very long name of a category'"),
        ("categories[2]", "has no items, so it is not shown"),
        ("categories[1].items[1].description_en", "has 701 characters; about 700 ar"),
        ("categories[1].items[1].types", "can be part of no order: the men"),
        ("branches[1]", "lies in the sea at 0, 0: give it"),
    ]


def test_a_menu_that_takes_no_orders_is_let_in_and_it_is_said() -> None:
    found = toml("[[categories]]\nname_en = 'G'\n[[categories.items]]\nname_en = 'K'\nprice = 1")
    assert found.errors == ()
    assert "only looked at" in found.warnings[0].what


def test_two_names_of_one_language_around_a_stroke_are_asked_about() -> None:
    assert "write \\/ for a stroke" in sheet(",Grill,,K,4,Size: Fish/Chips,,,").warnings[0].what
    assert sheet(",Grill,,K,4,Size: 7UP / 7up; بيبسي / Pepsi,,,").warnings == sheet(",Grill,,K,4,,,,").warnings


@pytest.mark.parametrize("count", [300, 2000])
def test_a_large_menu_is_fine(count: int) -> None:
    found = sheet(*(f",C{n // 100},,Item {n},4,,,," for n in range(count)))
    assert (found.errors, len(items(found))) == ((), count)


def test_a_menu_has_bounds() -> None:
    choices = "; ".join(f"C{n}" for n in range(51))
    found = sheet(*(f",C{n},,Item {n},4,,,," for n in range(9001)), f",C,,K,4,S: {choices},,,")
    assert [note.what for note in found.errors] == [
        "there are 9002: at most 200", "there are more than 2000 items", "there are 51: at most 50"]  # fmt: skip


def test_ids_stay_when_a_file_without_them_is_imported_again() -> None:
    first = sheet(",Grill,كباب,Kebab,46,Size: S; L +7,Garlic +2,,", ",Grill,عرايس,,32,,,,").menu
    again = sheet(",Grill,عرايس,,33,,,,", ",Grill,كباب,Kebab,46,Size: L +8; S,Garlic +3,,", present=first).menu
    assert by_name(again) == by_name(first)
    one, two = first.categories[0].items[0], again.categories[0].items[1]
    assert {c.name["en"]: c.id for c in one.options[0].choices} == {c.name["en"]: c.id for c in two.options[0].choices}
    assert one.add_ons[0].id == two.add_ons[0].id


def test_an_id_of_one_s_own_is_kept_by_the_name_when_the_column_is_taken_out() -> None:
    found = sheet(",grill,كباب,Kebap,46,,,,", ",Drinks,,COLA,5,,,,", present=SMALL)
    assert [item.id for item in items(found)] == ["kebab", "cola"]
    renamed = replace(SMALL.categories[0].items[0], id="k-17")
    present = replace(SMALL, categories=(replace(SMALL.categories[0], id="g", items=(renamed,)),))
    found = sheet(",Grill,كباب,Kebap,46,Size: Small; Large,,,", present=present)
    assert (found.menu.categories[0].id, items(found)[0].id) == ("g", "k-17")
    assert [choice.id for choice in items(found)[0].options[0].choices] == ["s", "l"]


def test_an_id_that_is_given_is_nobody_else_s() -> None:
    found = sheet(",Grill,,Kebab,46,,,,", ",Grill,,Other,4,,,,kebab", ",Grill,,Third,4,,,,grill-kebab")
    assert [item.id for item in items(found)] == ["grill-kebab-2", "kebab", "grill-kebab"]


@pytest.mark.parametrize(
    ("names", "id_"),
    [({"en": "Crème brûlée (2)"}, "creme-brulee-2"), ({"ar": "كباب", "en": "Kebab"}, "kebab"), ({"ar": "كباب"}, "n7"),
     ({"en": "🍕"}, "n"), ({"en": "K" * 200}, "k" * 40)],
)  # fmt: skip
def test_a_derived_id_says_the_name_and_is_always_the_same(names: Names, id_: str) -> None:
    def derived() -> str:
        menu = Menu((MenuCategory("c", {"en": "C"}, (MenuItem("", names, 1),)),))
        return menu_file.menu_ids.filled(menu, Menu()).categories[0].items[0].id

    assert derived() == derived()
    assert derived().startswith(id_[:1]) if id_.startswith("n") else derived() == id_
    assert len(derived()) <= 64


@pytest.mark.parametrize(
    ("name", "body", "form"),
    [("menu.csv", b"x = 1", Form.CSV), ("MENU.TOML", b"a,b", Form.TOML), ("-", b"# a menu\n\ntypes = []", Form.TOML),
     ("<stdin>", b"[[categories]]", Form.TOML), ("-", b"\xef\xbb\xbfcategory_ar,name", Form.CSV),
     ("-", b"sep=;\na;b", Form.CSV), ("menu.txt", b"", Form.CSV)],
)  # fmt: skip
def test_the_format_is_known_by_the_name_or_by_the_first_line(name: str, body: bytes, form: Form) -> None:
    assert menu_file.form_of(name, body) is form


def test_a_file_says_its_currency_and_a_broken_one_none() -> None:
    assert menu_file.currency_of(menu_toml.write(SMALL, SAR), Form.TOML) == "SAR"
    assert [menu_file.currency_of(body, Form.TOML) for body in (b"currency = 3", b"[", b"")] == ["", "", ""]


@pytest.mark.parametrize(
    ("form", "body", "said"),
    [
        (Form.TOML, b"a." * 200_000 + b"b = 1", "a key of more than 16 parts"),
        (Form.TOML, b'"". ' * 200_000 + b"b = 1", "a key of more than 16 parts"),
        (Form.TOML, b"x = {" + b"a . " * 100 + b"b = 1}", "a key of more than 16 parts"),
        (Form.TOML, b'"""\\"""' * 200_000, "not TOML"),
        (Form.TOML, b"a = " + b"[" * 100_000, "not TOML"),
        (Form.CSV, b"category_en,name_en,price\n" + b"c,n,1\n" * 10_001, "more than 10000 rows"),
    ],
)
def test_a_file_that_would_take_all_memory_or_hours_is_not_read_to_its_end(form: Form, body: bytes, said: str) -> None:
    [error] = menu_file.read(body, form, SAR, Menu()).errors
    assert said in error.what


def test_points_in_texts_and_comments_are_no_parts_of_a_key() -> None:
    dots = "a.b." * 30
    body = f"""
    # {dots}
    [[categories]]
    name_en = "Mezze"
    [[categories.items]]
    name_en = 'Hummus'
    price = 14.50
    description_en = "{dots}"
    description_ar = \"\"\"
    {dots}\"{dots}\"\"\"
    """
    found = menu_file.read(body.encode(), Form.TOML, SAR, Menu())
    assert not found.errors
    assert found.menu.categories[0].items[0].description["en"] == dots


def test_ids_for_twenty_thousand_equal_names_are_found_in_time() -> None:
    body = b'[[categories]]\nname_en = "n"\n' * 20_000
    found = menu_file.read(body, Form.TOML, SAR, Menu())
    assert len({category.id for category in found.menu.categories}) == 20_000
