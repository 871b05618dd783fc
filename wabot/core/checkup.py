"""One channel from its credentials to its routing, each step with its verdict and its fix."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from wabot import config, errors, words
from wabot.core import tenancy
from wabot.providers import by_name
from wabot.store import tenants
from wabot.store.tenants import Channel

CANNOT_BE_ASKED = "cannot_be_asked"
"""The code of a probe that lacks a credential which nothing else needs."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `fix` says what to do about it. One that is well and still names a
    fix is a note: something to know, not something broken."""

    check: str
    ok: bool
    message: str
    fix: str = ""


def examine(channel_id: int) -> list[Check]:
    """Every check of a channel; its provider is asked only with credentials that open. Raises NotFound."""
    channel = tenancy.find_channel(channel_id)
    credentials = _credentials(channel)
    accepted = [_probe(channel)] if credentials.ok else []
    return [credentials, *accepted, _reachable(channel), _routed(channel)]


def stays_sealed(channel: Channel) -> bool:
    """Whether the present secret key does not open the channel's credentials."""
    try:
        tenancy.open_credentials(channel)
    except errors.SealError:
        return True
    return False


def _credentials(channel: Channel) -> Check:
    edit = f"wabot channel edit {channel.id} --set …"
    try:
        account = tenancy.account(channel)
    except errors.SealError as error:
        return Check("credentials", False, str(error), f"restore the secret key, or {edit}")
    missing = [key for key in by_name(channel.provider).required if not account.credentials.get(key)]
    if missing:
        return Check("credentials", False, f"missing: {', '.join(missing)}", edit)
    return Check("credentials", True, "all there, and they open")


def _probe(channel: Channel) -> Check:
    try:
        by_name(channel.provider).probe(tenancy.account(channel), config.settings())
    except errors.SetupRefused as error:
        edit = f"wabot channel edit {channel.id} --set …"
        return Check("provider", error.code == CANNOT_BE_ASKED, f"cannot be asked: {error.message}", edit)
    except errors.CredentialsRefused as error:
        fix = f"replace them: wabot channel edit {channel.id} --set …"
        return Check("provider", False, f"refuses the credentials: {error}", fix)
    except errors.ProviderFailure as error:
        return Check("provider", False, f"did not answer well: {error}", "check this machine's network, then try again")
    return Check("provider", True, "accepts the credentials")


def _reachable(channel: Channel) -> Check:
    webhook_url, _ = tenancy.urls(channel)
    shown = webhook_url.replace(channel.key, config.mask(channel.key))
    if channel.provider == "sandbox":
        return Check("webhook", True, "the sandbox calls this machine itself")
    if config.settings().public_host_is_loopback or urlsplit(webhook_url).scheme != "https":
        fix = "set WABOT_PUBLIC_URL to a public https:// address, and enter the new webhookUrl at the provider"
        return Check("webhook", False, f"{shown} cannot be called from outside", fix)
    return Check("webhook", True, shown)


def _routed(channel: Channel) -> Check:
    routed = tenants.channel_by_route(channel.provider, channel.route)
    if channel.status is words.ChannelStatus.PAUSED:
        fix = f"wabot channel resume {channel.id}"
        return Check("routing", False, f"paused: {channel.pause_reason}", fix)
    if routed is None or routed.id != channel.id:
        other = f"channel {routed.id}" if routed else "no channel"
        return Check("routing", False, f"{channel.number} is routed to {other}", "pause the other channel")
    if channel.tenant.status is words.TenantStatus.SUSPENDED:
        fix = f"wabot tenant resume {channel.tenant.slug}"
        return Check("routing", False, f"its tenant {channel.tenant.slug} is suspended", fix)
    return Check("routing", True, f"{channel.number} is routed to {channel.tenant.slug}")
