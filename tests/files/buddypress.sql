CREATE TABLE `wp_bp_groups` (`id` bigint, `name` varchar(100), `status` varchar(10));
INSERT INTO `wp_bp_groups` VALUES (1,'Open','public'),(2,'Ours','hidden');
CREATE TABLE `wp_topics` (`id` bigint, `group_id` bigint, `title` text);
INSERT INTO `wp_topics` VALUES (1,1,'How do I boil rice?'),(2,2,'Who leaves?');
