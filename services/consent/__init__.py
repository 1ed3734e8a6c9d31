"""The consent service: the gate. What a person has not released to a recipient does not reach it."""

__version__ = "0.1.0"
