-- MariaDB dump
CREATE TABLE `wbb1_thread` (`threadID` int, `boardID` int, `topic` varchar(255), `firstPostID` int, `isDisabled` tinyint, `isDeleted` tinyint, `movedThreadID` int);
INSERT INTO `wbb1_thread` VALUES (1,1,'Wie schleife ich Messer?',1,0,0,NULL),(2,1,'Wer ist gesperrt?',2,1,0,NULL),(3,1,'Wo ist es hin?',3,0,1,NULL),(4,1,'Wie schleife ich?',4,0,0,1);
CREATE TABLE `wbb1_post` (`postID` int, `threadID` int, `subject` varchar(255), `message` mediumtext);
INSERT INTO `wbb1_post` VALUES (1,1,'Wie schleife ich Messer?','Nass?'),(9,1,'','Nass.');
