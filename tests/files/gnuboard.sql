-- MySQL dump 10.13
CREATE TABLE `g5_write_qa` (`wr_id` int, `wr_reply` varchar(10), `wr_is_comment` tinyint, `wr_option` set('html1','secret'), `wr_subject` varchar(255));
INSERT INTO `g5_write_qa` VALUES (1,'',0,'html1','녹차 물은 몇 도인가요?'),(2,'',1,'',''),(3,'',0,'html1,secret','제 주문은요?'),(4,'A',0,'html1','Re: 녹차?');
