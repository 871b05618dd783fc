"""What a person does by hand while everything runs: a process of its own that boots wabot as the command line does and
takes JSON lines. It exists because a command a second would cost more than the system that is tested.

{"setup": {"seed", "gupshup"}} makes tenants, channels, templates and tokens; {"retry": [message ids]} has them sent
again, forced; {"resume": true} lets paused and held channels go on; {"touch": true} writes to the file.
"""

import json
import sys

from tests.chaos.world import CONTENT_SID, TEMPLATE, World
from wabot import boot, clock, errors, words
from wabot.core import retrying, templates, tenancy
from wabot.store import db, tenants, workers


def setup(seed, gupshup):
    """The world in the file; returns the tenants' tokens and the channels' keys."""
    world, keys = World(seed, gupshup), {}
    for slug in world.tenants:
        new = tenancy.NewTenant(slug, slug.title(), locale="en", in_per_minute=100_000, in_per_customer=1000)
        tenancy.add_tenant(new, {})
    for one in world.channels:
        added = tenancy.add_channel(
            one.tenant, one.provider, one.number, one.credentials, out_per_minute=100_000, out_per_day=1_000_000
        )
        keys[one.number] = added.key
        provider_id = CONTENT_SID if one.provider == "twilio" else TEMPLATE
        if one.provider == "gupshup":
            provider_id = "c6aecef6-bcb0-4fb1-8100-28c094e3bc6b"
        known = words.Template(TEMPLATE, "en", provider_id, "UTILITY", "APPROVED", "Hi {{1}}", 1)
        templates.add(added.id, known)
    tokens = {slug: tenancy.create_token(slug, read_only=False, name="", days=None)[1] for slug in world.tenants}
    return {"keys": keys, "tokens": tokens}


def retry(ids):
    """Have these sent again, forced; returns the ones that were."""
    done = []
    for message_id in ids:
        try:
            retrying.retry_one(None, message_id, by=words.AttemptBy.HAND, actor="chaos", force=True)
            done.append(message_id)
        except errors.WabotError:
            continue
    return {"retried": done}


def resume():
    """Let go on whatever is paused, or waits longer than a moment."""
    now, going = clock.now(), []
    for channel in tenants.channels():
        is_held = channel.held_until is not None and (channel.held_until - now).total_seconds() > 2
        if channel.status is not words.ChannelStatus.ACTIVE or is_held:
            tenancy.resume_channel(channel.id)
            going.append(channel.id)
    return {"resumed": going}


def touch():
    """Write to the file, as any command would."""
    db.write(lambda: workers.beat("chaos", clock.now()), deadline=10)
    return {"done": True}


def main():
    boot.start(gate_timeout_seconds=10)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            if "setup" in command:
                answer = setup(**command["setup"])
            elif "retry" in command:
                answer = retry(command["retry"])
            else:
                answer = resume() if "resume" in command else touch()
        except errors.WabotError as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
