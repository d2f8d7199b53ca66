-- MySQL dump 10.13  Distrib 8.0.36
/*!40101 SET NAMES utf8mb4 */;
CREATE TABLE `vb_forum` (`forumid` int, `title` varchar(100), `password` varchar(50), `parentid` int);
INSERT INTO `vb_forum` VALUES (1,'Cars','',-1),(2,'Staff','',-1);
CREATE TABLE `vb_forumpermission` (`forumpermissionid` int, `forumid` int, `usergroupid` int, `forumpermissions` int);
INSERT INTO `vb_forumpermission` VALUES (1,2,1,0),(2,2,2,655374);
CREATE TABLE `vb_post` (`postid` int, `threadid` int, `title` varchar(250), `pagetext` mediumtext, `visible` int);
INSERT INTO `vb_post` VALUES (5,1,'','[QUOTE=Bo;12]old[/QUOTE]New tyres',1);
CREATE TABLE `vb_thread` (`threadid` int, `title` varchar(250), `firstpostid` int, `forumid` int, `open` int, `postusername` varchar(100), `dateline` int, `visible` int);
INSERT INTO `vb_thread` VALUES (1,'Which tyres last?',5,1,1,'ann',1262304000,1),(2,'Moderated',6,1,1,'bo',1262304000,0),(3,'Deleted',7,1,1,'bo',1262304000,2),(4,'Moved',8,1,10,'bo',1262304000,1),(5,'Staff only',9,2,1,'bo',1262304000,1);
