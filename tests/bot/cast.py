"""The bot tests' cast: tenants, menus, a customer who talks, and what WhatsApp accepts."""

import json
from dataclasses import dataclass, field

from wabot.bot import conversation
from wabot.bot.conversation import Answer, Heard, Known, Profile, State
from wabot.words import Draft, Kind, Menu, MenuCategory, MenuItem

RESTAURANT = Profile("برجر الحي", "ar", "SAR", support_contact="+966 55 123 4567")
SALON = Profile("Glow Salon", "en", "SAR")


def item(id_: str, ar: str, en: str, price_minor: int = 2450, about: str = "") -> MenuItem:
    return MenuItem(id_, {"ar": ar, "en": en}, price_minor, {"en": about} if about else {})


def category(id_: str, ar: str, en: str, *items: MenuItem) -> MenuCategory:
    return MenuCategory(id_, {"ar": ar, "en": en}, items)


MENU = Menu(
    (
        category(
            "b",
            "البرجر",
            "Burgers",
            item("beef", "برجر لحم", "Beef burger", 2450, "Fresh brioche bun"),
            item("chicken", "برجر دجاج", "Chicken burger", 2200),
        ),
        category("d", "المشروبات", "Drinks", item("cola", "كولا", "Cola", 500)),
    )
)


def menu_of(items: int, categories: int = 1, name: str = "Item {n}") -> Menu:
    """`items` items, spread over the categories in order."""
    share = -(-items // categories)
    numbers = [range(start, min(start + share, items)) for start in range(0, items, share)] if items else []
    return Menu(
        tuple(
            category(f"c{c}", f"قسم {c}", f"Section {c}", *(item(f"i{n}", "", name.format(n=n)) for n in some))
            for c, some in enumerate(numbers)
        )
    )


def options(draft: Draft) -> dict[str, str]:
    """Title by id of all that can be tapped."""
    rows = [row for section in draft.sections for row in section.rows]
    return {option.id: option.title for option in (*draft.buttons, *rows)}


@dataclass
class Customer:
    """Someone who talks to the bot; every state goes through JSON, as it does in the file."""

    profile: Profile = SALON
    menu: Menu = MENU
    name: str = "Sara"
    state: State = field(default_factory=State)

    def say(self, text: str, kind: str = "text") -> Draft:
        return only(self.hear(Heard(kind, text, customer_name=self.name)))

    def tap(self, choice: str, title: str = "") -> Draft:
        return only(self.hear(Heard("interactive", title, choice, self.name)))

    def hear(self, heard: Heard) -> Answer:
        answer = conversation.answer(self.state, heard, self.profile, Known(self.menu))
        for draft in answer.drafts:
            assert_whatsapp_accepts(draft)
        self.state = State.from_json(json.loads(json.dumps(answer.state.to_json())))
        assert self.state == answer.state
        return answer


def greeted(profile: Profile = SALON, menu: Menu = MENU) -> Customer:
    customer = Customer(profile, menu)
    customer.say("hi")
    return customer


def only(answer: Answer) -> Draft:
    [draft] = answer.drafts
    return draft


def assert_whatsapp_accepts(draft: Draft) -> None:
    assert draft.text.strip()
    assert draft.step
    {Kind.TEXT: _assert_text, Kind.BUTTONS: _assert_buttons, Kind.LIST: _assert_list}[draft.kind](draft)


def _assert_text(draft: Draft) -> None:
    assert len(draft.text) <= 1600
    assert not draft.buttons
    assert not draft.sections


def _assert_buttons(draft: Draft) -> None:
    assert len(draft.text) <= 1024
    assert 1 <= len(draft.buttons) <= 3
    _assert_options([(button.id, button.title) for button in draft.buttons], title=20)


def _assert_list(draft: Draft) -> None:
    rows = [row for section in draft.sections for row in section.rows]
    assert len(draft.text) <= 1024
    assert 1 <= len(draft.button) <= 20
    assert 1 <= len(rows) <= 10
    assert all(len(row.description) <= 72 for row in rows)
    _assert_options([(row.id, row.title) for row in rows], title=24)


def _assert_options(options: list[tuple[str, str]], *, title: int) -> None:
    ids, titles = zip(*options, strict=True)
    assert len(set(ids)) == len(ids)
    assert len(set(titles)) == len(titles)
    assert all(0 < len(id_) <= 200 for id_ in ids)
    assert all(text.strip() and len(text) <= title and "\n" not in text for text in titles)
