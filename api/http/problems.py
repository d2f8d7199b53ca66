"""Errors as they are answered, by RFC 9457, and so the schemas of the OpenAPI document."""

from pydantic import BaseModel, ConfigDict, Field


class FieldProblem(BaseModel):
    """One wrong field."""

    model_config = ConfigDict(frozen=True)

    detail: str
    pointer: str | None = Field(default=None, description="JSON pointer into the body")
    parameter: str | None = Field(default=None, description="Parameter of the path or the query")


class Problem(BaseModel):
    """An error, by RFC 9457."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(examples=["urn:askedbefore:forum-not-found"])
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = Field(default=[], description="Present when fields are wrong")
