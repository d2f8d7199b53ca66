CREATE TABLE `topics` (`id` int, `poster` varchar(200), `subject` varchar(255), `posted` int, `moved_to` int, `forum_id` int);
INSERT INTO `topics` VALUES (1,'ann','How do I clean a lens?',1262304000,NULL,2);
CREATE TABLE `posts` (`id` int, `poster` varchar(200), `message` text, `posted` int, `topic_id` int);
INSERT INTO `posts` VALUES (11,'ann','It is dirty',1262304000,1),(12,'bob','With a cloth',1262304001,1);
