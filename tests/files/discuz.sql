-- phpMyAdmin SQL Dump
CREATE TABLE `pre_forum_forum` (`fid` int, `name` varchar(50), `status` tinyint);
INSERT INTO `pre_forum_forum` VALUES (2,'茶',1),(3,'站务',1),(4,'旧版',0);
CREATE TABLE `pre_forum_forumfield` (`fid` int, `password` varchar(12), `viewperm` text);
INSERT INTO `pre_forum_forumfield` VALUES (2,'',''),(3,'','\t1\t2\t17\t'),(4,'','');
CREATE TABLE `pre_forum_post` (`pid` int, `tid` int, `first` tinyint, `message` mediumtext, `invisible` tinyint);
INSERT INTO `pre_forum_post` VALUES (1,1,1,'[b]八十度[/b]吗?',0),(2,1,0,'是的',0);
CREATE TABLE `pre_forum_thread` (`tid` int, `fid` int, `readperm` int, `author` varchar(15), `subject` varchar(80), `displayorder` tinyint, `closed` int);
INSERT INTO `pre_forum_thread` VALUES (1,2,0,'安','绿茶用多热的水?',0,0),(2,2,0,'安','卖茶吗?',-2,0),(3,2,0,'安','删了吗?',-1,0),(4,3,0,'安','谁是版主?',0,0),(5,4,0,'安','旧茶?',0,0),(6,2,50,'安','要权限吗?',0,0),(7,2,0,'安','移走了?',0,1),(8,2,0,'安','移走了?',0,4);
