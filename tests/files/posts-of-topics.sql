-- MariaDB dump
CREATE TABLE `x_topic` (`id` int, `label` varchar(9), `is_deleted` tinyint);
INSERT INTO `x_topic` VALUES (1,'a',0),(2,'b',1);
CREATE TABLE `x_entry` (`id` int, `topic_id` int, `subject` varchar(99), `message` text);
INSERT INTO `x_entry` VALUES (7,1,'How is felt made?','x'),(8,2,'Who felt it?','x');
