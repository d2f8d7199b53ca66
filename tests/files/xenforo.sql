-- MySQL dump 10.13  Distrib 8.0.36
/*!40101 SET NAMES utf8mb4 */;
CREATE TABLE `xf_node` (`node_id` int, `title` varchar(50), `node_type_id` varbinary(25));
INSERT INTO `xf_node` VALUES (1,'Cars','Forum'),(2,'Staff','Forum');
CREATE TABLE `xf_permission_entry_content` (`permission_entry_id` int, `content_type` varbinary(25), `content_id` int, `user_group_id` int, `user_id` int, `permission_group_id` varbinary(25), `permission_id` varbinary(25), `permission_value` varchar(20));
INSERT INTO `xf_permission_entry_content` VALUES (1,'node',2,0,0,'general','viewNode','reset');
CREATE TABLE `xf_post` (`post_id` int, `thread_id` int, `message` mediumtext, `message_state` varchar(10));
INSERT INTO `xf_post` VALUES (5,1,'It [I]squeals[/I]','visible');
CREATE TABLE `xf_thread` (`thread_id` int, `node_id` int, `title` varchar(150), `username` varchar(50), `post_date` int, `discussion_state` varchar(10), `discussion_type` varchar(50), `first_post_id` int);
INSERT INTO `xf_thread` VALUES (1,1,'Why does the brake squeal?','ann',1262304000,'visible','',5),(2,1,'Moderated','bo',1262304000,'moderated','',6),(3,1,'Deleted','bo',1262304000,'deleted','',7),(4,1,'Moved','bo',1262304000,'visible','redirect',8),(5,2,'Staff only','bo',1262304000,'visible','',9);
