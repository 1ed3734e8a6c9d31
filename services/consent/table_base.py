"""The registry that all tables of the consent service, and no others, belong to."""

from sqlalchemy.orm import registry
from sqlmodel import SQLModel


class Base(SQLModel, registry=registry()):
    """The registry of this service alone."""
