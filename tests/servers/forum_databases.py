# ruff: noqa: E501  # statements of SQL, a row on a line
"""Small databases of forum programs with their public schemas, and a MariaDB for them."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
import pytest

PHPBB = """
CREATE TABLE phpbb_topics (topic_id int unsigned PRIMARY KEY, forum_id int unsigned,
  topic_title varchar(255), topic_first_poster_name varchar(255), topic_time int unsigned,
  topic_views int unsigned, topic_status tinyint, topic_visibility tinyint,
  topic_posts_approved int unsigned, topic_first_post_id int unsigned, topic_moved_id int unsigned);
CREATE TABLE phpbb_posts (post_id int unsigned PRIMARY KEY, topic_id int unsigned,
  post_text mediumtext, post_edit_time int unsigned);
CREATE TABLE phpbb_forums (forum_id int unsigned PRIMARY KEY, forum_name varchar(255),
  forum_password varchar(255));
CREATE TABLE phpbb_groups (group_id int unsigned PRIMARY KEY, group_name varchar(255));
CREATE TABLE phpbb_acl_groups (group_id int unsigned, forum_id int unsigned,
  auth_option_id int unsigned, auth_role_id int unsigned, auth_setting tinyint);
CREATE TABLE phpbb_acl_options (auth_option_id int unsigned PRIMARY KEY, auth_option varchar(50));
CREATE TABLE phpbb_acl_roles_data (role_id int unsigned, auth_option_id int unsigned,
  auth_setting tinyint);
INSERT INTO phpbb_forums VALUES (1, 'Kitchen', ''), (2, 'Staff', ''), (3, 'Club', 'hash');
INSERT INTO phpbb_groups VALUES (1, 'GUESTS'), (2, 'REGISTERED'), (5, 'ADMINISTRATORS');
INSERT INTO phpbb_acl_options VALUES (20, 'f_read');
INSERT INTO phpbb_acl_roles_data VALUES (17, 20, 1), (16, 20, 0);
INSERT INTO phpbb_acl_groups VALUES (1, 1, 0, 17, 0), (1, 3, 20, 0, 1), (5, 2, 0, 17, 0),
  (2, 2, 0, 16, 0);
INSERT INTO phpbb_posts VALUES (11, 1, '<r>Mine <B><s>[b]</s>cracks<e>[/b]</e></B> &amp; leaks</r>', 1500000000);
INSERT INTO phpbb_topics VALUES
  (1, 1, 'How do I boil an &quot;egg&quot;?', 'ana', 1400000000, 120, 1, 1, 4, 11, 0),
  (2, 1, 'Deleted one', 'ben', 1400000001, 0, 0, 2, 1, 12, 0),
  (3, 1, 'Waiting one', 'ben', 1400000002, 0, 0, 0, 1, 13, 0),
  (4, 1, 'Moved one', 'ben', 1400000003, 0, 2, 1, 1, 14, 9),
  (5, 2, 'Of the staff', 'ben', 1400000004, 0, 0, 1, 1, 15, 0),
  (6, 3, 'Of the club', 'ben', 1400000005, 0, 0, 1, 1, 16, 0),
  (7, 1, 'How do I peel a leek?', 'cid', 1400000006, 3, 0, 1, 1, 17, 0);
"""
SMF = """
CREATE TABLE smf_topics (id_topic int unsigned PRIMARY KEY, id_board int unsigned,
  id_first_msg int unsigned, num_replies int unsigned, num_views int unsigned, locked tinyint,
  approved tinyint, id_redirect_topic int unsigned);
CREATE TABLE smf_messages (id_msg int unsigned PRIMARY KEY, subject varchar(255), body text,
  poster_name varchar(255), poster_time int unsigned, modified_time int unsigned);
CREATE TABLE smf_boards (id_board int unsigned PRIMARY KEY, name varchar(255),
  member_groups varchar(255));
CREATE TABLE smf_settings (variable varchar(255), value text);
INSERT INTO smf_boards VALUES (1, 'Kitchen', '-1,0,2'), (2, 'Staff', '1,2'), (3, 'Bin', '-1,0');
INSERT INTO smf_settings VALUES ('recycle_enable', '1'), ('recycle_board', '3');
INSERT INTO smf_messages VALUES (11, 'How do I boil an &quot;egg&quot;?', 'Mine [b]cracks[/b]<br />so', 'ana',
  1400000000, 0), (12, 'Any', '', 'ben', 1400000001, 0);
INSERT INTO smf_topics VALUES (1, 1, 11, 3, 120, 1, 1, 0), (2, 1, 12, 0, 0, 0, 0, 0),
  (3, 2, 12, 0, 0, 0, 1, 0), (4, 3, 12, 0, 0, 0, 1, 0), (5, 1, 12, 0, 0, 0, 1, 8);
"""
MYBB = """
CREATE TABLE mybb_threads (tid int unsigned PRIMARY KEY, fid int unsigned, subject varchar(120),
  username varchar(120), dateline int unsigned, firstpost int unsigned, views int unsigned,
  replies int unsigned, closed varchar(30), visible tinyint, deletetime int unsigned);
CREATE TABLE mybb_posts (pid int unsigned PRIMARY KEY, message mediumtext, edittime int unsigned);
CREATE TABLE mybb_forums (fid int unsigned PRIMARY KEY, name varchar(120), password varchar(50),
  active tinyint, parentlist text);
CREATE TABLE mybb_forumpermissions (fid int unsigned, gid int unsigned, canview tinyint,
  canviewthreads tinyint);
INSERT INTO mybb_forums VALUES (1, 'Kitchen', '', 1, '1'), (2, 'Staff', '', 1, '2'),
  (3, 'Below', '', 1, '2,3'), (4, 'Club', 'x', 1, '4'), (5, 'Off', '', 0, '5');
INSERT INTO mybb_forumpermissions VALUES (2, 2, 0, 0), (2, 4, 1, 1), (1, 2, 1, 1);
INSERT INTO mybb_posts VALUES (11, 'Mine [b]cracks[/b]', 0);
INSERT INTO mybb_threads VALUES
  (1, 1, 'How do I boil an "egg"?', 'ana', 1400000000, 11, 120, 3, '1', 1, 0),
  (2, 1, 'Deleted', 'ben', 1400000000, 12, 0, 0, '', -1, 1500000000),
  (3, 1, 'Waiting', 'ben', 1400000000, 12, 0, 0, '', 0, 0),
  (4, 1, 'Moved', 'ben', 1400000000, 12, 0, 0, 'moved|9', 1, 0),
  (5, 2, 'Staff', 'ben', 1400000000, 12, 0, 0, '', 1, 0),
  (6, 3, 'Below', 'ben', 1400000000, 12, 0, 0, '', 1, 0),
  (7, 4, 'Club', 'ben', 1400000000, 12, 0, 0, '', 1, 0),
  (8, 5, 'Off', 'ben', 1400000000, 12, 0, 0, '', 1, 0);
"""
FLARUM = """
CREATE TABLE flarum_discussions (id int unsigned PRIMARY KEY, title varchar(200),
  comment_count int, created_at datetime, user_id int unsigned, first_post_id int unsigned,
  hidden_at datetime, is_private tinyint(1), is_approved tinyint(1), is_locked tinyint(1),
  best_answer_post_id int unsigned);
CREATE TABLE flarum_posts (id int unsigned PRIMARY KEY, content mediumtext, edited_at datetime);
CREATE TABLE flarum_users (id int unsigned PRIMARY KEY, username varchar(100));
CREATE TABLE flarum_tags (id int unsigned PRIMARY KEY, name varchar(100), is_restricted tinyint(1));
CREATE TABLE flarum_discussion_tag (discussion_id int unsigned, tag_id int unsigned);
CREATE TABLE flarum_group_permission (group_id int unsigned, permission varchar(100));
INSERT INTO flarum_users VALUES (1, 'ana');
INSERT INTO flarum_tags VALUES (1, 'eggs', 0), (2, 'staff', 1), (3, 'members', 1);
INSERT INTO flarum_group_permission VALUES (4, 'tag2.viewForum'), (3, 'tag3.viewForum');
INSERT INTO flarum_posts VALUES (11, '<t><p>Mine cracks</p></t>', NULL);
INSERT INTO flarum_discussions VALUES
  (1, 'How do I boil an "egg"?', 4, '2014-05-13 16:53:20', 1, 11, NULL, 0, 1, 1, 77),
  (2, 'Deleted', 1, '2014-05-13 16:53:20', 1, 12, '2015-01-01', 0, 1, 0, NULL),
  (3, 'Private', 1, '2014-05-13 16:53:20', 1, 12, NULL, 1, 1, 0, NULL),
  (4, 'Waiting', 1, '2014-05-13 16:53:20', 1, 12, NULL, 0, 0, 0, NULL),
  (5, 'Staff', 1, '2014-05-13 16:53:20', 1, 12, NULL, 0, 1, 0, NULL),
  (6, 'How do members peel?', 1, '2014-05-13 16:53:20', 1, 12, NULL, 0, 1, 0, NULL);
INSERT INTO flarum_discussion_tag VALUES (1, 1), (5, 2), (6, 3);
"""
XENFORO = """
CREATE TABLE xf_thread (thread_id int unsigned PRIMARY KEY, node_id int unsigned, title varchar(150),
  reply_count int unsigned, view_count int unsigned, user_id int unsigned, username varchar(50),
  post_date int unsigned, discussion_state varchar(20), discussion_open tinyint,
  discussion_type varchar(50), first_post_id int unsigned, vote_score int);
CREATE TABLE xf_post (post_id int unsigned PRIMARY KEY, message mediumtext, last_edit_date int unsigned);
CREATE TABLE xf_node (node_id int unsigned PRIMARY KEY, title varchar(50), lft int, rgt int);
CREATE TABLE xf_thread_question (thread_id int unsigned, solution_post_id int unsigned);
CREATE TABLE xf_permission_entry_content (content_type varbinary(25), content_id int unsigned,
  user_group_id int unsigned, user_id int unsigned, permission_id varbinary(25),
  permission_value varchar(20));
INSERT INTO xf_node VALUES (1, 'Kitchen', 1, 2), (2, 'Staff', 3, 6), (3, 'Below', 4, 5);
INSERT INTO xf_permission_entry_content VALUES ('node', 2, 0, 0, 'viewNode', 'reset');
INSERT INTO xf_thread_question VALUES (1, 77);
INSERT INTO xf_post VALUES (11, 'Mine [B]cracks[/B]', 1500000000);
INSERT INTO xf_thread VALUES
  (1, 1, 'How do I boil an "egg"?', 3, 120, 1, 'ana', 1400000000, 'visible', 0, 'question', 11, 5),
  (2, 1, 'Deleted', 0, 0, 1, 'ben', 1400000000, 'deleted', 1, 'discussion', 12, 0),
  (3, 1, 'Waiting', 0, 0, 1, 'ben', 1400000000, 'moderated', 1, 'discussion', 12, 0),
  (4, 1, 'Moved', 0, 0, 1, 'ben', 1400000000, 'visible', 1, 'redirect', 12, 0),
  (5, 2, 'Staff', 0, 0, 1, 'ben', 1400000000, 'visible', 1, 'discussion', 12, 0),
  (6, 3, 'Below', 0, 0, 1, 'ben', 1400000000, 'visible', 1, 'discussion', 12, 0);
"""
VBULLETIN = """
CREATE TABLE thread (threadid int unsigned PRIMARY KEY, forumid int unsigned, title varchar(250),
  open tinyint, replycount int unsigned, views int unsigned, postusername varchar(100),
  dateline int unsigned, visible tinyint, firstpostid int unsigned, taglist mediumtext);
CREATE TABLE post (postid int unsigned PRIMARY KEY, pagetext mediumtext);
CREATE TABLE forum (forumid int unsigned PRIMARY KEY, title varchar(100), password varchar(50),
  parentlist varchar(100));
CREATE TABLE forumpermission (forumid int unsigned, usergroupid int unsigned,
  forumpermissions int unsigned);
CREATE TABLE editlog (postid int unsigned PRIMARY KEY, dateline int unsigned);
INSERT INTO editlog VALUES (11, 1500000000);
INSERT INTO forum VALUES (1, 'Kitchen', '', '1,-1'), (2, 'Staff', '', '2,-1'), (3, 'Club', 'x', '3,-1');
INSERT INTO forumpermission VALUES (2, 2, 0), (2, 6, 1), (1, 2, 4099);
INSERT INTO post VALUES (11, 'Mine [B]cracks[/B]');
INSERT INTO thread VALUES
  (1, 1, 'How do I boil an &quot;egg&quot;?', 0, 3, 120, 'ana', 1400000000, 1, 11, 'eggs, boiling'),
  (2, 1, 'Deleted', 1, 0, 0, 'ben', 1400000000, 2, 12, ''),
  (3, 1, 'Waiting', 1, 0, 0, 'ben', 1400000000, 0, 12, ''),
  (4, 1, 'Moved', 10, 0, 0, 'ben', 1400000000, 1, 12, ''),
  (5, 2, 'Staff', 1, 0, 0, 'ben', 1400000000, 1, 12, ''),
  (6, 3, 'Club', 1, 0, 0, 'ben', 1400000000, 1, 12, '');
"""
DISCOURSE = """
CREATE TABLE topics (id serial PRIMARY KEY, title varchar, category_id int, user_id int,
  created_at timestamp, posts_count int, views int, like_count int, closed boolean, archived boolean,
  visible boolean, archetype varchar, deleted_at timestamp);
CREATE TABLE posts (id serial PRIMARY KEY, topic_id int, post_number int, raw text,
  last_version_at timestamp, deleted_at timestamp);
CREATE TABLE categories (id serial PRIMARY KEY, name varchar, read_restricted boolean);
CREATE TABLE users (id serial PRIMARY KEY, username varchar);
CREATE TABLE topic_custom_fields (topic_id int, name varchar, value text);
CREATE TABLE topic_tags (topic_id int, tag_id int);
CREATE TABLE tags (id serial PRIMARY KEY, name varchar);
INSERT INTO categories VALUES (1, 'Kitchen', false), (2, 'Staff', true);
INSERT INTO users VALUES (1, 'ana');
INSERT INTO tags VALUES (1, 'eggs');
INSERT INTO topic_tags VALUES (1, 1);
INSERT INTO topic_custom_fields VALUES (1, 'accepted_answer_post_id', '77');
INSERT INTO posts VALUES (11, 1, 1, 'Mine cracks', '2017-07-14 02:40:00', NULL),
  (12, 1, 2, 'An answer', '2017-07-14 02:40:00', NULL);
INSERT INTO topics VALUES
  (1, 'How do I boil an "egg"?', 1, 1, '2014-05-13 16:53:20', 4, 120, 5, true, false, true, 'regular', NULL),
  (2, 'To you alone', NULL, 1, '2014-05-13', 1, 0, 0, false, false, true, 'private_message', NULL),
  (3, 'Deleted', 1, 1, '2014-05-13', 1, 0, 0, false, false, true, 'regular', '2015-01-01'),
  (4, 'Unlisted', 1, 1, '2014-05-13', 1, 0, 0, false, false, false, 'regular', NULL),
  (5, 'Staff', 2, 1, '2014-05-13', 1, 0, 0, false, false, true, 'regular', NULL);
"""
MISAGO = """
CREATE TABLE misago_categories_category (id serial PRIMARY KEY, name varchar, special_role varchar,
  tree_id int, level int, lft int, rght int);
CREATE TABLE misago_acl_role (id serial PRIMARY KEY, name varchar, special_role varchar);
CREATE TABLE misago_categories_categoryrole (id serial PRIMARY KEY, name varchar, permissions jsonb);
CREATE TABLE misago_categories_rolecategoryacl (id serial PRIMARY KEY, role_id int, category_id int,
  category_role_id int);
INSERT INTO misago_acl_role VALUES (1, 'Members', 'authenticated'), (2, 'Guests', 'anonymous'), (3, 'Staff', NULL);
INSERT INTO misago_categories_categoryrole VALUES
  (1, 'See only', '{"misago.categories.permissions": {"can_see": 1, "can_browse": 0}}'),
  (2, 'Read', '{"misago.categories.permissions": {"can_see": 1, "can_browse": 1}}');
INSERT INTO misago_categories_rolecategoryacl (role_id, category_id, category_role_id) VALUES
  (1, 2, 2), (3, 3, 2), (1, 3, 1), (1, 4, 2), (2, 4, 2);
CREATE TABLE misago_threads_thread (id serial PRIMARY KEY, title varchar, category_id int,
  starter_name varchar, started_on timestamptz, replies int, is_hidden boolean,
  is_unapproved boolean, is_closed boolean, first_post_id int, best_answer_id int);
CREATE TABLE misago_threads_post (id serial PRIMARY KEY, original text, updated_on timestamptz,
  likes int);
INSERT INTO misago_categories_category VALUES (1, 'Private', 'private_threads', 0, 0, 1, 2),
  (2, 'Kitchen', NULL, 1, 1, 2, 3), (3, 'Staff', NULL, 1, 1, 4, 7), (4, 'Below staff', NULL, 1, 2, 5, 6);
INSERT INTO misago_threads_post VALUES (11, 'Mine cracks', '2017-07-14 02:40:00Z', 5);
INSERT INTO misago_threads_thread VALUES
  (1, 'How do I boil an "egg"?', 2, 'ana', '2014-05-13 16:53:20Z', 3, false, false, true, 11, 77),
  (2, 'Hidden', 2, 'ben', '2014-05-13Z', 0, true, false, false, 12, NULL),
  (3, 'Waiting', 2, 'ben', '2014-05-13Z', 0, false, true, false, 12, NULL),
  (4, 'To you alone', 1, 'ben', '2014-05-13Z', 0, false, false, false, 12, NULL),
  (5, 'Among the staff', 3, 'ben', '2014-05-13Z', 0, false, false, false, 12, NULL),
  (6, 'Below the staff', 4, 'ben', '2014-05-13Z', 0, false, false, false, 12, NULL);
"""
MISAGO_GROUPS = """
DROP TABLE misago_categories_rolecategoryacl, misago_categories_categoryrole, misago_acl_role;
CREATE TABLE misago_permissions_categorygrouppermission (id serial PRIMARY KEY, category_id int,
  group_id int, permission varchar);
INSERT INTO misago_permissions_categorygrouppermission (category_id, group_id, permission) VALUES
  (2, 3, 'see'), (2, 3, 'browse'), (3, 2, 'see'), (3, 2, 'browse'), (3, 3, 'see'), (3, 4, 'browse'),
  (4, 3, 'see'), (4, 3, 'browse');
"""
"""Tables of newer versions of Misago, which have groups and not roles."""
ASKBOT = """
CREATE TABLE auth_user (id serial PRIMARY KEY, username varchar);
CREATE TABLE askbot_thread (id serial PRIMARY KEY, title varchar, tagnames varchar, view_count int,
  answer_count int, accepted_answer_id int, closed boolean, approved boolean, deleted boolean,
  language_code varchar);
CREATE TABLE askbot_post (id serial PRIMARY KEY, post_type varchar, thread_id int, text text,
  author_id int, added_at timestamptz, last_edited_at timestamptz, deleted boolean, points int,
  approved boolean);
CREATE TABLE auth_group (id serial PRIMARY KEY, name varchar);
CREATE TABLE auth_user_groups (id serial PRIMARY KEY, user_id int, group_id int);
CREATE TABLE askbot_thread_groups (id serial PRIMARY KEY, thread_id int, group_id int, visibility int);
INSERT INTO auth_user VALUES (1, 'ana'), (2, 'ben');
INSERT INTO auth_group VALUES (1, '_internal_1'), (2, 'Everybody here'), (3, 'editors');
INSERT INTO auth_user_groups (user_id, group_id) VALUES (1, 1), (1, 2), (2, 2), (1, 3);
INSERT INTO askbot_thread_groups (thread_id, group_id, visibility) VALUES
  (51, 1, 0), (51, 2, 1), (52, 2, 1), (53, 2, 1), (54, 1, 0), (54, 3, 1);
INSERT INTO askbot_thread VALUES
  (51, 'How do I boil an "egg"?', 'eggs boiling', 120, 3, 77, true, true, false, 'en'),
  (52, 'Deleted', '', 0, 0, NULL, false, true, false, 'en'),
  (53, 'Waiting', '', 0, 0, NULL, false, false, false, 'en'),
  (54, 'Among editors', '', 0, 0, NULL, false, true, false, 'en');
INSERT INTO askbot_post VALUES
  (1, 'question', 51, 'Mine cracks', 1, '2014-05-13 16:53:20Z', '2017-07-14 02:40:00Z', false, 5, true),
  (2, 'question', 52, 'x', 1, '2014-05-13Z', NULL, true, 0, true),
  (3, 'question', 53, 'x', 1, '2014-05-13Z', NULL, false, 0, true),
  (4, 'question', 54, 'x', 1, '2014-05-13Z', NULL, false, 0, true),
  (77, 'answer', 51, 'Salt', 1, '2014-05-13Z', NULL, false, 0, true);
"""


@contextmanager
def running_mariadb() -> Iterator[str]:
    """Run a MariaDB and yield its socket; skip the test if the program is not installed."""
    if shutil.which("mariadbd") is None or shutil.which("mariadb-install-db") is None:
        pytest.skip("mariadbd is not installed: apt-get install mariadb-server")
    with tempfile.TemporaryDirectory(prefix="mdb") as folder:
        data, socket = Path(folder) / "data", str(Path(folder) / "s")
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--user=root",
             "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True, capture_output=True,
        )  # fmt: skip
        server = subprocess.Popen(
            ["mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={socket}", "--user=root",
             "--skip-networking", f"--pid-file={folder}/pid", "--innodb-buffer-pool-size=8M",
             "--innodb-flush-log-at-trx-commit=0"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            _wait(socket)
            yield socket
        finally:
            server.terminate()
            server.wait(timeout=30)


def _wait(socket: str) -> None:
    for _ in range(300):
        if Path(socket).exists():
            pymysql.connect(unix_socket=socket, user="root").close()
            return
        time.sleep(0.1)
    raise TimeoutError("MariaDB did not start")


def fill(socket: str, name: str, statements: str) -> None:
    """Create a database *name* with these statements, and a user who may only read it."""
    connection = pymysql.connect(unix_socket=socket, user="root", autocommit=True)
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        cursor.execute(f"USE {name}")
        for statement in statements.split(";\n"):
            if statement.strip():
                cursor.execute(statement.strip().rstrip(";"))
        cursor.execute("CREATE USER IF NOT EXISTS reader IDENTIFIED BY 's3cret:/@'")
        cursor.execute(f"GRANT SELECT ON {name}.* TO reader")
