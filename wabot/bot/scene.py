"""All that a step may look at, and the drafts it may make: whatever it says, they fit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wabot.bot import drafting, fitting, wording
from wabot.bot.shelves import Shelves
from wabot.bot.state import Profile, Step
from wabot.bot.wording import Wording
from wabot.words import Button, Draft, Purpose, Row

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
        return drafting.tell(step, self._opened(step, text), self._purpose())

    def offer(self, step: Step, text: str, buttons: Sequence[Button]) -> Draft:
        """A text with up to three buttons."""
        return drafting.offer(step, self._opened(step, text), buttons, self._purpose())

    def lay_out(self, step: Step, text: str, rows: Sequence[Row]) -> Draft:
        """A text with a list of up to ten rows."""
        return drafting.lay_out(step, self._opened(step, text), rows, self.wording.buttons["list"], self._purpose())

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

    def _purpose(self) -> str:
        return Purpose.WELCOME if self.is_first else Purpose.REPLY
