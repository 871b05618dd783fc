"""A menu's file is read outside of any transaction, and still against the menu that it replaces."""

from dataclasses import dataclass

from tests.core.conftest import Stage
from wabot.catalog.menu_file import Form
from wabot.core import menus, tenancy
from wabot.core.menus import File
from wabot.store import menus as kept

MINE = b"category_en,name_en,price,id\nMain,Hummus,14.50,hummus\n"
THEIRS = b"category_en,name_en,price,id\nMain,Falafel,9,falafel-of-old\n"
ANEW = b"category_en,name_en,price\nMain,Falafel,10\n"


@dataclass(frozen=True, slots=True)
class Slow(File):
    """A file during whose reading somebody else imports another."""

    @property
    def format(self) -> Form:
        tenant = tenancy.find_tenant("bait")
        if kept.load(tenant.id).categories[0].items[0].id == "hummus":
            menus.import_("bait", File("theirs.csv", THEIRS), types=None, actor="another")
        return Form.CSV


def test_a_menu_that_changes_while_a_file_is_read_keeps_its_ids_all_the_same(stage: Stage) -> None:
    menus.import_("bait", File("mine.csv", MINE), types=None, actor="a test")
    menus.import_("bait", Slow("anew.csv", ANEW), types=None, actor="a test")
    [item] = kept.load(stage.channel.tenant_id).categories[0].items
    assert (item.id, item.price_minor) == ("falafel-of-old", 1000)
