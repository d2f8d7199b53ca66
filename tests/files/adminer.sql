-- Adminer 4.8.1
INSERT INTO `q` (`id`, `title`, `draft`) VALUES
(1,	'How is tar made?',	CONV('0', 2, 10) + 0),
(2,	'Draft?',	CONV('1', 2, 10) + 0);
