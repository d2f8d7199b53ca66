"""The forum programs whose databases can be read, by name."""

from worker.archives.databases.mysql_shapes import FLARUM, MYBB, PHPBB, SMF, VBULLETIN, XENFORO
from worker.archives.databases.postgres_shapes import ASKBOT, DISCOURSE, MISAGO

SHAPES = {
    shape.name: shape
    for shape in (PHPBB, SMF, MYBB, FLARUM, XENFORO, VBULLETIN, DISCOURSE, MISAGO, ASKBOT)
}
