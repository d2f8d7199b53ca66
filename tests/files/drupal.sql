-- MySQL dump 10.13
INSERT INTO `node` (`nid`,`vid`,`type`,`language`,`title`,`uid`,`status`,`created`,`changed`,`comment`) VALUES (1,1,'forum','en','How do I clear the cache?',3,1,1577872800,1577872900,2),(2,2,'page','en','About us',1,1,1577872800,1577872900,0),(3,3,'forum','en','Buy now?',4,0,1577872800,1577872900,2);
INSERT INTO `users` (`uid`,`name`,`mail`,`status`) VALUES (3,'ann','a@x.example',1);
