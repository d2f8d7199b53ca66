CREATE TABLE `wedge_topics` (`id_topic` int, `id_board` int, `id_first_msg` int, `privacy` int, `approved` tinyint);
INSERT INTO `wedge_topics` VALUES (1,2,11,0,1),(2,2,12,99,1);
CREATE TABLE `wedge_messages` (`id_msg` int, `id_topic` int, `subject` varchar(255), `body` text);
INSERT INTO `wedge_messages` VALUES (11,1,'How do I clean a lens?','It is dirty'),(12,2,'Private?','x');
