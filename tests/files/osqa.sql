CREATE TABLE forum_node (id int, title text, tagnames text, body text, node_type text, parent_id int, added_at text, state_string text);
INSERT INTO forum_node VALUES (1,'How do I clean a lens?','lens','It is dirty','question',NULL,'2010-01-01 00:00:00',''),(2,'','lens','With a cloth','answer',1,'2010-01-01 00:00:00',''),(3,'Deleted?','lens','x','question',NULL,'2010-01-01 00:00:00','(deleted)');
