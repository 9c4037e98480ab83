"""The embedded Valkey: channel layer, Celery's broker and cache, on a Unix socket in a folder only we enter."""

import signal
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from futsim.stack.binaries import Binaries
from futsim.stack.children import Program
from futsim.stack.logs import Log
from futsim.stack.paths import Account, Places, own_folder
from futsim.stack.postgres import server_environment


@dataclass(frozen=True)
class Valkey:
    """The server of one state folder."""

    executable: Path
    home: Path
    socket: Path
    account: Account | None = None
    throwaway: bool = False

    @property
    def url(self) -> str:
        """REDIS_URL."""
        return f"unix://{self.socket}"

    def prepare(self) -> None:
        """Makes the server's folder."""
        own_folder(self.home, self.account)

    def program(self) -> Program:
        """How the supervisor runs it. The paths in the options need no quoting: see `paths.PLAIN_PATH`."""
        command = [str(self.executable), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        command += ["--appendonly", "no" if self.throwaway else "yes", "--appendfsync", "everysec", "--save", ""]
        return Program(
            name="valkey",
            command=tuple(command),
            environment=server_environment(self.home),
            is_ready=self.answers,
            before_start=self.recover,
            account=self.account,
            folder=self.home,
            stop_signal=signal.SIGTERM,
        )

    def answers(self, _log: Log | None = None) -> bool:
        """Whether the server takes commands; not while it still reads its journal."""
        with self._client() as client:
            try:
                return bool(client.ping())
            except (redis.ConnectionError, redis.TimeoutError, redis.ResponseError):
                return False

    def recover(self) -> None:
        """Ends a server whose supervisor and guard were both killed: two must not write one journal."""
        with self._client() as client:
            try:
                client.shutdown()
            except (redis.ConnectionError, redis.TimeoutError):
                self.socket.unlink(missing_ok=True)

    def _client(self) -> redis.Redis:
        once = Retry(NoBackoff(), 0)  # redis-py would try again for seconds; the supervisor asks often enough
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=2, retry=once)


def embedded(places: Places, binaries: Binaries, *, throwaway: bool = False) -> Valkey:
    """The server that belongs to the places."""
    return Valkey(
        executable=binaries.valkey,
        home=places.servers / "valkey",
        socket=places.sockets() / "valkey.sock",
        account=places.account,
        throwaway=throwaway,
    )
