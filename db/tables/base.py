"""The declarative base and the columns that many tables share."""

from datetime import datetime
from typing import Annotated

from sqlalchemy import BigInteger, DateTime, Identity, MetaData, func, text
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

BigId = Annotated[int, mapped_column(BigInteger, Identity(always=True), primary_key=True)]
Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Now = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]


Trace = Annotated[
    str | None,
    mapped_column(server_default=text("nullif(current_setting('askedbefore.trace', true), '')")),
]
"""The trace of the transaction that wrote the row, as a W3C traceparent."""


class Base(DeclarativeBase):
    """Base of all tables; constraints get stable names for the migrations."""

    metadata = MetaData(naming_convention=NAMING)
