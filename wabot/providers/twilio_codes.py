"""What Twilio's error codes mean for a message.

Source: the page of each code, https://www.twilio.com/docs/api/errors/<code>, with titles checked against
courier's and twilio-error-rs' tables, as of November 2026 (facts/providers §1.7). Twilio publishes no
table of what may be tried again; the classes are read from each page's wording.

Warnings (63046, 63052), errors of other products (63035 RCS …) and those of fetching our webhook (11200) end no
message and are not here.
"""

from collections.abc import Mapping

from wabot import errors
from wabot.providers import answers
from wabot.words import Reason

MEANINGS: Mapping[str, answers.Meaning] = answers.meanings(
    # Too fast, or a queue or the day's limit is full: nothing was processed.
    ("20429 21611 30001 63017 63018", errors.Throttled, Reason.RATE),
    ("63038", errors.Throttled, Reason.DAY_LIMIT),
    ("14107", errors.TemporaryFailure, Reason.LOOP),
    ("20503 30008 63009 63010 63012 63023", errors.TemporaryFailure, Reason.PROVIDER),
    ("63037", errors.TemporaryFailure, Reason.MEDIA),
    # Internal errors whose pages say that trying again can deliver twice.
    ("20500 20504", errors.UnknownOutcome, Reason.NO_ANSWER),
    # The account, its token or its WhatsApp account is refused, locked or gone: no message can go.
    ("20003 20101 20102 20103 20104 20105 20106 20107 20404", errors.CredentialsRefused, Reason.TOKEN),
    ("20006", errors.CredentialsRefused, Reason.PERMISSION),
    ("20005 63051 63100 63101 63102 63109 63111 63112", errors.CredentialsRefused, Reason.ACCOUNT),
    ("63103", errors.CredentialsRefused, Reason.PAYMENT),
    # 63031 is listed as configuration, but what is wrong is the customer's number: it is the channel's own.
    ("21211 21614 63031", errors.RecipientRefused, Reason.NUMBER),
    # 63029: this receiver's WhatsApp could not load the template; for others it is good.
    ("63003 63024 63029", errors.RecipientRefused, Reason.NOT_ON_WHATSAPP),
    ("21610 63033", errors.RecipientRefused, Reason.OPTED_OUT),
    ("63014", errors.RecipientRefused, Reason.BLOCKED),
    ("63015", errors.RecipientRefused, Reason.NOT_INVITED),
    ("63016", errors.RecipientRefused, Reason.WINDOW),
    ("63032", errors.RecipientRefused, Reason.EXPERIMENT),
    # Meta chose not to deliver; trying again within a day prolongs that.
    ("63049", errors.RecipientRefused, Reason.MARKETING_CAP),
    ("21602 21617 21619 21658 63005 63006 63011 63013 63021", errors.PermanentFailure, Reason.CONTENT),
    ("11751 21620 21623 63019 63025 63034", errors.PermanentFailure, Reason.MEDIA),
    ("63026", errors.PermanentFailure, Reason.SPAM),
    # Buttons and lists are sent as contents too: there 21654 to 92007 mean that content, no registered template.
    ("21654 21655 63027 92005", errors.TemplateRefused, Reason.TEMPLATE_UNKNOWN),
    ("216602 63040 63041 63042 63043 63044 63045 63047", errors.TemplateRefused, Reason.TEMPLATE_REFUSED),
    ("21656 63028 63030 92002 92007", errors.TemplateRefused, Reason.TEMPLATE_VARIABLES),
    (
        "21212 21601 21603 21606 21609 21657 21659 21660 21661 21703 21910 63001 63002 63007 63008 63020 63022",
        errors.SetupRefused,
        Reason.SETUP,
    ),
    waits={"63038": answers.LONGEST_WAIT_SECONDS},  # the day's limit: asking again every few seconds would not help
)

CONTENT_GONE = frozenset({"20404", "21655"})
"""The ContentSid is unknown to the account (page 21655: deleted, or of another account)."""
