"""The OpenAPI description of what machines ask of this server, and GET /openapi.json, which gives it away."""

from rxauth.edge.openapi.description import PATH, document, show

__all__ = ["PATH", "document", "show"]
