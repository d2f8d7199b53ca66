"""Records, while a file is being read, that its reader lives, however long one part takes."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from db.archives import reading
from db.engine import FAILURES, Sessions
from db.errors import ServiceError

_EVERY_S = 5.0

log = structlog.get_logger()


@contextmanager
def attended(
    sessions: Sessions, archive_id: int, *, on_sign: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """Record every few seconds, during the block, that the archive's file is being read.

    *on_sign* is called each time too. So it is not called while this process gets no processor
    time, or while the database does not answer.
    """
    is_over = threading.Event()

    def attend() -> None:
        while not is_over.wait(_EVERY_S):
            try:
                with sessions.begin() as session:
                    reading.attend(session, archive_id)
            except (*FAILURES, ServiceError) as error:
                log.warning("archive.not_attended", archive_id=archive_id, error=repr(type(error)))
            on_sign()

    with sessions.begin() as session:
        reading.attend(session, archive_id)
    thread = threading.Thread(target=attend, name="attend", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
