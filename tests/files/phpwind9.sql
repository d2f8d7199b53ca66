CREATE TABLE `pw_bbs_threads` (`tid` int, `fid` int, `subject` char(100), `ifshield` tinyint, `disabled` tinyint, `ischeck` tinyint, `created_time` int, `created_username` char(15));
INSERT INTO `pw_bbs_threads` VALUES (1,2,'How do I clean a lens?',0,0,1,1262304000,'ann'),(2,2,'Disabled?',0,1,1,1262304000,'ann'),(3,2,'Unchecked?',0,0,0,1262304000,'ann');
CREATE TABLE `pw_bbs_threads_content` (`tid` int, `content` text);
INSERT INTO `pw_bbs_threads_content` VALUES (1,'It is dirty');
