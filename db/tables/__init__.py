"""The tables, one module an owner. `every_table()` loads all of them, for migrations and tests."""

from __future__ import annotations

import importlib
import pkgutil

from sqlalchemy import MetaData


def every_table() -> MetaData:
    """The metadata with every module of this package loaded."""
    from db.tables.base import Base

    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return Base.metadata
