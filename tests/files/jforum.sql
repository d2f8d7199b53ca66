CREATE TABLE jforum_topics (topic_id int, forum_id int, topic_title varchar(100), topic_time datetime, topic_status tinyint, moderated tinyint);
INSERT INTO jforum_topics VALUES (1,1,'How do I boil rice?','2020-01-01 10:00:00',0,0),(2,1,'Wait?','2020-01-01 10:00:00',0,1);
