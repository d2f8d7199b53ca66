CREATE TABLE `pw_threads` (`tid` int, `fid` int, `author` char(15), `subject` char(100), `ifcheck` tinyint, `postdate` int, `replies` int, `ifshield` tinyint);
INSERT INTO `pw_threads` VALUES (1,2,'ann','How do I clean a lens?',1,1262304000,1,0),(2,2,'ann','Unchecked?',0,1262304000,1,0),(3,0,'ann','Deleted?',1,1262304000,1,0),(4,2,'ann','Shielded?',1,1262304000,1,1),(5,3,'ann','Staff?',1,1262304000,1,0);
CREATE TABLE `pw_tmsgs` (`tid` int, `content` text);
INSERT INTO `pw_tmsgs` VALUES (1,'It is [b]dirty[/b]');
CREATE TABLE `pw_posts` (`pid` int, `fid` int, `tid` int, `subject` char(100), `content` text);
INSERT INTO `pw_posts` VALUES (9,2,1,'','With a cloth');
CREATE TABLE `pw_forums` (`fid` int, `name` varchar(255), `password` varchar(32), `allowvisit` varchar(255));
INSERT INTO `pw_forums` VALUES (2,'Lenses','',''),(3,'Staff','',',3,');
