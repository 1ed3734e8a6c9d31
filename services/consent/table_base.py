"""The registry that all tables of the consent service, and no others, belong to."""

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import registry
from sqlmodel import SQLModel


class Base(SQLModel, registry=registry()):
    """The registry of this service alone."""


def columns(row: type[SQLModel], *names: str) -> list[ColumnElement[Any]]:  # Any: columns of many types
    """Return columns to be asked for by themselves: cheaper than rows that can be changed."""
    return [getattr(row, name) for name in names]
