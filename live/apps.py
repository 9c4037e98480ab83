from django.apps import AppConfig


class LiveConfig(AppConfig):
    name = "live"

    def ready(self) -> None:
        """Alerts are told how to ask what time it is in the live market."""
        from alerts import live_clock
        from live import status

        live_clock.ask_by(status.market_now_ns)
