"""The life of the embedded servers: started once, shared, found again whatever was killed, stopped by the last."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes import wait_until
from tests.theo.embedded.conftest import stop_servers
from tests.theo.embedded.users import User, kill_servers, living, postgres, redis_client, server_pids
from theo.embedded.paths import run_dir

Start = Callable[..., User]


def test_an_empty_folder_becomes_a_postgres_with_pgvector_and_a_durable_redis(data_dir: Path, user: Start) -> None:
    assert user(PGPORT="9999", PGDATA="/nowhere", PGOPTIONS="-c geqo=off", LANG="de_DE.UTF-8").is_ready()
    with postgres(data_dir) as connection, redis_client(data_dir) as client:
        assert connection.execute("SELECT '[1,2]'::vector <=> '[1,2]'").fetchone() == (0,)
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
        policy = client.config_get("appendonly", "appendfsync", "maxmemory-policy")
        assert policy == {"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction"}


def test_nobody_else_of_the_machine_reads_or_asks_them(data_dir: Path, user: Start) -> None:
    assert user().is_ready()
    for path in (*data_dir.glob("*.log"), *data_dir.glob("*.lock"), *(data_dir / name for name in ("postgres", "redis", "run"))):
        assert path.stat().st_mode & 0o077 == 0, path
    assert all(path.stat().st_mode & 0o077 == 0 for path in run_dir(data_dir).iterdir() if path.is_socket())
    with postgres(data_dir) as connection, redis_client(data_dir) as client:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert client.config_get("port") == {"port": "0"}


def test_five_starts_at_once_share_one_pair_of_servers(data_dir: Path, user: Start) -> None:
    users = [user() for _ in range(5)]
    assert all(other.is_ready() for other in users)
    before = server_pids(data_dir)
    assert [other.leave() for other in users[:4]] == ["", "", "", ""]
    assert server_pids(data_dir) == before
    assert users[4].leave() == ""
    assert living(data_dir) == []


@pytest.mark.usefixtures("made")
def test_the_last_user_stops_both_servers_and_the_data_stays(data_dir: Path, user: Start) -> None:
    first, second = user(), user()
    assert first.is_ready() and second.is_ready()
    write(data_dir)
    first.leave()
    assert living(data_dir) == ["postgres", "redis"]
    second.leave()
    assert living(data_dir) == []
    assert list(run_dir(data_dir).iterdir()) == []
    assert user().is_ready()
    assert_written(data_dir)


@pytest.mark.usefixtures("made")
def test_a_killed_owner_leaves_its_servers_to_the_next_user_who_stops_them(data_dir: Path, user: Start) -> None:
    owner = user()
    assert owner.is_ready()
    before = server_pids(data_dir)
    owner.kill()
    heir = user()
    assert heir.is_ready()
    assert server_pids(data_dir) == before
    heir.leave()
    assert living(data_dir) == []


@pytest.mark.parametrize("pid_file", [None, "recycled", "cut short"])
@pytest.mark.usefixtures("made")
def test_after_kill_9_of_everything_the_next_start_has_all_data(data_dir: Path, user: Start, pid_file: str | None) -> None:
    owner = user()
    assert owner.is_ready()
    write(data_dir)
    owner.kill()
    kill_servers(data_dir)
    path = data_dir / "postgres" / "postmaster.pid"
    if pid_file == "recycled":  # by a living process of the same user that has nothing to do with it
        path.write_text(path.read_text().replace(path.read_text().split()[0], str(os.getpid()), 1))
    elif pid_file == "cut short":
        path.write_text("")
    assert user().is_ready()
    assert_written(data_dir)


@pytest.mark.usefixtures("made")
def test_servers_killed_under_a_living_user_come_back_at_the_same_address(data_dir: Path, user: Start) -> None:
    assert user().is_ready()
    write(data_dir)
    kill_servers(data_dir)
    assert user().is_ready()
    assert_written(data_dir)


def test_a_first_start_killed_in_the_middle_does_not_trip_the_next(data_dir: Path, user: Start) -> None:
    for delay_seconds in (0.25, 0.45, 0.65):
        victim = user()
        time.sleep(delay_seconds)
        victim.kill()
    assert user().is_ready()
    with postgres(data_dir) as connection:
        assert connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'vector'").fetchone()


@pytest.mark.usefixtures("made")
def test_a_server_that_does_not_answer_is_named_and_never_replaced(data_dir: Path, user: Start) -> None:
    assert user().is_ready()
    pid = server_pids(data_dir)[1]
    os.kill(pid, signal.SIGSTOP)
    try:
        complaint = user("Redis", answer_seconds=0.5).leave()
    finally:
        os.kill(pid, signal.SIGCONT)
    assert f"runs as process {pid} but has not answered" in complaint
    assert user().is_ready()
    assert server_pids(data_dir)[1] == pid


@pytest.mark.usefixtures("made")
def test_servers_whose_sockets_were_deleted_are_started_again(data_dir: Path, user: Start) -> None:
    assert user().is_ready()
    write(data_dir)
    before = server_pids(data_dir)
    for path in run_dir(data_dir).iterdir():
        path.unlink()
    assert user().is_ready()
    assert not set(before) & set(server_pids(data_dir))
    assert_written(data_dir)


def test_a_deleted_data_folder_is_made_anew(data_dir: Path, user: Start) -> None:
    owner = user("Postgres")
    assert owner.is_ready()
    owner.kill()
    stop_servers(data_dir)
    shutil.rmtree(data_dir)
    assert user("Postgres").is_ready()


def test_a_forked_relative_keeps_the_servers_when_its_parent_ends(data_dir: Path, user: Start) -> None:
    forks = """
import os, sys
from pathlib import Path
from theo.embedded.redis import Redis
from theo.embedded import servers
servers.start(Path(sys.argv[1]), [Redis])
child = os.fork()
sys.stdout.write("ready\\n" if child else "")
sys.stdout.flush()
if not child:
    sys.stdin.read()
"""
    family = user(script=forks)
    assert family.is_ready()
    family.process.wait(timeout=60)
    assert living(data_dir) == ["redis"]
    family.leave()  # closes the child's standard input
    wait_until(lambda: living(data_dir) == [])


def write(data_dir: Path) -> None:
    with postgres(data_dir) as connection, redis_client(data_dir) as client:
        connection.execute("CREATE TABLE note AS SELECT 'kept' AS text")
        client.set("note", "kept")


def assert_written(data_dir: Path) -> None:
    with postgres(data_dir) as connection, redis_client(data_dir) as client:
        assert connection.execute("SELECT text FROM note").fetchone() == ("kept",)
        assert client.get("note") == b"kept"
