-- MySQL dump 10.13  Distrib 8.0.36
/*!40101 SET NAMES utf8mb4 */;
CREATE TABLE `mybb_forums` (`fid` int, `name` varchar(120), `pid` int, `password` varchar(50), `active` tinyint);
INSERT INTO `mybb_forums` VALUES (1,'Cars',0,'',1),(2,'Staff',0,'',1),(3,'Shut',0,'',0);
CREATE TABLE `mybb_forumpermissions` (`pid` int, `fid` int, `gid` int, `canview` tinyint, `canviewthreads` tinyint);
INSERT INTO `mybb_forumpermissions` VALUES (1,2,1,0,0),(2,2,4,1,1);
CREATE TABLE `mybb_posts` (`pid` int, `tid` int, `subject` varchar(120), `message` text, `visible` tinyint);
INSERT INTO `mybb_posts` VALUES (5,1,'x','Mine rattles',1);
CREATE TABLE `mybb_threads` (`tid` int, `fid` int, `subject` varchar(120), `username` varchar(80), `dateline` int, `firstpost` int, `visible` tinyint, `closed` varchar(30), `deletetime` int);
INSERT INTO `mybb_threads` VALUES (1,1,'Why does it rattle?','ann',1262304000,5,1,'',0),(2,1,'Unapproved','bo',1262304000,6,0,'',0),(3,1,'Deleted','bo',1262304000,7,-1,'',1262304001),(4,1,'Moved','bo',1262304000,8,1,'moved|1',0),(5,2,'Staff only','bo',1262304000,9,1,'',0),(6,1,'Draft','bo',1262304000,9,-2,'',0),(7,3,'Shut','bo',1262304000,9,1,'',0);
