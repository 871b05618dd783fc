"""What webhooks are measured against: a Flask application that does nothing, under the same gunicorn.conf.py."""

from flask import Flask, Response

app = Flask("empty")


@app.post("/whatsapp/webhook")
def empty() -> Response:
    """The answer that a provider gets from wabot, for nothing."""
    return Response("<Response/>", content_type="text/xml")


@app.get("/health/live")
def live() -> str:
    return "ok\n"
