"""HTTP: the JSON API and the webhooks of the channels."""
