CREATE TABLE `xmb_threads` (`tid` int, `fid` int, `subject` varchar(128), `lastpost` varchar(54), `author` varchar(32), `closed` varchar(15), `topped` tinyint);
INSERT INTO `xmb_threads` VALUES (1,2,'How do I clean a lens?','1262304000|ann|1','ann','',0),(2,2,'Moved?','1262304000|ann|1','ann','moved|1',0),(3,3,'Staff?','1262304000|ann|1','ann','',0);
CREATE TABLE `xmb_posts` (`fid` int, `tid` int, `pid` int, `author` varchar(32), `message` text, `subject` tinytext, `dateline` int);
INSERT INTO `xmb_posts` VALUES (2,1,1,'ann','It is [b]dirty[/b]','How do I clean a lens?',1262304000),(2,1,2,'bob','With a cloth','',1262304001);
CREATE TABLE `xmb_forums` (`fid` int, `name` varchar(128), `status` varchar(15), `private` varchar(15), `userlist` text, `password` varchar(32));
INSERT INTO `xmb_forums` VALUES (2,'Lenses','on','1','',''),(3,'Staff','on','3','','');
