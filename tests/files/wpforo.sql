-- MySQL dump 10.13
INSERT INTO `wp_wpforo_topics` (`topicid`,`forumid`,`first_postid`,`userid`,`title`,`slug`,`created`,`private`,`status`) VALUES (1,1,1,1,'How do I change the theme?','x','2020-01-01 10:00:00',0,0),(2,1,2,1,'Private one?','x','2020-01-01 10:00:00',1,0),(3,1,3,1,'Unapproved one?','x','2020-01-01 10:00:00',0,1),(4,2,4,1,'In a closed forum?','x','2020-01-01 10:00:00',0,0);
INSERT INTO `wp_wpforo_forums` (`forumid`,`title`,`slug`,`status`) VALUES (1,'Help','help',1),(2,'Who is in the team?','team',0);
INSERT INTO `wp_wpforo_posts` (`postid`,`topicid`,`title`,`body`,`status`) VALUES (1,1,'How do I change the theme?','<p>To blue</p>',0),(5,1,'RE: How do I change the theme?','<p>So</p>',0);
