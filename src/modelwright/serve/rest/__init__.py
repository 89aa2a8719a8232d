"""The REST interface: routes, JSON, OpenAPI, and the HTTP protocol."""
