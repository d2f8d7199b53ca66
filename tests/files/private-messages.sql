INSERT INTO xf_conversation_master (conversation_id, title) VALUES (1,'Secret?');
INSERT INTO `mybb_privatemessages` (`pmid`, `uid`, `subject`, `message`) VALUES (1,5,'Secret?','x');
