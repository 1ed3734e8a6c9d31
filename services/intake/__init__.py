"""Intake: a case begins here, by a commission, by the person's own step or on the street. It alone holds names."""

__version__ = "0.1.0"
