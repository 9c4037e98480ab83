from django.apps import AppConfig


class RanksConfig(AppConfig):
    name = "ranks"

    def ready(self) -> None:
        """Have the web process know who does the jobs of ranks, as the workers do."""
        from ranks import tasks  # noqa: F401
