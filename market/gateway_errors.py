"""What can go wrong at the vendor's door, in words a trader can act on."""

from dataclasses import dataclass

RETRYABLE_STATUS = frozenset({408, 429, 500, 502, 503, 504})

ADVICE = {
    400: "This is a fault of futsim's request; please report it with the text above.",
    401: "The key was refused. Check DATABENTO_API_KEY and start futsim again.",
    402: "The Databento account lacks funds. Add funds or a plan in Databento's portal.",
    403: "The Databento account may not use this. Check account, plan and licences in Databento's portal.",
    404: "The gateway does not know this symbol.",
    409: "The gateway is busy with the same request. Try again in a minute.",
    422: "The gateway cannot serve this range or symbol. Choose another moment.",
    429: "Try again in a minute.",
}
DOWN = "Check the network, then try again."
LATER = "The fault is on the gateway's side. Try again in a minute."


@dataclass(eq=False)
class GatewayError(Exception):
    """The data gateway refused, failed or did not answer.

    status: HTTP status, None when there was no answer. case: Databento's name of the fault, "" when it gave none.
    message: the gateway's own words. payload: its machine-readable details.
    """

    status: int | None
    case: str
    message: str
    payload: dict[str, str]
    retry_after: float | None = None

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status is None or self.status in RETRYABLE_STATUS

    @property
    def advice(self) -> str:
        """What the user can do."""
        if self.status is None:
            return DOWN
        return ADVICE.get(self.status, LATER if self.status >= 500 else ADVICE[400])

    @property
    def words(self) -> str:
        """The gateway's own words as a sentence."""
        return self.message if self.message.endswith((".", "!", "?")) else f"{self.message}."

    def __str__(self) -> str:
        status = f"{self.status}: " if self.status else ""
        return f"The data gateway says: {status}{self.words} {self.advice}"


class NotYetAvailable(GatewayError):
    """All of a request lies beyond the end of what the dataset, or the licence, has. end_ns: that end, UTC ns."""

    def __init__(self, refusal: GatewayError, dataset: str, end_ns: int) -> None:
        super().__init__(refusal.status, refusal.case, refusal.message, refusal.payload)
        self.dataset, self.end_ns = dataset, end_ns


class DamagedDownload(GatewayError):
    """The body that came is not what the gateway said it would send."""

    def __init__(self, expected: int, got: int) -> None:
        super().__init__(None, "damaged_download", f"{got} of {expected} records arrived.", {})

    @property
    def advice(self) -> str:
        return "The download was cut short and thrown away; nothing was stored. Try again."
