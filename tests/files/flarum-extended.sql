-- phpMyAdmin SQL Dump
CREATE TABLE `fl_discussions` (`id` int UNSIGNED NOT NULL, `title` varchar(200) NOT NULL, `comment_count` int NOT NULL DEFAULT '1', `created_at` datetime NOT NULL, `user_id` int DEFAULT NULL, `first_post_id` int DEFAULT NULL, `hidden_at` datetime DEFAULT NULL, `slug` varchar(255) NOT NULL, `is_private` tinyint(1) NOT NULL DEFAULT '0', `is_approved` tinyint(1) NOT NULL DEFAULT '1', `is_locked` tinyint(1) NOT NULL DEFAULT '0') ENGINE=InnoDB;
INSERT INTO `fl_discussions` VALUES
(1,'How to park?',2,'2020-01-01 00:00:00',1,1,NULL,'how',0,1,0),
(2,'Hidden?',2,'2020-01-01 00:00:00',1,2,'2020-01-02 00:00:00','h',0,1,0),
(3,'Private?',2,'2020-01-01 00:00:00',1,3,NULL,'p',1,1,0),
(4,'Tag restricted?',2,'2020-01-01 00:00:00',1,4,NULL,'p',0,1,0),
(5,'Unapproved?',2,'2020-01-01 00:00:00',1,4,NULL,'p',0,0,0);
CREATE TABLE `fl_tags` (`id` int, `name` varchar(100), `slug` varchar(100), `is_restricted` tinyint(1), `is_hidden` tinyint(1));
INSERT INTO `fl_tags` VALUES (1,'Cars','cars',0,0),(2,'Staff','staff',1,0);
CREATE TABLE `fl_discussion_tag` (`discussion_id` int, `tag_id` int);
INSERT INTO `fl_discussion_tag` VALUES (1,1),(4,2);
CREATE TABLE `fl_users` (`id` int, `username` varchar(100), `bio` text);
INSERT INTO `fl_users` VALUES (1,'ann','Who am I?');
CREATE TABLE `fl_posts` (`id` int, `discussion_id` int, `number` int, `created_at` datetime, `user_id` int, `type` varchar(100), `content` mediumtext, `hidden_at` datetime, `is_private` tinyint, `is_approved` tinyint);
INSERT INTO `fl_posts` VALUES (1,1,1,'2020-01-01 00:00:00',1,'comment','<t><p>x</p></t>',NULL,0,1);
