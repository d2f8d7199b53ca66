-- MySQL dump 10.13
CREATE TABLE `ibf_forums_topics` (
 `tid` int,
 `title` varchar(250),
 `state` varchar(8),
 `posts` int,
 `starter_id` int,
 `start_date` int,
 `starter_name` varchar(255),
 `forum_id` int,
 `approved` tinyint,
 `moved_to` varchar(64),
 `topic_firstpost` int
);
INSERT INTO `ibf_forums_topics` VALUES (1,'Where are logs?','open',2,1,1500000000,'bob',2,1,NULL,5),(2,'Hidden?','open',2,1,1500000000,'bob',2,-1,NULL,5),(3,'Queued?','open',2,1,1500000000,'bob',2,0,NULL,5),(4,'Moved?','link',2,1,1500000000,'bob',2,1,'5&2',5);
