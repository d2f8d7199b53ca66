INSERT INTO `mybb_privatemessages` (`pmid`, `uid`, `subject`, `message`) VALUES (1,5,'Secret?','x');
