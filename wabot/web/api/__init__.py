"""The JSON API of CONTRACT §5; shapes are made in `shapes`."""

from flask import Blueprint

from wabot.web.api import conversations

blueprint = Blueprint("api", __name__, url_prefix="/api")
blueprint.register_blueprint(conversations.blueprint)
