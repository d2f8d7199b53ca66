CREATE TABLE `q` (`id` int, `title` text);
INSERT INTO `q` VALUES (1,'How is tar made?');
DELETE FROM `q` WHERE `id`>1 AND `id`<3;
INSERT INTO q SET id=4, title='Is tar hot?';
