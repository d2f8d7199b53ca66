-- MySQL dump 10.13
INSERT INTO `j_kunena_topics` (`id`,`category_id`,`subject`,`locked`,`hold`,`posts`,`hits`,`moved_id`,`first_post_time`,`first_post_userid`,`first_post_message`) VALUES (1,2,'How do I change the template?',0,0,3,50,0,1577872800,7,'I want [b]blue[/b]'),(2,2,'Cheap watches?',0,1,1,0,0,1577872800,8,'x'),(3,2,'Delete me?',0,2,1,0,0,1577872800,8,'x'),(4,3,'Who is new in the team?',0,0,1,0,0,1577872800,8,'x');
INSERT INTO `j_kunena_categories` (`id`,`name`,`published`,`access`) VALUES (2,'Templates',1,1),(3,'Staff',1,6);
