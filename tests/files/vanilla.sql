-- MySQL dump 10.13
CREATE TABLE `GDN_Discussion` (
 `DiscussionID` int(11),
 `CategoryID` int(11),
 `Name` varchar(100),
 `Body` text,
 `Closed` tinyint(1),
 `DateInserted` datetime
);
INSERT INTO `GDN_Discussion` VALUES (1,2,'Where are logs?','x',0,'2020-01-01 00:00:00');
CREATE TABLE `GDN_Category` (
 `CategoryID` int(11),
 `Name` varchar(100)
);
INSERT INTO `GDN_Category` VALUES (2,'General?');
CREATE TABLE `GDN_User` (
 `UserID` int(11),
 `Name` varchar(100)
);
INSERT INTO `GDN_User` VALUES (2,'Is this me?');
