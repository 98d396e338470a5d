"""The Model port and its implementations: `offline` (deterministic, no key) and litellm (any provider)."""
