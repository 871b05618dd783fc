"""What a scheduler from outside may call."""

from dataclasses import asdict

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import MethodNotAllowed

from wabot import jobs
from wabot.core import cron, delivery
from wabot.web import auth

blueprint = Blueprint("cron", __name__, url_prefix="/cron")


@blueprint.route("/whatsapp-retry", methods=["GET", "POST"])
def retry() -> Response:
    """Send what is due now."""
    if request.method == "HEAD":
        raise MethodNotAllowed(["GET", "POST"])
    auth.scheduler_only()
    return jsonify(asdict(cron.send_due(delivery.pace(jobs.senders()))))
