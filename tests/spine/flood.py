"""One of the processes that flood an installation (`test_kills`): it sends webhooks drawn from those of 500 messages,
each until it is answered 200, and prints the ids that were in one of those. Half of the customers write by Twilio, one
message a form; half by Meta, several messages and both tenants' numbers in one body.

    python -m tests.spine.flood URL twilio|meta SEED REQUESTS
"""

import json
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import requests

from tests.fakes import meta
from tests.spine.two_tenants import (
    APP_SECRET,
    BAIT_META,
    BAIT_TWILIO,
    NAJD_META,
    NAJD_TWILIO,
    Channel,
    change,
    post_body,
    post_form,
    text_form,
    text_item,
)

MESSAGES = 500
MOST_TOGETHER = 4
TRIES = 400
FLOODED = (BAIT_TWILIO, BAIT_META, NAJD_TWILIO, NAJD_META)


@dataclass(frozen=True)
class Said:
    """One message of a customer, who writes to both tenants."""

    channel: Channel
    id: str
    customer: str
    text: str


def said(n: int) -> Said:
    channel, who = FLOODED[n % len(FLOODED)], n // len(FLOODED)
    if channel.provider == "twilio":
        return Said(channel, f"SM{n:032x}", f"96650{who:07d}", f"hello {n}")
    return Said(channel, f"wamid.{channel.tenant}.{n}", f"96651{who:07d}", f"hello {n}")


EVERYTHING = {each.id: each for each in map(said, range(MESSAGES))}


def pool(provider: str) -> list[Said]:
    return [each for each in EVERYTHING.values() if each.channel.provider == provider]


def form_post(url: str, chance: random.Random) -> tuple[list[Said], Callable[[], requests.Response]]:
    """A message by Twilio, and what posts it."""
    one = chance.choice(pool("twilio"))
    form = text_form(one.channel, one.id, one.customer, one.text)
    return [one], lambda: post_form(url, form, one.channel)


def batch_post(url: str, chance: random.Random) -> tuple[list[Said], Callable[[], requests.Response]]:
    """Messages in one body by Meta, those of a number in one change or in one each, and what posts it."""
    some = chance.sample(pool("meta"), chance.randint(1, MOST_TOGETHER))
    if chance.random() < 0.5:
        some.sort(key=lambda each: each.channel.number)
        ours = [[each for each in some if each.channel == channel] for channel in (BAIT_META, NAJD_META)]
        parts = [part for part in ours if part]
    else:
        parts = [[each] for each in some]
    body = meta.batch(
        *(change(part[0].channel, *(text_item(each.customer, each.id, each.text) for each in part)) for part in parts)
    )
    return some, lambda: post_body(url, body, APP_SECRET)


def answered(post: Callable[[], requests.Response]) -> bool:
    """Send the same until it is answered 200."""
    for _ in range(TRIES):
        try:
            if post().status_code == 200:
                return True
        except requests.RequestException:
            pass
        time.sleep(0.05)
    return False


def main(url: str, provider: str, seed: int, count: int) -> None:
    chance, told = random.Random(seed), []
    for _ in range(count):
        some, post = (form_post if provider == "twilio" else batch_post)(url, chance)
        if answered(post):
            told += [each.id for each in some]
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
