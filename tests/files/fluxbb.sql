-- MySQL dump 10.13
CREATE TABLE `topics` (
 `id` int,
 `poster` varchar(200),
 `subject` varchar(255),
 `posted` int,
 `first_post_id` int,
 `moved_to` int,
 `closed` tinyint,
 `forum_id` int
);
INSERT INTO `topics` VALUES (1,'bob','Where are logs?',1500000000,1,NULL,0,2),(2,'bob','Moved?',1500000000,1,5,0,2);
CREATE TABLE `forums` (
 `id` int,
 `forum_name` varchar(80)
);
INSERT INTO `forums` VALUES (2,'General');
