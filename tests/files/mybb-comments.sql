-- phpMyAdmin SQL Dump
-- version 5.2.1
SET SQL_MODE = "NO_AUTO_VALUE_ON_ZERO";
/*!40101 SET NAMES utf8mb4 */;
-- --------------------------------------------------------
--
-- Table structure for table `mybb_threads`
--
CREATE TABLE `mybb_threads` (
  `tid` int(10) UNSIGNED NOT NULL,
  `fid` smallint(5) UNSIGNED NOT NULL DEFAULT 0,
  `subject` varchar(120) NOT NULL DEFAULT '' COMMENT 'the title; of (the) thread, `x`',
  `uid` int(10) UNSIGNED NOT NULL DEFAULT 0,
  `username` varchar(80) NOT NULL DEFAULT '',
  `dateline` int(10) UNSIGNED NOT NULL DEFAULT 0,
  `firstpost` int(10) UNSIGNED NOT NULL DEFAULT 0,
  `views` int(100) UNSIGNED NOT NULL DEFAULT 0,
  `replies` int(100) UNSIGNED NOT NULL DEFAULT 0,
  `closed` varchar(30) NOT NULL DEFAULT '',
  `visible` tinyint(1) NOT NULL DEFAULT 0,
  `deletetime` int(10) UNSIGNED NOT NULL DEFAULT 0
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
--
-- Dumping data for table `mybb_threads`
--
INSERT INTO `mybb_threads` (`tid`, `fid`, `subject`, `uid`, `username`, `dateline`, `firstpost`, `views`, `replies`, `closed`, `visible`, `deletetime`) VALUES
(1, 2, 'Where\'s the -- comment; in ''quotes''? /* x */', 1, 'ann', 1577836800, 1, 9, 3, '', 1, 0),
(2, 2, 'Unapproved?', 1, 'ann', 1577836800, 2, 0, 0, '', 0, 0), -- a comment
(3, 2, 'Moved?', 1, 'ann', 1577836800, 3, 0, 0, 'moved|1', 1, 0),
/* another */ (4, 2, 'Deleted?', 1, 'ann', 1577836800, 4, 0, 0, '', -1, 0);
INSERT INTO `mybb_threads` (`tid`, `fid`, `subject`, `uid`, `username`, `dateline`, `firstpost`, `views`, `replies`, `closed`, `visible`, `deletetime`) VALUES
(5, 2, 'What is 0x41?', 1, 'ann', 1577836800, 5, 0, 0, '1', 1, 0);
--
-- Indexes for dumped tables
--
ALTER TABLE `mybb_threads` ADD PRIMARY KEY (`tid`);
COMMIT;
