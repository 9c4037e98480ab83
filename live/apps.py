from django.apps import AppConfig


class LiveConfig(AppConfig):
    name = "live"

    def ready(self) -> None:
        from alerts import live_clock  # noqa: PLC0415 - models are there only now
        from live import status  # noqa: PLC0415

        live_clock.ask_by(status.market_now_ns)
