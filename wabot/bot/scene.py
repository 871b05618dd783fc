"""All that a step may look at, and the drafts it may make: whatever it says, they fit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wabot.bot import fitting, wording
from wabot.bot.shelves import Shelves
from wabot.bot.state import Profile, Step
from wabot.bot.wording import Wording
from wabot.words import Button, Draft, Kind, Purpose, Row, Section

_CUSTOMER = 40


@dataclass(frozen=True, slots=True)
class Scene:
    """`customer` is a name as it came; `is_first` tells that this customer was never answered before."""

    profile: Profile
    shelves: Shelves
    wording: Wording
    customer: str
    has_said_salam: bool
    is_first: bool

    def within(self, locale: str) -> "Scene":
        """The same scene in another language."""
        return replace(self, wording=wording.of(locale))

    def tell(self, step: Step, text: str) -> Draft:
        """A plain text."""
        return self._draft(step, Kind.TEXT, fitting.cut(self._opened(step, text), fitting.TEXT))

    def offer(self, step: Step, text: str, buttons: Sequence[Button]) -> Draft:
        """A text with up to three buttons."""
        body = fitting.cut(self._opened(step, text), fitting.BODY)
        return replace(self._draft(step, Kind.BUTTONS, body), buttons=tuple(buttons))

    def lay_out(self, step: Step, text: str, rows: Sequence[Row]) -> Draft:
        """A text with a list of up to ten rows; theirs may still be too long, or alike."""
        draft = self._draft(step, Kind.LIST, fitting.cut(self._opened(step, text), fitting.BODY))
        return replace(draft, button=self.wording.buttons["list"], sections=(Section(_fitted(rows)),))

    def button(self, name: str, choice: str) -> Button:
        return Button(choice, self.wording.buttons[name])

    def home(self) -> tuple[Button, ...]:
        """The buttons that are always there: the menu if there is one, a person, the other language."""
        other = wording.other(self.wording.locale)
        language = Button(f"lang:{other.locale}", other.buttons["language"])
        menu = (self.button("menu", "menu"),) if self.shelves.categories else ()
        return (*menu, self.button("person", "person"), language)

    def _hello(self) -> str:
        greeting = "salam" if self.has_said_salam else "hello"
        name = fitting.cut(fitting.line(self.customer), _CUSTOMER)
        if not any(map(str.isalpha, name)):
            return self.wording.say(greeting)
        return self.wording.say(f"{greeting}_named", customer=name)

    def _opened(self, step: Step, text: str) -> str:
        return f"{self._hello()}\n{text}" if self.is_first or step is Step.WELCOME else text

    def _draft(self, step: Step, kind: Kind, text: str) -> Draft:
        purpose = Purpose.WELCOME if self.is_first else Purpose.REPLY
        return Draft(kind=kind, text=text, purpose=purpose, step=step.value)


def _fitted(rows: Sequence[Row]) -> tuple[Row, ...]:
    titles = fitting.distinct((row.title for row in rows), fitting.ROW_TITLE)
    return tuple(
        Row(row.id, title, fitting.cut(row.description, fitting.ROW_DESCRIPTION))
        for row, title in zip(rows, titles, strict=True)
    )
