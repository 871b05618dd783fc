"""`huey_consumer huey_app.huey`: the consumer."""

from wabot import boot
from wabot.jobs import tasks

boot.start()
huey = tasks.huey
