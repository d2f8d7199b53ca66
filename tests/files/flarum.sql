-- MySQL dump 10.13  Distrib 8.0.36
/*!40101 SET NAMES utf8mb4 */;
CREATE TABLE `discussions` (`id` int, `title` varchar(200), `comment_count` int, `created_at` datetime, `user_id` int, `first_post_id` int, `slug` varchar(255), `is_private` tinyint, `is_approved` tinyint, `hidden_at` datetime);
INSERT INTO `discussions` VALUES (1,'Which kiln is best?',2,'2020-01-01 10:00:00',1,5,'x',0,1,NULL),(2,'Hidden',1,'2020-01-01 10:00:00',1,6,'x',0,1,'2020-01-02 10:00:00'),(3,'Private',1,'2020-01-01 10:00:00',1,7,'x',1,1,NULL),(4,'Unapproved',1,'2020-01-01 10:00:00',1,8,'x',0,0,NULL),(5,'Restricted',1,'2020-01-01 10:00:00',1,9,'x',0,1,NULL);
CREATE TABLE `discussion_tag` (`discussion_id` int, `tag_id` int);
INSERT INTO `discussion_tag` VALUES (1,1),(5,2);
CREATE TABLE `posts` (`id` int, `discussion_id` int, `number` int, `type` varchar(100), `content` text, `hidden_at` datetime);
INSERT INTO `posts` VALUES (5,1,1,'comment','<t><p>For clay</p></t>',NULL);
CREATE TABLE `tags` (`id` int, `name` varchar(100), `slug` varchar(100), `is_restricted` tinyint, `is_hidden` tinyint);
INSERT INTO `tags` VALUES (1,'Kilns','kilns',0,0),(2,'Staff','staff',1,0);
CREATE TABLE `users` (`id` int, `username` varchar(100), `email` varchar(150));
INSERT INTO `users` VALUES (1,'ann','ann@example.org');
