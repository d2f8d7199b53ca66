-- MySQL dump 10.13
CREATE TABLE `wp_posts` (
 `ID` bigint(20),
 `post_author` int,
 `post_date` datetime,
 `post_content` longtext,
 `post_title` text,
 `post_status` varchar(20),
 `post_type` varchar(20),
 `post_parent` int
);
INSERT INTO `wp_posts` VALUES (1,1,'2020-01-01 00:00:00','x','Where are logs?','publish','topic',3),(2,1,'2020-01-01 00:00:00','x','About us','publish','page',0),(3,1,'2020-01-01 00:00:00','x','Reply To: Where are logs?','publish','reply',1),(4,1,'2020-01-01 00:00:00','x','Hidden?','private','topic',3),(5,1,'2020-01-01 00:00:00','x','A forum','publish','forum',0);
