"""Shows what an import has recognised, and the first rows as it reads them, before it begins."""

from rich.console import Console
from rich.table import Table

from worker.archives.databases import DatabaseArchive
from worker.archives.readers import Archive, Hidden, KnownPair, Reject

console = Console(stderr=True)


def show_sample(file: str, archive: Archive | DatabaseArchive) -> None:
    """Print what *file* is and its first three records; the archive yields them again later."""
    columns = ", ".join(f"{field} from {name!r}" for field, name in archive.columns.names.items())
    console.print(
        f"{file}: {_about(archive)}{archive.form}, {archive.encoding}; {columns}",
        highlight=False,
        markup=False,
    )
    for missing in archive.choice.missing if isinstance(archive, Archive) else ():
        told = f"the table {missing}, which says what is hidden, is missing"
        console.print(told, style="yellow", highlight=False)
    table = Table("line", "id", "question", "author", "asked")
    for record in archive.sample(3):
        if isinstance(record, Reject):
            table.add_row(str(record.line), "", f"rejected: {record.reason}", "", "")
        elif isinstance(record, KnownPair):
            pair = f"{record.first_id} = {record.second_id}"
            table.add_row(str(record.line), "", f"known duplicate: {pair}", "", "")
        elif isinstance(record, Hidden):
            told = f"kept out: {record.reason}"
            table.add_row(str(record.line), record.external_id or "", told, "", "")
        else:
            asked = f"{record.asked_at:%Y-%m-%d}" if record.asked_at else ""
            cells = (record.external_id, record.title[:120], record.author or "", asked)
            table.add_row(str(record.line), *cells)
    console.print(table)


def _about(archive: Archive | DatabaseArchive) -> str:
    return f"{archive.about}; " if isinstance(archive, Archive) else ""
