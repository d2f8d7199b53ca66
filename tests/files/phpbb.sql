-- MySQL dump 10.13  Distrib 8.0.36
/*!40101 SET NAMES utf8mb4 */;
CREATE TABLE `phpbb_acl_groups` (
  `group_id` int NOT NULL,
  `forum_id` int NOT NULL,
  `auth_option_id` int,
  `auth_role_id` int,
  `auth_setting` tinyint,
  KEY `group_id` (`group_id`)
);
INSERT INTO `phpbb_acl_groups` VALUES (1,2,0,17,0),(5,3,0,14,0),(2,4,0,15,0);
CREATE TABLE `phpbb_forums` (
  `forum_id` int,
  `parent_id` int,
  `forum_name` varchar(255),
  `forum_password` varchar(255)
);
INSERT INTO `phpbb_forums` VALUES (2,0,'Bread',''),(3,0,'Staff',''),(4,0,'Locked up','$2y$10$x');
CREATE TABLE `phpbb_posts` (`post_id` int, `topic_id` int, `post_subject` varchar(255), `post_text` mediumtext, `post_visibility` tinyint);
INSERT INTO `phpbb_posts` VALUES (10,1,'Why?','It\'s <r>flat; <B><s>[b]</s>very<e>[/b]</e></B></r>\nsee (1), ok',1);
CREATE TABLE `phpbb_topics` (
  `topic_id` int unsigned NOT NULL AUTO_INCREMENT,
  `forum_id` int,
  `topic_title` varchar(255) DEFAULT '' COMMENT 'a, (b)',
  `topic_time` int,
  `topic_status` tinyint,
  `topic_visibility` tinyint,
  `topic_moved_id` int,
  `topic_first_post_id` int,
  PRIMARY KEY (`topic_id`)
) ENGINE=InnoDB;
LOCK TABLES `phpbb_topics` WRITE;
INSERT INTO `phpbb_topics` VALUES (1,2,'Why is bread &quot;flat&quot;?',1262304000,0,1,0,10),(2,3,'Who is on duty?',1262304000,0,1,0,11),(3,4,'What is the password?',1262304000,0,1,0,12),(4,2,'It\'s not approved',1262304000,0,0,0,13);
UNLOCK TABLES;
CREATE TABLE `phpbb_users` (`user_id` int, `username` varchar(255));
INSERT INTO `phpbb_users` VALUES (1,'Ann Smith');
