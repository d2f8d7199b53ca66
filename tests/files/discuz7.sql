CREATE TABLE `cdb_threads` (`tid` int, `fid` int, `readperm` tinyint, `subject` char(80), `dateline` int, `displayorder` tinyint, `special` tinyint, `moderated` tinyint, `closed` int);
INSERT INTO `cdb_threads` VALUES (1,2,0,'How do I clean a lens?',1262304000,0,0,0,0),(2,2,0,'Which lens?',1262304000,1,0,1,0);
CREATE TABLE `cdb_posts` (`pid` int, `tid` int, `first` tinyint, `subject` varchar(80), `message` mediumtext, `invisible` tinyint);
INSERT INTO `cdb_posts` VALUES (11,1,1,'How do I clean a lens?','It is dirty',0);
CREATE TABLE `cdb_forums` (`fid` int, `name` char(50), `status` tinyint);
INSERT INTO `cdb_forums` VALUES (2,'Lenses',1);
