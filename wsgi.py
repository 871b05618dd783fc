"""`gunicorn wsgi:app`: the web process."""

from wabot import boot
from wabot.web import create_app

boot.start()
app = create_app()
