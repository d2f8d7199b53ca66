-- MySQL dump 10.13
INSERT INTO `mantis_bug_table` (`id`,`project_id`,`reporter_id`,`summary`,`bug_text_id`,`view_state`,`date_submitted`,`last_updated`) VALUES (12,1,2,'Why is the cart empty?',5,10,1577872800,1577872900),(13,1,2,'Who can read the cards?',6,50,1577872800,1577872900),(14,2,2,'Where is the plan?',6,10,1577872800,1577872900);
INSERT INTO `mantis_bug_text_table` (`id`,`description`) VALUES (5,'I put a book in'),(6,'x');
INSERT INTO `mantis_project_table` (`id`,`name`,`view_state`) VALUES (1,'Shop',10),(2,'Secret',50);
INSERT INTO `mantis_user_table` (`id`,`username`,`realname`) VALUES (2,'ann','Ann Lee');
