-- MySQL dump 10.13  Distrib 8.0.36
/*!40101 SET NAMES utf8mb4 */;
CREATE TABLE `smf_boards` (`id_board` smallint, `name` varchar(255), `member_groups` varchar(255));
INSERT INTO `smf_boards` VALUES (1,'Cars','-1,0,2'),(2,'Staff','2');
CREATE TABLE `smf_messages` (`id_msg` int, `id_topic` int, `id_board` int, `poster_time` int, `subject` varchar(255), `poster_name` varchar(255), `body` text, `icon` varchar(16), `approved` tinyint);
INSERT INTO `smf_messages` VALUES (5,1,1,1262304000,'Where&#039;s the fuse?','ann','Under<br />there','xx',1),(6,2,2,1262304000,'Staff only','bo','x','xx',1),(7,3,1,1262304000,'MOVED: Fuse','bo','x','moved',1),(8,4,1,1262304000,'Unapproved','bo','x','xx',0),(9,1,1,1262304000,'Re: Where&#039;s the fuse?','cy','x','xx',1);
CREATE TABLE `smf_topics` (`id_topic` int, `id_board` smallint, `id_first_msg` int, `approved` tinyint, `id_redirect_topic` int);
INSERT INTO `smf_topics` VALUES (1,1,5,1,0),(2,2,6,1,0),(3,1,7,1,9),(4,1,8,0,0);
