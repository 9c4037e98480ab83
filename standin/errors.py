"""Errors in Databento's JSON shapes."""

from typing import Any

DOCS = "https://databento.com/docs/api-reference-historical"


class ApiError(Exception):
    """An answer that is not 200: `{"detail": {case, message, status_code, docs, payload}}`."""

    def __init__(self, status: int, case: str, message: str, *, payload: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status, self.case, self.message, self.payload = status, case, message, payload or {}

    def body(self) -> dict[str, Any]:
        return {
            "detail": {
                "case": self.case,
                "message": self.message,
                "status_code": self.status,
                "docs": DOCS,
                "payload": self.payload,
            }
        }


class BadField(ApiError):
    """A field that is missing or makes no sense, in the list form of request validation."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(422, "validation", message)
        self.field = field

    def body(self) -> dict[str, Any]:
        return {"detail": [{"loc": ["body", self.field], "msg": self.message, "type": "value_error"}]}
