"""The templates that a tenant's channels can send."""

from flask import Blueprint, Response, jsonify

from wabot.core import shapes
from wabot.store import templates
from wabot.web import auth

blueprint = Blueprint("templates", __name__, url_prefix="/restaurants/<slug>/templates")


@blueprint.get("")
def of_tenant(slug: str) -> Response:
    """The templates of a tenant's channels, by channel and name."""
    tenant = auth.tenant_for(slug)
    return jsonify(data=[shapes.template(row) for row in templates.of_tenant(tenant.id)])
