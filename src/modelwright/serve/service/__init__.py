"""The service that both protocols call, with metrics, API keys and the access log."""
