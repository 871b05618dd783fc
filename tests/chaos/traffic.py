"""What goes on at the provider by itself: customers who write, and what becomes of each accepted send."""

import threading
import time
import uuid

from tests.chaos.vendors import Item
from tests.chaos.world import CANARY

HAPPY = ((0.05, "sent"), (0.15, "delivered"))
"""What becomes of a send when nothing goes wrong."""
STORIES = (
    (30, ((0.05, "sent"), (0.3, "delivered"), (0.9, "read"))),
    (20, ((0.05, "sent"), (0.4, "delivered"))),
    (8, ((0.0, "delivered"), (0.1, "sent"))),
    (6, ((0.0, "read"), (0.3, "sent"), (0.6, "delivered"))),
    (6, ((0.1, "sent"), (0.1, "delivered"), (0.1, "delivered"), (0.1, "read"), (0.1, "sent"))),
    (6, ((4.0, "sent"), (7.0, "delivered"))),
    (5, ((0.1, "sent"),)),
    (5, ()),
    (5, ((0.2, "failed"),)),
    (4, ((0.1, "sent"), (0.5, "undelivered"))),
    (2, ((0.1, "failed"), (1.5, "delivered"))),
    (2, ((0.3, "failed"), (0.4, "failed"), (0.5, "sent"))),
    (1, ((0.0, "failed"), (5.0, "read"))),
)
WORDS = ("hello", "menu", "مرحبا", "1", "2", "order please", "where are you", "thanks")
STOP, START = ("STOP", "stop", "إيقاف"), ("START", "ابدأ")
STALE_SECONDS = 30 * 3600
CLOSING_SECONDS = 24 * 3600 - 4


def story(chance):
    """When which status of a send is told."""
    return chance.choices([events for _, events in STORIES], [weight for weight, _ in STORIES])[0]


class Customers:
    """Writes to the channels at a rate until it is stopped. Numbers are the run's alone: where one is found in a log,
    it was a customer's."""

    def __init__(self, provider, chance, rate):
        self._provider, self._chance, self._rate = provider, chance, rate
        self._known = {channel.number: [] for channel in provider.world.channels}
        self._stopped, self._count, self._stop = set(), 0, threading.Event()

    def start(self):
        threading.Thread(target=self._write, daemon=True).start()

    def stop(self):
        self._stop.set()

    def _write(self):
        while not self._stop.wait(self._chance.expovariate(self._rate)):
            channel = self._chance.choice(self._provider.world.channels)
            known = self._known[channel.number]
            dice = self._chance.random()
            if not known or dice < 0.12:
                self._meet(channel)
            elif dice < 0.20:
                self._change_mind(channel, known)
            elif dice < 0.23:
                self._say(channel, self._chance.choice(known), bad=True)
            elif dice < 0.28 and channel.provider == "meta":
                self._come_late(channel)
            else:
                self._say(channel, self._chance.choice(known[-40:]))

    def _meet(self, channel):
        """Somebody new, now and then with an album: many messages at once. One in ten writes to others, too."""
        phone = self._new_number()
        self._known[channel.number].append(phone)
        for _ in range(self._chance.choice((1, 1, 1, 6, 10))):
            self._say(channel, phone)
        if self._chance.random() < 0.1:
            other = self._chance.choice(self._provider.world.channels)
            if other is not channel:
                self._known[other.number].append(phone)
                self._say(other, phone)

    def _come_late(self, channel):
        """Somebody whose only message is from yesterday: the window is closed, or closes within seconds."""
        back = STALE_SECONDS if self._chance.random() < 0.5 else CLOSING_SECONDS
        self._say(channel, self._new_number(), back=back)

    def _change_mind(self, channel, known):
        """STOP from somebody, or START from somebody who had said STOP: more often, so that most hear from us."""
        silent = [phone for phone in known if (channel.tenant, phone) in self._stopped]
        phone = self._chance.choice(silent if silent and self._chance.random() < 0.6 else known)
        person = (channel.tenant, phone)
        word, kind = (START, "start") if person in self._stopped else (STOP, "stop")
        (self._stopped.discard if kind == "start" else self._stopped.add)(person)
        self._say(channel, phone, text=self._chance.choice(word), word=kind)

    def _new_number(self):
        self._count += 1
        return f"9665{self._provider.seed % 100:02d}{self._count:06d}"

    def _say(self, channel, phone, *, text="", word="", bad=False, back=0.0):
        provider = self._provider
        vendor, self._count = provider.vendors[channel.provider], self._count + 1
        vendor_id = ("SM" if channel.provider == "twilio" else "wamid.IN") + uuid.UUID(
            int=self._chance.getrandbits(128)
        ).hex
        said = text or f"{self._chance.choice(WORDS)} {CANARY}-{channel.tenant}-{self._count}"
        at = time.time() - back
        content = vendor.message(phone, vendor_id, said, at, f"Name{self._count}", bad)
        key = f"in:{channel.number}:{vendor_id}"
        kept = int(at) * 1000 if channel.provider == "meta" else None
        provider.note("in", key=key, id=vendor_id, channel=channel.number, phone=phone, word=word, bad=bad, at=kept)
        provider.courier.plan([Item(key, channel, content, url=provider.hook(channel), extra={"bad": bad})], 0)
