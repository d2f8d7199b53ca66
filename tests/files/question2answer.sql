-- MySQL dump 10.13
CREATE TABLE `qa_posts` (
 `postid` int,
 `type` enum('Q','A','C','Q_HIDDEN','A_HIDDEN','C_HIDDEN','Q_QUEUED','A_QUEUED','C_QUEUED','NOTE'),
 `parentid` int,
 `title` varchar(800),
 `content` text,
 `created` datetime,
 `userid` int
);
INSERT INTO `qa_posts` VALUES (1,'Q',NULL,'Where are logs?','x','2020-01-01 00:00:00',1),(2,'A',1,NULL,'there','2020-01-01 00:00:00',1),(3,'Q_HIDDEN',NULL,'Hidden?','x','2020-01-01 00:00:00',1),(4,'Q_QUEUED',NULL,'Queued?','x','2020-01-01 00:00:00',1);
