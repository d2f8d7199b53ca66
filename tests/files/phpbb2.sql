CREATE TABLE `phpbb_topics` (`topic_id` int, `forum_id` int, `topic_title` char(60), `topic_status` tinyint, `topic_first_post_id` int);
INSERT INTO `phpbb_topics` VALUES (1,2,'How do I clean a lens?',0,11),(2,3,'Staff?',0,12);
CREATE TABLE `phpbb_posts` (`post_id` int, `topic_id` int, `poster_id` int);
INSERT INTO `phpbb_posts` VALUES (11,1,5),(12,2,5);
CREATE TABLE `phpbb_posts_text` (`post_id` int, `post_subject` char(60), `post_text` text);
INSERT INTO `phpbb_posts_text` VALUES (11,'How do I clean a lens?','It is [b:abc]dirty[/b:abc]'),(12,'Staff?','x');
CREATE TABLE `phpbb_forums` (`forum_id` int, `forum_name` varchar(150), `auth_view` tinyint, `auth_read` tinyint);
INSERT INTO `phpbb_forums` VALUES (2,'Lenses',0,0),(3,'Staff',2,2);
