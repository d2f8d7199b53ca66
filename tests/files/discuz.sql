-- phpMyAdmin SQL Dump
CREATE TABLE `pre_forum_forum` (`fid` int, `fup` int, `type` varchar(9), `name` varchar(50), `status` tinyint);
INSERT INTO `pre_forum_forum` VALUES (2,1,'forum','茶',1),(3,1,'forum','站务',1),(4,1,'forum','旧版',0);
CREATE TABLE `pre_forum_forumfield` (`fid` int, `password` varchar(12), `viewperm` text);
INSERT INTO `pre_forum_forumfield` VALUES (2,'',''),(3,'','\t1\t2\t17\t'),(4,'','');
CREATE TABLE `pre_forum_post` (`pid` int, `fid` int, `tid` int, `first` tinyint, `author` varchar(15), `authorid` int, `subject` varchar(80), `dateline` int, `message` mediumtext, `invisible` tinyint);
INSERT INTO `pre_forum_post` VALUES (1,2,1,1,'安',1,'绿茶用多热的水?',1500000000,'[b]八十度[/b]吗?',0),(2,2,1,0,'波',2,'',1500000100,'是的',0),(3,2,2,1,'安',1,'卖茶吗?',1500000000,'x',-2);
CREATE TABLE `pre_forum_thread` (`tid` int, `fid` int, `posttableid` int, `readperm` int, `price` int, `author` varchar(15), `authorid` int, `subject` varchar(80), `dateline` int, `views` int, `replies` int, `displayorder` tinyint, `special` tinyint, `closed` int, `isgroup` tinyint);
INSERT INTO `pre_forum_thread` VALUES (1,2,0,0,0,'安',1,'绿茶用多热的水?',1500000000,9,1,0,0,0,0),(2,2,0,0,0,'安',1,'卖茶吗?',1500000000,9,1,-2,0,0,0),(3,2,0,0,0,'安',1,'删了吗?',1500000000,9,1,-1,0,0,0),(4,3,0,0,0,'安',1,'谁是版主?',1500000000,9,1,0,0,0,0),(5,4,0,0,0,'安',1,'旧茶?',1500000000,9,1,0,0,0,0),(6,2,0,50,0,'安',1,'要权限吗?',1500000000,9,1,0,0,0,0),(7,2,0,0,0,'安',1,'移走了?',1500000000,9,1,0,0,1,0),(8,2,0,0,0,'安',1,'移走了?',1500000000,9,1,0,0,4,0);
